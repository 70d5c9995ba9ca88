"""What the clocks of a zone read, in integers.

Instants are whole minutes since 1970-01-01T00:00Z, because integers sort, merge and compare faster than datetimes.
A wall clock's reading is such a number too: the minutes since 1970-01-01T00:00 on that wall.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
EPOCH_DAY = date(1970, 1, 1).toordinal()


def epoch_minute(at: datetime) -> int:
    """Whole minutes since the epoch, rounded down."""
    return int(at.timestamp() // 60)


def from_epoch_minute(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def day_number(day: date) -> int:
    """Days since 1970-01-01, a Thursday."""
    return day.toordinal() - EPOCH_DAY


def date_of(number: int) -> date:
    return date.fromordinal(number + EPOCH_DAY)


class WallClock:
    """What the clocks of a zone read at an instant, and when they read that: integers only.

    Good from `begin` to `end`. A reading that a clock change skips is the instant as much later as the
    gap is long; one that comes twice is the first: both are what a `fold` of 0 means (PEP 495).
    """

    def __init__(self, zone: ZoneInfo, begin: int, end: int) -> None:
        self.changes: list[int] = []  # the first minute of each new offset
        self.offsets = [_offset(zone, begin)]  # one more than changes
        for later in range(begin + DAY_MINUTES, end + DAY_MINUTES, DAY_MINUTES):
            while _offset(zone, later) != self.offsets[-1]:
                old = self.offsets[-1]
                day = range(later - DAY_MINUTES, later + 1)
                change = day[bisect_left(day, True, key=lambda minute: _offset(zone, minute) != old)]
                self.changes.append(change)
                self.offsets.append(_offset(zone, change))
        # From these readings on the new offset is meant: after the gap, or after the second time.
        self._turns = [change + max(self.offsets[at : at + 2]) for at, change in enumerate(self.changes)]

    def reading(self, minute: int) -> int:
        return minute + self.offsets[bisect_right(self.changes, minute)]

    def minute(self, reading: int) -> int:
        return reading - self.offsets[bisect_right(self._turns, reading)]

    def midnight(self, day: int) -> int:
        return self.minute(day * DAY_MINUTES)

    def day(self, minute: int) -> int:
        return self.reading(minute) // DAY_MINUTES

    def steady_until(self, minute: int) -> float:
        """When the clocks change next."""
        at = bisect_right(self.changes, minute)
        return self.changes[at] if at < len(self.changes) else float("inf")


YEAR_MINUTES = 365 * DAY_MINUTES


def wall_clock(zone: ZoneInfo, begin: int, end: int) -> WallClock:
    """The zone's clock from a fortnight before `begin` to a fortnight after `end`."""
    return _wall_clock(zone, begin // YEAR_MINUTES, end // YEAR_MINUTES)


@lru_cache(maxsize=1024)
def _wall_clock(zone: ZoneInfo, first: int, last: int) -> WallClock:
    """Kept, because finding a year's changes takes longer than a month of openings."""
    margin = 14 * DAY_MINUTES
    return WallClock(zone, first * YEAR_MINUTES - margin, (last + 1) * YEAR_MINUTES + margin)


def _offset(zone: ZoneInfo, minute: int) -> int:
    ahead = datetime.fromtimestamp(minute * 60, zone).utcoffset() or timedelta()
    return int(ahead.total_seconds() // 60)


def wall_minute(zone: ZoneInfo, day: date, minute: int) -> int:
    """The instant at which that day's wall clock in the zone reads `minute`, as minutes since the epoch."""
    reading = day_number(day) * DAY_MINUTES + minute
    return wall_clock(zone, reading, reading).minute(reading)


def day_start(zone: ZoneInfo, day: date) -> int:
    return wall_minute(zone, day, 0)


def local_date(zone: ZoneInfo, minute: int) -> date:
    return date_of(wall_clock(zone, minute, minute).day(minute))
