"""What is bookable: the one place that decides, as pure arithmetic on whole minutes since the epoch.

The wizard lists what `free_starts` returns, and `book()` accepts what `refusal` does not refuse,
which asks `free_starts`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from mentors.availability import (
    Interval,
    Schedule,
    day_start,
    epoch_minute,
    local_date,
    merge,
    openings,
)


class State(StrEnum):
    FREE = "free"
    TAKEN = "taken"
    HELD = "held"


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
) -> list[tuple[int, State]]:
    """Every start in `window` that the mentor offers for a session of `duration` minutes, with its state.

    `lead_minutes` is a notice that the session type asks for on top of the mentor's own. With
    `recheck`, for a session that is already agreed, the minimum notice, "from tomorrow" and the
    booking window no longer count; the caller leaves the session's own claims out of `busy`.
    """
    first, last = bookable_range(schedule, now, lead_minutes=lead_minutes, recheck=recheck)
    first, last = max(first, window[0]), min(last, window[1])
    if first >= last:
        return []
    zone, step = schedule.zone, schedule.interval_minutes
    taken = merge(
        [(start - duration - schedule.buffer_minutes + 1, stop) for start, stop in busy.mentor]
        + [(start - duration + 1, stop) for start, stop in busy.student]
    )
    full = _full_ranges(schedule, busy.sessions)
    found: list[tuple[int, State]] = []
    hit = shut = 0
    for opening in openings(schedule, local_date(zone, first), local_date(zone, last - 1)):
        start = opening.start
        if start < first:
            start += -(-(first - start) // step) * step
        end = min(opening.limit, opening.reach - duration + 1, last)
        for minute in range(start, end, step):
            while shut < len(full) and full[shut][1] <= minute:
                shut += 1
            if shut < len(full) and full[shut][0] <= minute:
                continue
            while hit < len(taken) and taken[hit][1] <= minute:
                hit += 1
            if hit < len(taken) and taken[hit][0] <= minute:
                found.append((minute, State.TAKEN))
            elif minute in busy.held:
                found.append((minute, State.HELD))
            else:
                found.append((minute, State.FREE))
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
        tomorrow = day_start(schedule.zone, now.astimezone(schedule.zone).date() + timedelta(days=1))
        return Refusal.FROM_TOMORROW if start < tomorrow and not schedule.allows_same_day else Refusal.NOTICE
    if start >= last:
        return Refusal.WINDOW
    if not free_starts(schedule, Busy(), window, duration, now, lead_minutes=lead_minutes, recheck=recheck):
        return Refusal.CLOSED
    day = local_date(schedule.zone, start)
    same_day = sum(local_date(schedule.zone, minute) == day for minute in busy.sessions)
    full_day = schedule.max_per_day is not None and same_day >= schedule.max_per_day
    return Refusal.DAY_FULL if full_day else Refusal.WEEK_FULL


def bookable_range(
    schedule: Schedule, now: datetime, *, lead_minutes: int = 0, recheck: bool = False
) -> Interval:
    """The starts [first, last) that notice, "from tomorrow" and the booking window leave."""
    present = epoch_minute(now) + 1
    if recheck:
        return present, present + 10 * 365 * 24 * 60
    today = now.astimezone(schedule.zone).date()
    first = max(present, -(-now.timestamp() // 60) + max(schedule.notice_minutes, lead_minutes))
    if not schedule.allows_same_day:
        first = max(first, day_start(schedule.zone, today + timedelta(days=1)))
    return int(first), day_start(schedule.zone, today + timedelta(days=schedule.window_days + 1))


def nearest(starts: Sequence[tuple[int, State]], wanted: int, count: int = 3) -> list[int]:
    """The free starts closest to the one that was wanted, in the order of time."""
    free = [minute for minute, state in starts if state is not State.TAKEN]
    return sorted(sorted(free, key=lambda minute: (abs(minute - wanted), minute))[:count])


def _full_ranges(schedule: Schedule, sessions: Sequence[int]) -> list[Interval]:
    """The days and ISO weeks, in the mentor's zone, on which a cap is reached."""
    if schedule.max_per_day is None and schedule.max_per_week is None:
        return []
    zone = schedule.zone
    dates = [local_date(zone, minute) for minute in sessions]
    days = Counter(dates)
    weeks = Counter(day - timedelta(days=day.weekday()) for day in dates)
    ranges = [
        (day_start(zone, day), day_start(zone, day + timedelta(days=1)))
        for day, count in days.items()
        if schedule.max_per_day is not None and count >= schedule.max_per_day
    ]
    ranges += [
        (day_start(zone, monday), day_start(zone, monday + timedelta(days=7)))
        for monday, count in weeks.items()
        if schedule.max_per_week is not None and count >= schedule.max_per_week
    ]
    return merge(ranges)
