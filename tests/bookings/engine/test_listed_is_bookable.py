"""What the wizard lists and what `book()` accepts are the same set: every start is tried, and rolled back."""

from datetime import UTC, datetime, time, timedelta
from random import Random

import pytest
from django.db import IntegrityError, transaction
from hypothesis import settings

from bookings.booker.state import Choice, load_offer
from bookings.engine.slots import State
from bookings.models import Status
from bookings.services import NotBookable, SlotTaken, book
from lib.wallclock import epoch_minute, from_epoch_minute
from mentors.models import DateOverride, WeeklyHours
from tests.bookings.clock import KOLKATA, at
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.django_db

# With HYPOTHESIS_PROFILE=thorough ten times as many, and every start that there could be. In steps of 25 minutes the
# hands of the clock come by every five minutes of the hour.
SEEDS = range(settings.default.max_examples // 50)
STEP_MINUTES = 5 if settings.default.max_examples > 200 else 25
# An evening in a quiet week, and before nights on which the clocks of a place change.
PLACES = [
    ("Asia/Kolkata", datetime(2026, 12, 2, 15, 10, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 1, 20, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 24, 19, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 10, 45, tzinfo=UTC)),
]
MINUTE = timedelta(minutes=1)


def listed_starts(session_type, duration, student, now):
    """By start, as the wizard lists them in the student's zone."""
    offer = load_offer(session_type.mentor, Choice(session_type, duration), student, KOLKATA, now)
    return {from_epoch_minute(minute): state for day in offer.days.values() for minute, state, _ in day}


def can_be_booked(student, session_type, duration, starts_at, now):
    try:
        with transaction.atomic():
            book(
                student=student,
                session_type=session_type,
                duration_minutes=duration,
                starts_at=starts_at,
                now=now,
            )
            transaction.set_rollback(True)
    except (NotBookable, SlotTaken):
        return False
    return True


def differences(session_type, duration, student, now, first, last):
    """Starts that are listed and refused, or accepted and not listed: of those listed, and one every `STEP_MINUTES`."""
    listed = listed_starts(session_type, duration, student, now)
    begin = epoch_minute(first) // 5 * 5
    tried = {from_epoch_minute(minute) for minute in range(begin, epoch_minute(last), STEP_MINUTES)}
    tried |= {starts_at for starts_at in listed if first <= starts_at < last}
    return [
        starts_at
        for starts_at in sorted(tried)
        if can_be_booked(student, session_type, duration, starts_at, now)
        != (listed.get(starts_at) in (State.FREE, State.HELD))
    ]


class Chance(Random):
    def clock(self):
        return time(self.randrange(24), self.randrange(0, 60, 5))

    def some(self, most):
        return range(self.randint(0, most))

    def mentor(self, zone, today):
        """A schedule of a day or two with rules of every kind."""
        mentor = MentorFactory(
            time_zone=zone,
            hours=[],
            slot_interval_minutes=self.choice([15, 30, 60]),
            buffer_minutes=self.choice([0, 0, 10, 45]),
            minimum_notice_hours=self.choice([0, 1, 12]),
            allows_same_day=self.random() < 0.5,
            window_days=1,
            max_per_day=self.choice([None, None, 2, 3]),
            max_per_week=self.choice([None, None, 3, 4]),
        )
        for weekday in range(7):
            for kind in ["open", *("open" for _ in self.some(1)), *("break" for _ in self.some(1))]:
                hours = WeeklyHours(mentor=mentor, weekday=weekday, kind=kind)
                hours.starts, hours.ends = self.clock(), self.clock()
                hours.save()
        for _ in self.some(1):
            day = today + timedelta(days=self.randint(0, 1))
            override = DateOverride(mentor=mentor, first_date=day, last_date=day)
            if self.random() < 0.6:
                override.starts, override.ends = self.clock(), self.clock()
            override.save()
        return mentor

    def booking(self, now, **who):
        """Somewhere in those days; the database leaves out what would overlap."""
        starts_at = now.replace(minute=0) + self.randrange(0, 30 * 60, 5) * MINUTE
        how = {"status": self.choice(list(Status)), "buffer_minutes": self.choice([0, 15])} | who
        holding = {
            Status.AWAITING_PAYMENT: {"hold_expires_at": now + self.choice([-1, 10]) * MINUTE},
            Status.REQUESTED: {"respond_by": now + self.choice([-1, 10]) * MINUTE},
        }
        try:
            with transaction.atomic():
                BookingFactory(
                    starts_at=starts_at,
                    ends_at=starts_at + self.choice([30, 60, 90]) * MINUTE,
                    **how | holding.get(how["status"], {}),
                )
        except IntegrityError:
            pass


@pytest.mark.parametrize("seed", SEEDS)
def test_the_wizard_lists_what_book_accepts_and_nothing_else(student, seed):
    chance = Chance(seed)
    zone, now = PLACES[seed % len(PLACES)]
    mentor = chance.mentor(zone, now.date())
    session_type = SessionTypeFactory(
        mentor=mentor,
        price_minor=chance.choice([0, 100_000]),
        requires_approval=chance.random() < 0.3,
        durations=[30, 60, 90],
    )
    of_mentor = SessionTypeFactory(mentor=mentor, price_minor=0)
    for _ in chance.some(6):
        chance.booking(now, session_type=of_mentor)
    for _ in chance.some(2):
        chance.booking(now, session_type=of_mentor, student=student, status=Status.SCHEDULED)
        chance.booking(now, student=student, status=Status.SCHEDULED)
        chance.booking(now, student=mentor.user, status=Status.SCHEDULED)
    duration = chance.choice(session_type.durations)
    free = [
        start
        for start, state in listed_starts(session_type, duration, student, now).items()
        if state is State.FREE
    ]
    if free and session_type.price_minor and not session_type.requires_approval:  # a hold of their own
        book(
            student=student,
            session_type=session_type,
            duration_minutes=duration,
            starts_at=chance.choice(free),
            now=now,
        )
    around = now - timedelta(minutes=30), now + timedelta(hours=30)
    assert differences(session_type, duration, student, now, *around) == []


def split_day(mentor):
    WeeklyHours.objects.all().delete()
    for starts, ends in (("09:00", "12:00"), ("13:20", "15:00"), ("23:00", "02:00")):
        WeeklyHours.objects.create(mentor=mentor, weekday=3, starts=starts, ends=ends)
    mentor.slot_interval_minutes = 30


def lunch_and_buffer(mentor):
    WeeklyHours.objects.create(mentor=mentor, kind="break", weekday=3, starts="12:00", ends="12:45")
    mentor.slot_interval_minutes, mentor.buffer_minutes, mentor.minimum_notice_hours = 15, 20, 22


def another_days_hours(mentor):
    for starts, ends in (("06:00", "08:30"), ("08:00", "11:00")):
        DateOverride.objects.create(
            mentor=mentor, first_date="2026-12-03", last_date="2026-12-03", starts=starts, ends=ends
        )
    mentor.max_per_day = 5


@pytest.mark.parametrize(
    ("arrange", "price"), [(split_day, 0), (lunch_and_buffer, 100_000), (another_days_hours, 0)]
)
def test_a_day_of_every_state_is_listed_as_it_can_be_booked(student, mentor, arrange, price):
    session_type = SessionTypeFactory(mentor=mentor, price_minor=price)
    arrange(mentor)
    mentor.save()
    BookingFactory(session_type__mentor=mentor, starts_at=at(3, 10))
    BookingFactory(session_type__mentor=mentor, starts_at=at(3, 14), status=Status.AWAITING_PAYMENT)
    BookingFactory(session_type__mentor=MentorFactory(), student=student, starts_at=at(3, 11, 30))
    BookingFactory(
        session_type__mentor=mentor, student=student, starts_at=at(3, 9), status=Status.AWAITING_PAYMENT
    )
    listed = listed_starts(session_type, 60, student, NOW)
    assert {State.FREE, State.TAKEN} <= set(listed.values()), "the test means something"
    assert differences(session_type, 60, student, NOW, at(3, 0), at(4, 0)) == []


def test_many_students_can_fill_a_day_and_no_more(mentor):
    free = SessionTypeFactory(mentor=mentor, price_minor=0)
    for _ in range(8):
        listed = listed_starts(free, 60, None, NOW)
        starts_at = next(
            start for start, state in listed.items() if start >= at(3, 0) and state is State.FREE
        )
        assert starts_at < at(4, 0)
        book(student=UserFactory(), session_type=free, duration_minutes=60, starts_at=starts_at, now=NOW)
    listed = listed_starts(free, 60, None, NOW)
    assert {state for start, state in listed.items() if at(3, 0) <= start < at(4, 0)} == {State.TAKEN}
