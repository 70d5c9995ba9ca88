from typing import Any

from django.utils import timezone

from bookings import services
from lib.sweeping import alone


@alone(time_limit=120)
def sweep(**_: Any) -> None:
    """Every minute: lapsed holds end, sessions that are over complete."""
    services.sweep(timezone.now())


@alone(time_limit=120)
def refresh_openings(**_: Any) -> None:
    """Every minute, and after a change of somebody's time: next openings that are due are found anew."""
    services.refresh_openings(timezone.now())
