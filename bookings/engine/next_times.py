"""The next free times of many mentors at once, and mentors like another."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, F, prefetch_related_objects

from accounts.models import User
from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import Busy, State, free_starts
from lib.intervals import Interval
from lib.wallclock import DAY_MINUTES, epoch_minute, from_epoch_minute
from mentors.availability import Schedule
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules

TIMES_SHOWN = 3
LOOK_AHEAD_DAYS = 61
SIMILAR_SHOWN = 3
NextTimes = tuple[SessionType, list[datetime]]


def next_times(mentors: Sequence[Mentor], student: User | None, now: datetime) -> dict[int, NextTimes]:
    """For each mentor the first session type that can be booked and its next free starts.

    Two queries, and one more when the session types are not prefetched.
    """
    prefetch_related_objects(mentors, "session_types")
    window = (epoch_minute(now), epoch_minute(now) + LOOK_AHEAD_DAYS * DAY_MINUTES)
    schedules, busy = load_schedules(mentors), load_busy(mentors, student, window, now)
    found = {}
    for mentor in mentors:
        types = [each for each in mentor.session_types.all() if each.is_active and each.is_payable]
        if types and mentor.is_bookable:
            starts = _first_free(schedules[mentor.pk], busy[mentor.pk], window, types[0], now)
            found[mentor.pk] = (types[0], [from_epoch_minute(minute) for minute in starts])
    return found


def _first_free(
    schedule: Schedule, busy: Busy, window: Interval, session_type: SessionType, now: datetime
) -> list[int]:
    """Week by week, since most mentors have a free time in the first."""
    free: list[int] = []
    duration, lead = session_type.durations[0], lead_minutes(session_type)
    for start in range(*window, 7 * DAY_MINUTES):
        part = (start, min(start + 7 * DAY_MINUTES, window[1]))
        starts = free_starts(schedule, busy, part, duration, now, lead_minutes=lead)
        free += [minute for minute, state in starts if state is not State.TAKEN]
        if len(free) >= TIMES_SHOWN:
            break
    return free[:TIMES_SHOWN]


def similar_mentors(
    mentor: Mentor, student: User | None, now: datetime
) -> list[tuple[Mentor, SessionType, list[datetime]]]:
    """Mentors with free times who share skills with that one, those who share most first: four queries."""
    others = (
        Mentor.objects.listed(now)
        .filter(skills__in=mentor.skills.all())
        .exclude(pk=mentor.pk)
        .annotate(shared=Count("skills"))
        .order_by("-shared", F("rating_mean").desc(nulls_last=True), "pk")
        .select_related("user")
    )
    if student is not None:
        others = others.exclude(user=student)
    candidates = list(others[: 3 * SIMILAR_SHOWN])
    found = next_times(candidates, student, now) if candidates else {}
    free = [(each, *found[each.pk]) for each in candidates if each.pk in found and found[each.pk][1]]
    return free[:SIMILAR_SHOWN]
