"""Times of the examples: December 2026 on the wall clock of Kolkata, where it is Wednesday 2, 12:00."""

from datetime import datetime
from zoneinfo import ZoneInfo

KOLKATA = ZoneInfo("Asia/Kolkata")


def at(day: int, hour: int, minute: int = 0, month: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=KOLKATA)
