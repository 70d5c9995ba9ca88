"""What pages and mails say of money that is being checked, came back, or came for a session that can't be."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from bookings.services import SlotTaken
from notifications.models import Kind, Message
from notifications.models import Status as Sending
from payments import services
from payments.models import Payment, PaymentStatus
from payments.services import NotPayable
from tests.payments.factories import STARTS_AT
from tests.payments.fake_stripe import SECURE_CARD
from tests.payments.markers import stripe_only
from tests.payments.steps import (
    LATE,
    assert_booked_once,
    assert_money,
    book_again,
    fresh,
    offers,
    paths,
    sent,
    settle,
    sweep,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


# Nobody is asked to pay twice


@pytest.mark.parametrize("state", ["at_the_bank", "mismatched"])
def test_no_page_offers_to_pay_while_money_is_being_checked(request, read, harness, booking, state):
    request.getfixturevalue(state)
    for path in paths(booking):
        page = read(path)
        assert offers(page, booking) == [], path
        assert "being checked" in page or "checking with the bank" in page, path


def test_pages_offer_to_pay_before_anything_is_checked(read, harness, payment, booking):
    """Lest the words above be looked for in vain."""
    assert [path for path in paths(booking) if not offers(read(path), booking)] == []


@pytest.mark.parametrize("state", ["at_the_bank", "mismatched"])
def test_session_says_until_when_its_time_is_kept(request, read, harness, booking, state):
    request.getfixturevalue(state)
    page = read(booking.get_absolute_url())
    assert "The time is kept for you" in page
    assert "don’t pay again" in page


@pytest.mark.parametrize("state", ["at_the_bank", "mismatched"])
def test_cancelling_while_money_is_being_checked_says_that_it_comes_back(
    request, read, harness, booking, state
):
    request.getfixturevalue(state)
    page = read(reverse("session_cancellation", args=[booking.reference]))
    assert "You have not paid" not in page
    assert "goes back to you, all of it" in page


@stripe_only
def test_calendar_of_the_wizard_does_not_lead_to_paying_again(read, harness, booking, at_the_bank):
    choice = "?type=career-guidance&duration=60&date=2026-12-09"
    page = read(reverse("book", args=[booking.mentor.slug]) + choice)
    assert "Go on to payment" not in page
    assert "A payment for it is being checked" in page


def test_lists_of_a_mentor_tell_nothing_of_the_students_bank(client, harness, booking, at_the_bank):
    client.force_login(booking.mentor.user)
    page = client.get(booking.get_absolute_url()).content.decode()
    assert "Payment being checked" in page
    assert "Please don’t pay again" not in page


# Another amount


# A mentor who has left


# The real reason


# What went back already


# Where "Pay" stands


@stripe_only
def test_pay_does_not_stand_in_the_column_of_receipts(harness, read, booking, payment):
    page = read("/payments/")
    receipt = page.partition('data-label="Receipt"')[2].partition("</td>")[0]
    state = page.partition('data-label="State"')[2].partition("</td>")[0]
    pay = reverse("payment", args=[booking.reference])
    assert (pay in receipt, pay in state) == (False, True)


# Unfinished, and failed


@stripe_only
def test_coming_back_from_an_unfinished_3_d_secure_says_what_happened(
    harness, client, student, booking, payment
):
    client.force_login(student)
    harness.fake_stripe.pay(payment.provider_ref, SECURE_CARD)  # the bank's page is open, and left
    back = reverse("payment_return", args=[booking.reference])
    page = client.get(back, {"session_id": payment.provider_ref}, follow=True).content.decode()
    assert "before the payment was finished" in page
    assert "The time is still held for you" in page
    assert "Pay with Stripe" in page


@stripe_only
def test_coming_back_unfinished_after_the_hold_promises_no_time(
    harness, client, student, booking, payment, travel_to
):
    client.force_login(student)
    travel_to(LATE)
    back = reverse("payment_return", args=[booking.reference])
    page = client.get(back, {"session_id": payment.provider_ref}, follow=True).content.decode()
    assert "still held for you" not in page


def test_delayed_payment_that_failed_is_told_to_its_student(harness, read, student, booking, at_the_bank):
    harness.answer(at_the_bank.provider_ref, yes=False)
    settled = settle(at_the_bank)
    assert settled.status == PaymentStatus.FAILED
    message = Message.objects.get(kind=Kind.PAYMENT_FAILED)
    assert (message.event, message.recipient) == (f"payment:{settled.pk}", student)
    (body,) = sent(Kind.PAYMENT_FAILED)
    assert "your payment of ₹1,050" in body
    assert settled.failure in body
    page = read(reverse("payment", args=[booking.reference]))
    assert "The payment did not go through" in page
    assert settled.failure in page
    assert "Nothing was charged" not in page
    assert "Payment failed" in read(booking.get_absolute_url())


def test_failed_payment_is_told_once_and_not_of_a_session_that_was_paid_after_all(
    harness, student, booking, at_the_bank
):
    harness.answer(at_the_bank.provider_ref, yes=False)
    for _ in range(2):
        settle(at_the_bank)
    message = Message.objects.get(kind=Kind.PAYMENT_FAILED)
    fresh(booking).status = Status.SCHEDULED
    booking.save()
    assert sent(Kind.PAYMENT_FAILED) == []
    assert fresh(message).status == Sending.DROPPED


@stripe_only
def test_saved_card_whose_bank_declines_what_it_was_checking_has_failed(harness, booking, payment):
    """An intent then waits for another card, which a checkout of that kind never gets."""
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.PROCESSING)
    harness.decline(payment.provider_ref)
    assert settle(payment).status == PaymentStatus.FAILED
    assert fresh(booking).status == Status.EXPIRED


# The time meanwhile


def test_money_that_takes_its_time_keeps_the_slot(harness, signed_in, booking, at_the_bank, travel_to):
    assert at_the_bank.status in (PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED)
    assert fresh(booking).hold_expires_at == STARTS_AT
    assert set(booking.claims.values_list("expires_at", flat=True)) == {STARTS_AT}
    with pytest.raises(NotPayable, match="checked by the bank"):
        harness.open(booking)
    assert "We are checking with the bank" in harness.come_back(signed_in, at_the_bank).content.decode()
    if harness.name == "razorpay":
        return  # here we capture it ourselves, after a while
    travel_to(LATE + timedelta(days=1))
    sweep()
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    with pytest.raises(SlotTaken):
        book_again(booking)


def test_money_that_came_in_the_end_books(harness, booking, at_the_bank, travel_to):
    travel_to(LATE)
    harness.answer(at_the_bank.provider_ref, yes=True)
    sweep()
    assert_booked_once(booking, at_the_bank)


def test_money_that_did_not_come_releases_the_slot(harness, booking, at_the_bank):
    harness.answer(at_the_bank.provider_ref, yes=False)
    services.sweep(timezone.now() + timedelta(minutes=2))
    assert (fresh(at_the_bank).status, bool(at_the_bank.failure)) == (PaymentStatus.FAILED, True)
    assert (fresh(booking).status, booking.claims.count()) == (Status.EXPIRED, 0)
    assert book_again(booking).status == Status.AWAITING_PAYMENT
    assert_money()
