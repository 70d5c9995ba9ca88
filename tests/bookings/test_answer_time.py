from datetime import timedelta

import pytest

from accounts.models import User
from bookings.answer_time import AnswerTime, answer_time_of
from bookings.models import Booking
from mentors.models import Mentor
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.once


def request(mentor: Mentor, kind: str, hours: float, **facts: object) -> Booking:
    """One that was asked for a day ago, and became of it what is said after so many hours."""
    booking: Booking = factories.BookingFactory(
        session_type=mentor.session_types.get(),
        status={"accepted": "scheduled"}.get(kind, kind),
        requires_approval=True,
        created_at=NOW - timedelta(days=1),
        starts_at=NOW + timedelta(days=2 + Booking.objects.count()),
        **facts,
    )
    at = booking.created_at + timedelta(hours=hours)
    booking.events.create(kind=kind, at=at)
    if kind == "accepted":
        booking.events.create(kind="expired", at=at + timedelta(hours=1))  # by the student, who didn't pay
    return booking


@pytest.fixture(autouse=True)
def career(mentor: Mentor) -> None:
    factories.SessionTypeFactory(mentor=mentor)


def test_the_usual_answer_is_the_middle_one(mentor: Mentor, student: User) -> None:
    assert answer_time_of(mentor, NOW) is None
    for kind, hours in (("accepted", 1), ("declined", 3), ("accepted", 20)):
        request(mentor, kind, hours)
    request(mentor, "expired", 23)
    assert answer_time_of(mentor, NOW) == AnswerTime(timedelta(hours=3), answered=3, missed=1)


def test_others_and_what_is_long_over_do_not_count(mentor: Mentor) -> None:
    other = factories.SessionTypeFactory().mentor
    request(other, "accepted", 1)
    booking = request(mentor, "accepted", 1)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=NOW - timedelta(days=91), ends_at=NOW - timedelta(days=90)
    )
    assert answer_time_of(mentor, NOW) is None


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (1, "within an hour"),
        (61, "within 2 hours"),
        (36 * 60, "within 36 hours"),
        (36 * 60 + 1, "within 2 days"),
    ],
)
def test_words(minutes: int, words: str) -> None:
    assert AnswerTime(timedelta(minutes=minutes), 1, 0).words == words
