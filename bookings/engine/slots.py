"""What is bookable: the one place that decides, as pure arithmetic on whole minutes since the epoch.

The wizard lists what `free_starts` returns, and `book()` accepts what `refusal` does not refuse,
which asks `free_starts`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from operator import itemgetter
from zoneinfo import ZoneInfo

from lib.clock import format_offset, minute_labels
from lib.intervals import Interval
from lib.wallclock import (
    DAY_MINUTES,
    WallClock,
    date_of,
    day_start,
    epoch_minute,
    from_epoch_minute,
    local_date,
    wall_clock,
)
from mentors.availability import Schedule, openings_of_days


class State(StrEnum):
    FREE = "free"
    TAKEN = "taken"
    HELD = "held"


FREE, TAKEN, HELD = State  # a member is found faster by its own name
# Minutes since the epoch; and, for a reader, what the clock then reads.
Start = tuple[int, State]
Slot = tuple[int, State, str]
MINUTE = itemgetter(0)


class Refusal(Enum):
    """The rule that refused a start, in words for the person who asked."""

    PAST = "That time has already passed."
    FROM_TOMORROW = "This mentor can be booked from tomorrow on."
    NOTICE = "This mentor needs more notice than that."
    WINDOW = "That is further ahead than this mentor takes bookings."
    CLOSED = "The mentor is not available at that time."
    DAY_FULL = "The mentor takes no more sessions on that day."
    WEEK_FULL = "The mentor takes no more sessions that week."
    TAKEN = "That time was just taken."


@dataclass(frozen=True)
class Busy:
    """What stands in the way, each interval [start, end) in minutes since the epoch.

    `mentor` holds the mentor's claims, buffers included; `student` the asking person's own.
    `sessions` are the starts of the mentor's sessions, for the caps. `held` are starts that the
    asking person holds and would give up by booking: they stand in nobody's way here.
    """

    mentor: Sequence[Interval] = ()
    student: Sequence[Interval] = ()
    sessions: Sequence[int] = ()
    held: Collection[int] = ()


def free_starts(
    schedule: Schedule,
    busy: Busy,
    window: Interval,
    duration: int,
    now: datetime,
    *,
    lead_minutes: int = 0,
    recheck: bool = False,
) -> list[Start]:
    """Every start in `window` that the mentor offers for a session of `duration` minutes, with its state.

    `lead_minutes` is a notice that the session type asks for on top of the mentor's own. With
    `recheck`, for a session that is already agreed, the minimum notice, "from tomorrow" and the
    booking window no longer count; the caller leaves the session's own claims out of `busy`.
    """
    first, last = bookable_range(schedule, now, lead_minutes=lead_minutes, recheck=recheck)
    first, last = max(first, window[0]), min(last, window[1])
    if first >= last:
        return []
    clock = wall_clock(schedule.zone, first, last)
    from_day, to_day = clock.day(first), clock.day(last - 1)
    buffer, step = schedule.buffer_minutes, schedule.interval_minutes
    # No buffer is needed before the student's next session: as if that began later by as much.
    taken = sorted([*busy.mentor, *((start + buffer, stop) for start, stop in busy.student)])
    before = duration + buffer - 1  # minutes for which nothing can start before what is taken
    coming = iter([*taken, (last + before, last + before)])
    begin, stop = next(coming)
    found: list[Start] = []
    for opening in openings_of_days(schedule, clock, from_day, to_day):
        skipped = max(0, -(-(first - opening.start) // step))
        end = min(opening.limit, opening.reach - duration + 1, last)
        for minute in range(opening.start + skipped * step, end, step):
            while stop <= minute:
                begin, stop = next(coming)
            found.append((minute, TAKEN if begin - before <= minute else FREE))
    for begin, stop in _full_ranges(schedule, busy.sessions, clock, from_day, to_day):
        del found[bisect_left(found, begin, key=MINUTE) : bisect_left(found, stop, key=MINUTE)]
    if busy.held:
        held = {minute for minute, state in found if state is FREE and minute in busy.held}
        found = [(minute, HELD if minute in held else state) for minute, state in found]
    return found


def refusal(
    schedule: Schedule,
    busy: Busy,
    start: int,
    duration: int,
    now: datetime,
    *,
    lead_minutes: int = 0,
    recheck: bool = False,
) -> Refusal | None:
    """Why that start can't be booked, or None when it can."""
    window = (start, start + 1)
    offered = free_starts(schedule, busy, window, duration, now, lead_minutes=lead_minutes, recheck=recheck)
    if offered:
        return Refusal.TAKEN if offered[0][1] is State.TAKEN else None
    if start <= epoch_minute(now):
        return Refusal.PAST
    first, last = bookable_range(schedule, now, lead_minutes=lead_minutes, recheck=recheck)
    if start < first:
        return _too_soon(schedule, start, now)
    if start >= last:
        return Refusal.WINDOW
    if not free_starts(schedule, Busy(), window, duration, now, lead_minutes=lead_minutes, recheck=recheck):
        return Refusal.CLOSED
    day = local_date(schedule.zone, start)
    same_day = sum(local_date(schedule.zone, minute) == day for minute in busy.sessions)
    full_day = schedule.max_per_day is not None and same_day >= schedule.max_per_day
    return Refusal.DAY_FULL if full_day else Refusal.WEEK_FULL


def why_none(
    schedule: Schedule, busy: Busy, window: Interval, duration: int, now: datetime, *, lead_minutes: int = 0
) -> Refusal | None:
    """The rule that leaves no free start in a window of days or weeks; None when there is one.

    Of several rules it is the one that the asking person can do least about.
    """

    def starts(schedule: Schedule, busy: Busy, *, recheck: bool = False) -> list[Start]:
        return free_starts(schedule, busy, window, duration, now, lead_minutes=lead_minutes, recheck=recheck)

    listed = starts(schedule, busy)
    if listed:
        return Refusal.TAKEN if all(state is TAKEN for _, state in listed) else None
    if starts(schedule, Busy()):  # a cap is reached: the week's, when without it there were some
        return Refusal.WEEK_FULL if starts(replace(schedule, max_per_week=None), busy) else Refusal.DAY_FULL
    if window[1] <= epoch_minute(now):
        return Refusal.PAST
    if not (opened := starts(schedule, Busy(), recheck=True)):
        return Refusal.CLOSED
    if opened[-1][0] >= bookable_range(schedule, now, lead_minutes=lead_minutes)[1]:
        return Refusal.WINDOW
    return _too_soon(schedule, opened[-1][0], now)


def _too_soon(schedule: Schedule, start: int, now: datetime) -> Refusal:
    tomorrow = day_start(schedule.zone, now.astimezone(schedule.zone).date() + timedelta(days=1))
    return Refusal.FROM_TOMORROW if start < tomorrow and not schedule.allows_same_day else Refusal.NOTICE


def bookable_range(
    schedule: Schedule, now: datetime, *, lead_minutes: int = 0, recheck: bool = False
) -> Interval:
    """The starts [first, last) that notice, "from tomorrow" and the booking window leave."""
    seconds = now.timestamp()
    present = int(seconds // 60)
    if recheck:
        return present + 1, present + 10 * 365 * DAY_MINUTES
    clock = wall_clock(schedule.zone, present, present + schedule.window_days * DAY_MINUTES)
    today = clock.day(present)
    first = max(present + 1, int(-(-seconds // 60)) + max(schedule.notice_minutes, lead_minutes))
    if not schedule.allows_same_day:
        first = max(first, clock.midnight(today + 1))
    return first, clock.midnight(today + schedule.window_days + 1)


def closes_at(schedule: Schedule, start: int, *, lead_minutes: int = 0) -> int:
    """From when on it is too late to book that start, by the rules of `bookable_range`."""
    closes = start - max(schedule.notice_minutes, lead_minutes)
    if schedule.allows_same_day:
        return closes
    clock = wall_clock(schedule.zone, start, start)
    return min(closes, clock.midnight(clock.day(start)))


def nearest(starts: Sequence[Start], wanted: int, count: int = 3) -> list[int]:
    """The free starts closest to the one that was wanted, in the order of time."""
    free = [minute for minute, state in starts if state is not State.TAKEN]
    return sorted(sorted(free, key=lambda minute: (abs(minute - wanted), minute))[:count])


def by_date(starts: Sequence[Start], zone: ZoneInfo) -> dict[date, list[Slot]]:
    """Starts in order of time, under the dates on which they are in that zone, as its clocks read them."""
    if not starts:
        return {}
    labels = minute_labels()
    minutes = [minute for minute, _ in starts]
    clock = wall_clock(zone, minutes[0], minutes[-1])
    days: dict[date, list[Slot]] = {}
    at = 0
    while at < len(minutes):  # one stretch of a date without a clock change after the other
        number, reading = divmod(clock.reading(minutes[at]), DAY_MINUTES)
        day, midnight = date_of(number), minutes[at] - reading
        stop = bisect_left(minutes, min(midnight + DAY_MINUTES, clock.steady_until(minutes[at])), at)
        slots = [(minute, state, labels[minute - midnight]) for minute, state in starts[at:stop]]
        days[day] = _told_apart(days[day] + slots, zone) if day in days else slots
        at = stop
    return days


def _told_apart(slots: list[Slot], zone: ZoneInfo) -> list[Slot]:
    """With their offsets where two read the same: in the hour that comes twice when clocks go back."""
    readings = Counter(label for _, _, label in slots)
    return [
        (minute, state, f"{label} ({format_offset(from_epoch_minute(minute), zone)})")
        if readings[label] > 1
        else (minute, state, label)
        for minute, state, label in slots
    ]


def _full_ranges(
    schedule: Schedule, sessions: Sequence[int], clock: WallClock, first: int, last: int
) -> list[Interval]:
    """Of these days of the mentor's, and of their ISO weeks, those on which a cap is reached."""
    starts = sorted(sessions)
    ranges: list[Interval] = []
    monday = first - (first + 3) % 7  # 1970 began on a Thursday
    for cap, days in (
        (schedule.max_per_day, range(first, last + 1)),
        (schedule.max_per_week, range(monday, last + 1, 7)),
    ):
        if cap is not None and len(starts) >= cap:
            edges = [clock.midnight(day) for day in (*days, days[-1] + days.step)]
            counts = [bisect_left(starts, edge) for edge in edges]
            ranges += [
                (edges[at], edges[at + 1]) for at in range(len(days)) if counts[at + 1] - counts[at] >= cap
            ]
    return ranges
