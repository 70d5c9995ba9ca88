"""Money that comes when its session can't take place as it was held: too late, or for a mentor who has left."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from bookings.services import MENTOR_GONE, book, cancel
from bookings.services import sweep as sweep_bookings
from mentors.models import Mentor
from notifications.models import Kind, Message
from notifications.models import Status as Sending
from payments import services
from payments.models import PaymentStatus, Refund
from payments.reports.audit import audit
from payments.services import HoldLapsed
from tests.factories import NOW, UserFactory
from tests.payments.factories import STARTS_AT
from tests.payments.markers import razorpay_only, stripe_only
from tests.payments.steps import (
    LATE,
    PAID,
    assert_booked_once,
    assert_money,
    assert_nothing_happened,
    at_provider,
    book_again,
    fresh,
    offers,
    paths,
    sent,
    settle,
    sums,
    sweep,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try")]


# The hold has lapsed


def test_clock_frees_the_slot_and_the_sweep_closes_the_checkout(harness, booking, payment, travel_to):
    travel_to(LATE)
    other = book_again(booking)  # before any sweep
    with pytest.raises(HoldLapsed):
        harness.open(booking)
    sweep()
    assert fresh(payment).status == PaymentStatus.EXPIRED
    assert (fresh(booking).status, other.status) == (Status.EXPIRED, Status.AWAITING_PAYMENT)


def test_closing_what_is_complete_settles_it(harness, booking, paid, travel_to):
    travel_to(LATE)
    sweep()
    assert_booked_once(booking, paid)


def test_closing_that_times_out_is_tried_until_the_answer_is_known(harness, booking, paid, travel_to):
    travel_to(LATE)
    harness.break_down()
    sweep()
    sweep()
    assert fresh(paid).status == PaymentStatus.OPEN
    harness.recover()
    sweep()
    assert_booked_once(booking, paid)


def test_paid_after_the_hold_lapsed_and_the_slot_free_confirms(harness, booking, paid, travel_to):
    travel_to(LATE)
    sweep_bookings(timezone.now())
    settle(paid)
    assert_booked_once(booking, paid)


def test_paid_after_the_hold_lapsed_and_the_slot_taken_goes_back_once(
    harness, signed_in, booking, paid, travel_to
):
    travel_to(LATE)
    other = book_again(booking)
    settle(paid)
    settle(paid)
    for _ in range(3):
        sweep()
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.reason, refund.status) == (PAID, "not_confirmed", "succeeded")
    assert (fresh(booking).status, fresh(other).status) == (Status.EXPIRED, Status.AWAITING_PAYMENT)
    assert_money(came_in=PAID, refunded=PAID)
    page = signed_in.get(booking.get_absolute_url()).content.decode()
    assert "Refunded" in page
    assert "The session could not be confirmed" in page


# A payment that had failed, or was only authorized


@razorpay_only
def test_failed_payment_that_is_authorized_late_books(harness, booking, payment):
    failed = harness.fake_razorpay.decline(payment.provider_ref)
    settle(payment)
    harness.fake_razorpay.authorize(failed["id"])
    harness.deliver_all()
    assert_booked_once(booking, payment)


@razorpay_only
def test_late_authorized_for_a_slot_that_is_gone_goes_back(harness, booking, payment, travel_to):
    failed = harness.fake_razorpay.decline(payment.provider_ref)
    travel_to(LATE)
    sweep()
    book_again(booking)
    harness.fake_razorpay.authorize(failed["id"])
    harness.deliver_all()
    sweep()
    assert fresh(booking).status == Status.EXPIRED
    assert_money(came_in=PAID, refunded=PAID)


@razorpay_only
def test_authorized_only_is_not_booked_until_we_capture_it(harness, booking, at_the_bank, travel_to):
    assert at_the_bank.status == PaymentStatus.AUTHORIZED
    assert_nothing_happened(booking)
    travel_to(NOW + timedelta(minutes=5))
    services.sweep(timezone.now())
    assert harness.try_of(at_the_bank.provider_ref)["captured"]
    assert_booked_once(booking, at_the_bank)


@razorpay_only
def test_authorized_and_returned_by_itself_ends_unpaid(harness, booking, at_the_bank):
    harness.answer(at_the_bank.provider_ref, yes=False)
    harness.deliver_all()
    assert fresh(at_the_bank).status == PaymentStatus.FAILED
    assert not Refund.objects.exists()
    assert_money()


# The mentor has left


def suspend(mentor) -> None:
    Mentor.objects.filter(pk=mentor.pk).update(status=Mentor.Status.SUSPENDED)


def close_account(mentor) -> None:
    mentor.user.is_active = False
    mentor.user.save()


LEAVES = {"suspended": suspend, "closed": close_account}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
def test_session_of_a_mentor_who_has_left_ends_and_says_so(harness, client, read, booking, payment, leave):
    leave(booking.mentor)
    for path in paths(booking):
        page = read(path)
        assert offers(page, booking) == [], path
    asked = client.get(reverse("payment", args=[booking.reference]))
    assert asked.status_code == 409
    assert "takes no sessions at the moment" in asked.content.decode()
    assert harness.press(client, booking).status_code == 409
    sweep()
    assert (fresh(booking).status, booking.claims.count()) == (Status.CANCELLED, 0)
    assert MENTOR_GONE in read(booking.get_absolute_url())
    assert "takes no sessions at the moment" in read(reverse("payment", args=[booking.reference]))


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("swept", [False, True])
def test_money_for_a_mentor_who_has_left_goes_back(harness, booking, payment, leave, swept):
    harness.pay(payment.provider_ref)
    leave(booking.mentor)
    if swept:
        sweep_bookings(timezone.now())
    settle(payment)
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.note) == (105_000, MENTOR_GONE)
    services.send_refund(refund.pk, now=timezone.now())
    assert audit().problems == []


@pytest.mark.parametrize("how", ["suspended", "gone"])
def test_mentor_who_left_meanwhile_means_all_money_back(harness, booking, how):
    payment = harness.open(booking)
    harness.pay(payment.provider_ref)
    if how == "suspended":
        Mentor.objects.update(status=Mentor.Status.SUSPENDED)
    else:
        type(booking.mentor.user).objects.filter(pk=booking.mentor.user_id).update(is_active=False)
    for _ in range(2):
        services.settle(payment.pk, source="test", now=timezone.now())
        services.sweep(timezone.now())
    assert Refund.objects.get().reason == Refund.Reason.NOT_CONFIRMED
    assert (sums(payment), at_provider(harness, payment)) == ((0, PAID), [PAID])


# What is said of it


def too_late(payment, travel_to) -> None:
    travel_to(LATE)
    booking = payment.booking
    book(
        student=UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=timezone.now(),
    )


def after_the_start(payment, travel_to) -> None:
    travel_to(STARTS_AT + timedelta(minutes=1))


def cancelled_meanwhile(payment, travel_to) -> None:
    cancel(payment.booking_id, actor=payment.booking.student, now=timezone.now())


def mentor_gone(payment, travel_to) -> None:
    suspend(payment.booking.mentor)


REASONS = {
    too_late: "The hold had run out, and the time was taken meanwhile.",
    after_the_start: "It arrived after the session&#x27;s start.",
    cancelled_meanwhile: "The session had been cancelled before it arrived.",
    mentor_gone: MENTOR_GONE,
}


@pytest.mark.parametrize("happen", REASONS, ids=lambda happen: happen.__name__)
@stripe_only
def test_news_of_a_payment_that_was_of_no_use_gives_the_real_reason(
    harness, read, student, booking, payment, travel_to, happen
):
    harness.pay(payment.provider_ref)
    happen(payment, travel_to)
    settle(payment)
    (body,) = sent(Kind.NOT_CONFIRMED, student)
    assert REASONS[happen].replace("&#x27;", "'") in body
    assert "₹1,050" in body
    assert REASONS[happen] in read(booking.get_absolute_url())


@stripe_only
def test_news_goes_to_nobody_whose_account_is_closed(harness, student, booking, payment):
    harness.pay(payment.provider_ref)
    close_account(booking.mentor)
    settle(payment)
    assert [each.recipient for each in Message.objects.filter(kind=Kind.NOT_CONFIRMED)] == [student]


@stripe_only
def test_news_that_waits_is_not_sent_to_an_account_closed_meanwhile(harness, student, booking, payment):
    harness.pay(payment.provider_ref)
    suspend(booking.mentor)
    settle(payment)
    close_account(booking.mentor)
    assert len(sent(Kind.NOT_CONFIRMED)) == 1
    message = Message.objects.get(kind=Kind.NOT_CONFIRMED, recipient=booking.mentor.user)
    assert message.status == Sending.DROPPED
