"""What cancelling a paid session gives back while one of the two asks to move it."""

from datetime import datetime

import pytest

from bookings.cancellation import terms_of
from bookings.models import Booking
from bookings.services import ask_to_move, cancel, reschedule
from payments.models import Refund
from payments.reports.audit import audit
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory
from tests.payments.factories import payment_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def session() -> Booking:
    """Wednesday 9 December at noon: ₹1,000 and ₹50 fee, half of the price until 72 hours before."""
    booking = BookingFactory(
        session_type__price_minor=100_000, starts_at=at(9, 12), cancellation_policy="strict"
    )
    payment_of(booking, paid_at=NOW)
    return booking


def back(session: Booking, now: datetime) -> int:
    return terms_of(session, now).quote.refund_minor


@pytest.mark.parametrize("now", [at(3, 12), at(8, 9)])
def test_everything_comes_back_while_the_mentor_asks_and_then_what_the_policy_gives(session, now):
    by_policy = back(session, now)
    request = ask_to_move(session.pk, actor=session.mentor.user, reason="Ill.", times=[at(10, 15)], now=now)
    quote = terms_of(session, now).quote
    assert (quote.refund_minor, quote.until) == (105_000, request.answer_by)
    assert back(session, request.answer_by) == quote.after.refund_minor
    assert by_policy < 105_000
    cancel(session.pk, actor=session.student, now=now)
    assert Refund.objects.get().amount_minor == 105_000
    assert audit().problems == []


def test_a_students_own_request_gives_back_no_more_than_the_policy(session):
    ask_to_move(session.pk, actor=session.student, reason="Ill.", times=[at(10, 15)], now=at(8, 9))
    assert back(session, at(8, 9)) == 0


def test_a_session_that_moved_is_cancelled_by_the_lines_of_its_new_time(session):
    reschedule(session.pk, actor=session.student, starts_at=at(11, 9), now=at(4, 9))
    session.refresh_from_db()
    assert back(session, at(8, 9)) == 50_000
    assert back(session, at(8, 10)) == 0
