"""Money that goes back by itself is told of, once, whatever becomes of the session."""

import pytest

from bookings.models import Booking, Status
from notifications import services
from notifications.mail import compose
from notifications.models import Kind, Message
from notifications.models import Status as MessageStatus
from payments.models import Payment, PaymentStatus, Refund
from payments.services import enqueue_refund
from tests.factories import NOW, BookingFactory, SessionTypeFactory


@pytest.fixture
def late(mentor, student) -> Payment:
    """A payment that came in for a session whose time is gone."""
    booking = BookingFactory(
        session_type=SessionTypeFactory(mentor=mentor), student=student, status=Status.EXPIRED
    )
    return Payment.objects.create(
        booking=booking,
        status=PaymentStatus.SUCCEEDED,
        gateway="mock",
        amount_minor=booking.amount_minor,
        platform_fee_minor=booking.fee_minor,
        currency=booking.currency,
        created_at=NOW,
        succeeded_at=NOW,
    )


def give_back(payment: Payment, reason: Refund.Reason) -> None:
    enqueue_refund(
        payment.pk,
        amount_minor=payment.amount_minor,
        reason=reason,
        note="",
        key=f"refund-{payment.reference}-{reason.value}",
        now=NOW,
    )


def test_both_are_told_of_a_payment_that_came_too_late(late, student, mentor):
    give_back(late, Refund.Reason.NOT_CONFIRMED)
    told = Message.objects.filter(kind=Kind.NOT_CONFIRMED)
    assert {message.recipient for message in told} == {student, mentor.user}


def test_a_repeat_tells_nobody_again(late):
    for _ in range(2):
        give_back(late, Refund.Reason.NOT_CONFIRMED)
    assert Message.objects.count() == 2


def test_of_a_second_payment_the_student_alone_is_told(late, student):
    give_back(late, Refund.Reason.SURPLUS)
    assert Message.objects.get(kind=Kind.PAID_TWICE).recipient == student


@pytest.mark.parametrize("reason", [Refund.Reason.STAFF, Refund.Reason.CANCELLED])
def test_other_refunds_have_no_such_mail(late, reason):
    give_back(late, reason)
    assert not Message.objects.exists()


def test_the_end_of_the_session_does_not_silence_it(late):
    give_back(late, Refund.Reason.NOT_CONFIRMED)
    services.drop_queued(late.booking)
    Booking.objects.update(status=Status.CANCELLED)
    for pk in services.due(NOW):
        services.deliver(pk, now=NOW)
    assert set(Message.objects.values_list("status", flat=True)) == {MessageStatus.SENT}


def test_the_mails_say_what_comes_back_and_what_to_do(late, student, mentor):
    give_back(late, Refund.Reason.NOT_CONFIRMED)
    mails = {message.recipient: compose(message, now=NOW) for message in Message.objects.with_session()}
    assert "₹1,050" in mails[student].body
    assert f"/mentors/{mentor.slug}/book/" in mails[student].body
    assert "Nothing changes on your calendar" in mails[mentor.user].body
    assert "₹1,050" not in mails[mentor.user].body


def test_paying_twice_reads_so(late, student):
    give_back(late, Refund.Reason.SURPLUS)
    mail = compose(Message.objects.with_session().get(), now=NOW)
    assert mail.subject.startswith("Paid twice: ")
    assert "a second payment of ₹1,050" in mail.body
