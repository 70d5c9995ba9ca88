from typing import Any

from django.utils import timezone

from lib.sweeping import alone
from mentors import services


@alone(time_limit=120)
def keep_figures(**_: Any) -> None:
    """Every five minutes: what pages say of all listed mentors."""
    services.keep_figures(timezone.now())
