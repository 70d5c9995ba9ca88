"""What lies behind the mentors: sessions that took place, or didn't, and what was said of them.

Rows are written many at a time, as the services would have left them; where a session lies is
decided by the engine that decides it for everybody.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from django.db.models import F

from accounts.models import User
from bookings.engine.busy import EpochMinute
from bookings.engine.offered import lead_minutes, price_of
from bookings.engine.slots import Busy, State, free_starts
from bookings.models import Booking, Status, TimeClaim
from bookings.services import record_review
from config.demo.cast import Cast
from config.demo.history import prepare, write_history
from config.demo.plans import MentorPlan, ReviewPlan
from lib.intervals import Interval
from lib.wallclock import day_start, from_epoch_minute
from mentors.availability import Schedule
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules

LONGEST_AGO_DAYS = 200
SETTLING_IN_DAYS = 14
TRIES, TRIES_EACH = 120, 10
# Of those without a review, one in so many came to nothing.
FELL_THROUGH = 6
WAKING_HOURS = range(7, 22)


@dataclass
class Calendars:
    """Whose time is taken, in memory: people's by their key, and the mentors' session starts for their caps."""

    taken: dict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))
    starts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def busy(self, mentor: Mentor, student: User) -> Busy:
        return Busy(self.taken[mentor.user_id], self.taken[student.pk], self.starts[mentor.pk])

    def take(self, mentor: Mentor, student: User, start: int, minutes: int) -> None:
        self.taken[mentor.user_id].append((start, start + minutes + mentor.buffer_minutes))
        self.taken[student.pk].append((start, start + minutes))
        self.starts[mentor.pk].append(start)


def fill_past(cast: Cast, rng: Random, now: datetime) -> None:
    calendars = _calendars()
    schedules = load_schedules(cast.mentors.values())
    reviewed: list[tuple[Booking, ReviewPlan]] = []
    bookings: list[Booking] = []
    for key, plan in cast.plans.items():
        schedule = schedules[cast.mentors[key].pk]
        for review, booking in _sessions_of(plan, cast, schedule, calendars, rng, now):
            bookings.append(booking)
            if review:
                reviewed.append((booking, review))
    bookings.sort(key=lambda booking: booking.created_at)
    Booking.objects.bulk_create(map(prepare, bookings))
    write_history(bookings, rng)
    for booking, review in reviewed:
        at = min(booking.ends_at + timedelta(hours=rng.randint(1, 60)), now - timedelta(minutes=10))
        record_review(booking, rating=review.rating, words=review.words, now=at)


def _calendars() -> Calendars:
    """With everything that is booked already."""
    calendars = Calendars()
    rows = TimeClaim.objects.values_list(
        "person",
        "booking__mentor",
        "booking__mentor__user",
        EpochMinute(F("starts_at")),
        EpochMinute(F("ends_at")),
    )
    for person, mentor, mentor_user, start, end in rows:
        calendars.taken[person].append((start, end))
        if person == mentor_user:
            calendars.starts[mentor].append(start)
    return calendars


def _sessions_of(
    plan: MentorPlan, cast: Cast, schedule: Schedule, calendars: Calendars, rng: Random, now: datetime
) -> Iterator[tuple[ReviewPlan | None, Booking]]:
    types = [cast.session_types[plan.key, offer.key] for offer in plan.session_types]
    students = cast.students
    rng.shuffle(students)  # and in turn, so that nobody reviews a mentor twice while others are left
    wanted: list[ReviewPlan | None] = [*plan.reviews, *[None] * plan.more_sessions]
    for number, review in enumerate(wanted):
        session_type = cast.session_types[plan.key, review.type] if review else rng.choice(types)
        fell_through = review is None and number % FELL_THROUGH == 0
        topics = next(
            offer.topics
            for offer in plan.session_types
            if session_type == cast.session_types[plan.key, offer.key]
        )
        for attempt in range(TRIES):
            student = students[(number + attempt // TRIES_EACH) % len(students)]
            booking = _find(session_type, student, plan, schedule, calendars, rng, now)
            if booking is None:
                continue
            booking.topic = rng.choice(["", *topics])
            booking.status = _ending(booking) if fell_through else Status.COMPLETED
            if not fell_through:
                start = int(booking.starts_at.timestamp() // 60)
                calendars.take(booking.mentor, student, start, booking.duration_minutes)
            yield review, booking
            break


def _find(
    session_type: SessionType,
    student: User,
    plan: MentorPlan,
    schedule: Schedule,
    calendars: Calendars,
    rng: Random,
    now: datetime,
) -> Booking | None:
    """A session on some day of the past, at a time that was free and at which both are awake."""
    mentor = session_type.mentor
    longest = min(plan.joined_days_ago - SETTLING_IN_DAYS, LONGEST_AGO_DAYS)
    day = now.astimezone(schedule.zone).date() - timedelta(days=rng.randint(2, longest))
    minutes = rng.choice(session_type.durations)
    midnight = day_start(schedule.zone, day)
    booked_at = from_epoch_minute(midnight - rng.randint(3 * 24 * 60, 9 * 24 * 60))
    starts = free_starts(
        schedule,
        calendars.busy(mentor, student),
        (midnight, day_start(schedule.zone, day + timedelta(days=1))),
        minutes,
        booked_at,
        lead_minutes=lead_minutes(session_type),
    )
    zone = student.zone or schedule.zone
    free = [from_epoch_minute(minute) for minute, state in starts if state is State.FREE]
    free = [start for start in free if start.astimezone(zone).hour in WAKING_HOURS]
    if not free:
        return None
    price = price_of(session_type, minutes)
    starts_at = rng.choice(free)
    return Booking(
        mentor=mentor,
        student=student,
        session_type=session_type,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        type_name=session_type.name,
        buffer_minutes=mentor.buffer_minutes,
        price_minor=price.price_minor,
        fee_minor=price.fee_minor,
        currency=price.currency,
        cancellation_policy=mentor.cancellation_policy,
        requires_approval=session_type.requires_approval,
        created_at=booked_at,
    )


def _ending(booking: Booking) -> Status:
    if booking.requires_approval:
        return Status.DECLINED
    return Status.CANCELLED if booking.is_free else Status.EXPIRED
