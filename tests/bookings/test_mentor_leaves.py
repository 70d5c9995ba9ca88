"""What becomes of sessions when their mentor can't be booked any more."""

import pytest

from bookings.models import BookingEvent, Status, TimeClaim
from bookings.services import withdraw
from mentors.services import suspend
from payments.models import PaymentStatus
from payments.services import ensure_payment
from tests.factories import NOW, BookingFactory

pytestmark = pytest.mark.django_db


def after_suspension(booking, staff, commit):
    with commit(execute=True):
        suspend(booking.mentor, by=staff, now=NOW, reason="Three complaints.")
    booking.refresh_from_db()
    return booking.status


@pytest.mark.parametrize("status", Status)
def test_suspension_ends_requests_and_holds_and_nothing_else(
    free, staff, status, django_capture_on_commit_callbacks
):
    booking = BookingFactory(session_type=free, status=status)
    ends = status in (Status.REQUESTED, Status.AWAITING_PAYMENT)
    found = after_suspension(booking, staff, django_capture_on_commit_callbacks)
    assert found == (Status.CANCELLED if ends else status)
    assert TimeClaim.objects.filter(booking=booking).exists() == (
        not ends and status not in (Status.CANCELLED, Status.EXPIRED, Status.DECLINED)
    )
    written = [(event.actor, event.note) for event in BookingEvent.objects.all()]
    assert written == ([(staff, "The mentor takes no sessions at the moment.")] if ends else [])


def test_suspension_leaves_other_mentors_requests(staff, django_capture_on_commit_callbacks):
    mine, other = BookingFactory(), BookingFactory(status=Status.REQUESTED)
    after_suspension(mine, staff, django_capture_on_commit_callbacks)
    other.refresh_from_db()
    assert other.status == Status.REQUESTED


def test_suspension_stops_asking_for_payment(paid, staff, django_capture_on_commit_callbacks):
    booking = BookingFactory(session_type=paid, status=Status.AWAITING_PAYMENT)
    payment = ensure_payment(booking, NOW)
    assert after_suspension(booking, staff, django_capture_on_commit_callbacks) == Status.CANCELLED
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELED


def test_a_session_that_was_agreed_meanwhile_is_not_withdrawn(free, staff):
    booking = BookingFactory(session_type=free)
    assert not withdraw(booking.pk, actor=staff, now=NOW, reason="Gone.")
    booking.refresh_from_db()
    assert (booking.status, booking.events.count()) == (Status.SCHEDULED, 0)
