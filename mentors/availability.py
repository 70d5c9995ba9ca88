"""When a mentor is open, as pure arithmetic: no database, no clock of its own.

Rules are wall-clock times and dates in the mentor's zone; what comes out is instants, as whole
minutes since 1970-01-01T00:00Z, because integers sort, merge and compare faster than datetimes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Minutes of a wall-clock day, [start, end); the end is past 1440 for an interval that runs over midnight.
Span = tuple[int, int]
# Minutes since the epoch, [start, end).
Interval = tuple[int, int]

DAY_MINUTES = 24 * 60


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


def wall_minute(zone: ZoneInfo, day: date, minute: int) -> int:
    """The instant at which that day's wall clock in the zone reads `minute`, as minutes since the epoch.

    A time that a clock change skips moves forward by the gap; one that happens twice is the first:
    both are what a `fold` of 0 means (PEP 495).
    """
    return epoch_minute(datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute))


def day_start(zone: ZoneInfo, day: date) -> int:
    return wall_minute(zone, day, 0)


def local_date(zone: ZoneInfo, minute: int) -> date:
    return from_epoch_minute(minute).astimezone(zone).date()


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
    replaces its date's hours and breaks; a blocked date is closed from midnight to midnight,
    whatever runs into it. What comes out for a date does not depend on the range that was asked for.
    """
    zone = schedule.zone
    begin, end = day_start(zone, first), day_start(zone, last + timedelta(days=1))
    # What runs over midnight ends on the next day: what reaches into `first` began on its eve, and
    # a break in that may have begun a day earlier still. By the clock, since zones have skipped dates.
    eve, morrow = local_date(zone, begin - 1), local_date(zone, end)
    opened: list[Interval] = []
    breaks = _breaks_on(schedule, local_date(zone, day_start(zone, eve) - 1))
    day = eve
    while day <= morrow:
        breaks += _breaks_on(schedule, day)
        opened += merge(_on_date(zone, day, _hours_on(schedule, day)))
        day += timedelta(days=1)
    for since, until in schedule.blocked:
        if since <= morrow and until >= eve:
            reopens = min(until, morrow) + timedelta(days=1)
            breaks.append((day_start(zone, max(since, eve)), day_start(zone, reopens)))
    holes = merge(breaks)
    pieces = _outermost(piece for interval in opened for piece in subtract([interval], holes))
    runs = merge(pieces)
    found: list[Opening] = []
    run = 0
    for at, (start, stop) in enumerate(pieces):
        while runs[run][1] <= start:
            run += 1
        limit = min(stop, pieces[at + 1][0]) if at + 1 < len(pieces) else stop
        if limit > begin and start < end:
            found.append(Opening(start, limit, runs[run][1]))
    return found


def _hours_on(schedule: Schedule, day: date) -> Sequence[Span]:
    own = schedule.overrides.get(day)
    return schedule.weekly.get(day.weekday(), ()) if own is None else own


def _breaks_on(schedule: Schedule, day: date) -> list[Interval]:
    if day in schedule.overrides:
        return []
    return _on_date(schedule.zone, day, schedule.breaks.get(day.weekday(), ()))


def _outermost(pieces: Iterable[Interval]) -> list[Interval]:
    """In order, without those that lie within another: they would cut it short and open nothing."""
    kept: list[Interval] = []
    for start, stop in sorted(pieces, key=lambda piece: (piece[0], -piece[1])):
        if not kept or stop > kept[-1][1]:
            kept.append((start, stop))
    return kept


def _on_date(zone: ZoneInfo, day: date, spans: Sequence[Span]) -> list[Interval]:
    if not spans:
        return []
    midnight = wall_minute(zone, day, 0)
    if wall_minute(zone, day, 2 * DAY_MINUTES) - midnight == 2 * DAY_MINUTES:  # no clock change: plain sums
        return [(midnight + start, midnight + stop) for start, stop in spans]
    if local_date(zone, wall_minute(zone, day, DAY_MINUTES // 2)) != day:  # a date that the zone skipped
        return []
    found = [(wall_minute(zone, day, start), wall_minute(zone, day, stop)) for start, stop in spans]
    return [(start, stop) for start, stop in found if start < stop]


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


def subtract(intervals: Sequence[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """What is left of sorted, disjoint intervals without sorted, disjoint holes."""
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
