from typing import Any

from django.utils import timezone

from bookings import services
from lib.sweeping import alone


@alone(time_limit=120)
def sweep(**_: Any) -> None:
    """Every minute: lapsed holds end, sessions that are over complete."""
    services.sweep(timezone.now())
