"""When a mentor is open, as pure arithmetic: no database, no clock of its own.

Rules are wall-clock times and dates in the mentor's zone; what comes out is instants, as whole
minutes since 1970-01-01T00:00Z, because integers sort, merge and compare faster than datetimes.
A wall clock's reading is such a number too: the minutes since 1970-01-01T00:00 on that wall.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Minutes of a wall-clock day, [start, end); the end is past 1440 for an interval that runs over midnight.
Span = tuple[int, int]
# Minutes since the epoch, [start, end).
Interval = tuple[int, int]

DAY_MINUTES = 24 * 60
EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Schedule:
    """A mentor's calendar and booking rules, as plain values."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    breaks: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    overrides: Mapping[date, Sequence[Span]] = field(default_factory=dict)
    blocked: Sequence[tuple[date, date]] = ()
    interval_minutes: int = 30
    buffer_minutes: int = 0
    notice_minutes: int = 0
    allows_same_day: bool = False
    window_days: int = 60
    max_per_day: int | None = None
    max_per_week: int | None = None


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


class Opening(NamedTuple):
    """Starts are stepped from `start` and lie before `limit`; a session may last until `reach`.

    `reach` is beyond `limit` where the mentor's next opening follows without a gap.
    """

    start: int
    limit: int
    reach: int


def openings(schedule: Schedule, first: date, last: date) -> list[Opening]:
    """When the mentor is open on the dates `first` to `last` of their own calendar, in order.

    An interval belongs to the date on which it starts, and may run over midnight. An override
    replaces its date's hours and breaks. A day off closes that calendar day, whatever runs into it from
    the day before, and what remains of a shift that began on it. What comes out for a date does not
    depend on the range that was asked for.
    """
    from_day, to_day = day_number(first), day_number(last)
    clock = wall_clock(schedule.zone, from_day * DAY_MINUTES, to_day * DAY_MINUTES)
    return openings_of_days(schedule, clock, from_day, to_day)


def openings_of_days(schedule: Schedule, clock: WallClock, first: int, last: int) -> list[Opening]:
    """The same by the numbers of those days, on the mentor's own clock."""
    begin, end = clock.midnight(first), clock.midnight(last + 1)
    # What runs over midnight ends on the next day: what reaches into `first` began on its eve, and
    # a break in that may have begun a day earlier still. By the clock, since zones have skipped dates.
    eve, morrow = clock.day(begin - 1), clock.day(end)
    eve_date, morrow_date = date_of(eve), date_of(morrow)
    overrides = {day_number(day): spans for day, spans in schedule.overrides.items()}
    opened: list[Interval] = []
    closed: list[Interval] = []
    off: set[int] = set()
    for since, until in schedule.blocked:
        if since <= morrow_date and until >= eve_date:
            first_off, reopens = day_number(max(since, eve_date)), day_number(min(until, morrow_date)) + 1
            off.update(range(first_off, reopens))
            closed.append((clock.midnight(first_off), clock.midnight(reopens)))
    for day in range(clock.day(clock.midnight(eve) - 1), morrow + 1):
        weekday = (day + 3) % 7  # 1970 began on a Thursday
        hours, breaks = schedule.weekly.get(weekday, ()), schedule.breaks.get(weekday, ())
        if day in overrides:
            hours, breaks = overrides[day], ()
        if hours and day >= eve and day not in off:
            opens = _on_day(clock, day, hours)
            opened += merge(opens) if len(opens) > 1 else opens
        if breaks:
            closed += _on_day(clock, day, breaks)
    pieces = _outermost(subtract(sorted(opened), merge(closed)))
    found: list[Opening] = []
    following = reach = pieces[-1][1] + 1 if pieces else 0
    for start, stop in reversed(pieces):
        if following > stop:
            reach = stop
        limit = min(stop, following)
        if limit > begin and start < end:
            found.append(Opening(start, limit, reach))
        following = start
    found.reverse()
    return found


def _on_day(clock: WallClock, day: int, spans: Sequence[Span]) -> list[Interval]:
    midnight = day * DAY_MINUTES
    begin = clock.minute(midnight)
    if clock.minute(midnight + 2 * DAY_MINUTES) == begin + 2 * DAY_MINUTES:  # no clock change: plain sums
        return [(begin + start, begin + stop) for start, stop in spans]
    if clock.day(clock.minute(midnight + DAY_MINUTES // 2)) != day:  # a date that the zone skipped
        return []
    found = [(clock.minute(midnight + start), clock.minute(midnight + stop)) for start, stop in spans]
    return [(start, stop) for start, stop in found if start < stop]


def _outermost(pieces: Iterable[Interval]) -> list[Interval]:
    """In order, without those that lie within another: they would cut it short and open nothing."""
    kept: list[Interval] = []
    reach = None
    for start, stop in sorted(pieces):
        if reach is None or stop > reach:
            if kept and kept[-1][0] == start:
                kept.pop()
            kept.append((start, stop))
            reach = stop
    return kept


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted and disjoint; intervals that touch become one."""
    merged: list[Interval] = []
    for start, stop in sorted(intervals):
        if merged and start <= merged[-1][1]:
            if stop > merged[-1][1]:
                merged[-1] = (merged[-1][0], stop)
        elif stop > start:
            merged.append((start, stop))
    return merged


def subtract(intervals: Iterable[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """What is left of each of these intervals, sorted by their starts, without sorted, disjoint holes."""
    left: list[Interval] = []
    at = 0
    for start, stop in intervals:
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        hole = at
        while hole < len(holes) and holes[hole][0] < stop:
            if holes[hole][0] > start:
                left.append((start, holes[hole][0]))
            start = max(start, holes[hole][1])
            hole += 1
        if start < stop:
            left.append((start, stop))
    return left
