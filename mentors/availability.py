"""When a mentor is open, as pure arithmetic: no database, no clock of its own.

Rules are wall-clock times and dates in the mentor's zone; what comes out is instants in whole minutes
(`lib.wallclock`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lib.intervals import Interval, Span, merge, subtract
from lib.wallclock import DAY_MINUTES, WallClock, date_of, day_number, wall_clock

ONE_DAY = timedelta(days=1)


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


def without_day(first: date, last: date, day: date) -> list[tuple[date, date]]:
    """The dates `first` to `last`, both included, as what is left of them without that one."""
    if not first <= day <= last:
        return [(first, last)]
    parts = [(first, day - ONE_DAY), (day + ONE_DAY, last)]
    return [(since, until) for since, until in parts if since <= until]


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
