from typing import Any

from django.utils import timezone

from lib.sweeping import alone
from mentors import services


@alone(time_limit=120)
def keep_figures(**_: Any) -> None:
    """Every ten minutes: what pages say of each field."""
    services.keep_figures(timezone.now())
