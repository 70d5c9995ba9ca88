"""The next openings of many mentors, as they are kept for pages that show many."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import prefetch_related_objects

from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import TAKEN, Busy, closes_at, free_starts
from lib.wallclock import DAY_MINUTES, epoch_minute
from mentors.availability import Schedule
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules

LOOK_AHEAD_DAYS = 61
WEEK = 7 * DAY_MINUTES
HALF_HOUR = 30
# Of each type, so that some are left when the first are over; of those that close together no more than a page shows.
KEPT, SHOWN = 6, 3
# Changes of the clock's own, a window that grows, say, are seen after so long at the latest.
LASTS_MINUTES = 6 * 60


@dataclass(frozen=True)
class Openings:
    """`starts` holds the session type's key, the start and when it closes; all in minutes since the epoch."""

    starts: list[tuple[int, int, int]]
    half_hours: int
    lasts_until: int


def openings_of(mentors: Sequence[Mentor], now: datetime) -> dict[int, Openings]:
    """By each mentor's primary key, whoever asks: two queries, and one more when session types are not prefetched."""
    prefetch_related_objects(mentors, "session_types")
    present = epoch_minute(now)
    window = (present, present + LOOK_AHEAD_DAYS * DAY_MINUTES)
    schedules, busy = load_schedules(mentors), load_busy(mentors, None, window, now)
    return {mentor.pk: _of_mentor(mentor, schedules[mentor.pk], busy[mentor.pk], now) for mentor in mentors}


def _of_mentor(mentor: Mentor, schedule: Schedule, busy: Busy, now: datetime) -> Openings:
    present = epoch_minute(now)
    starts, half_hours, lasts_until = [], 0, present + LASTS_MINUTES
    for session_type in mentor.session_types.all():
        if not (session_type.is_active and session_type.is_payable):
            continue
        kept, halves = _of_type(session_type, schedule, busy, now)
        half_hours |= halves
        starts += [(session_type.pk, start, closes) for start, closes in kept]
        if len(kept) == KEPT:
            lasts_until = min(lasts_until, kept[KEPT - SHOWN - 1][1])
    return Openings(starts, half_hours, lasts_until)


def _of_type(
    session_type: SessionType, schedule: Schedule, busy: Busy, now: datetime
) -> tuple[list[tuple[int, int]], int]:
    """The first starts with when they close, and the half hours in which something is free in the week to come."""
    present, lead = epoch_minute(now), lead_minutes(session_type)
    kept: list[tuple[int, int]] = []
    together: Counter[int] = Counter()
    half_hours = 0
    for begin in range(present, present + LOOK_AHEAD_DAYS * DAY_MINUTES, WEEK):
        week = (begin, begin + WEEK)
        found = free_starts(schedule, busy, week, session_type.durations[0], now, lead_minutes=lead)
        for start in [minute for minute, state in found if state is not TAKEN]:
            if begin == present:
                half_hours |= 1 << start % DAY_MINUTES // HALF_HOUR
            closes = closes_at(schedule, start, lead_minutes=lead)
            if len(kept) < KEPT and together[closes] < SHOWN:
                together[closes] += 1
                kept.append((start, closes))
        if len(kept) == KEPT:
            break
    return kept, half_hours
