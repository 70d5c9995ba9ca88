"""What pages and mails say of money that is being checked, came back, or came for a session that can't be."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from bookings.services import MENTOR_GONE, book, cancel
from bookings.services import sweep as sweep_bookings
from mentors.models import Mentor
from notifications.models import Kind, Message
from notifications.models import Status as Sending
from notifications.services import deliver
from payments import services
from payments.models import Payment, PaymentStatus, Refund
from payments.reports.audit import audit
from tests.factories import NOW, UserFactory
from tests.payments.conftest import STARTS_AT
from tests.payments.stripe_books import SECURE_CARD

pytestmark = pytest.mark.django_db
LATE = NOW + timedelta(minutes=40)
# What a page says that offers to pay, besides a link to where one pays.
OFFERS = ("Proceed to Payment", "Pay with", "Simulate Payment", "Pay to make it yours")
stripe_only = pytest.mark.parametrize("world", ["stripe"], indirect=True)


@pytest.fixture
def payment(world, booking) -> Payment:
    return world.open(booking)


@pytest.fixture
def read(client, student):
    """A page as the student ends up reading it."""
    client.force_login(student)
    return lambda path: " ".join(client.get(path, follow=True).content.decode().split())


@pytest.fixture
def at_the_bank(world, payment) -> Payment:
    world.pay_slowly(payment.provider_ref)
    return settle(payment)


@pytest.fixture
def mismatched(world, payment) -> Payment:
    world.pay(payment.provider_ref)
    world.falsify(payment.provider_ref, minor=90_000, currency="INR")
    return settle(payment)


def settle(payment) -> Payment:
    return services.settle(payment.pk, source="test", now=timezone.now())


def sweep() -> None:
    sweep_bookings(timezone.now())
    services.sweep(timezone.now())


def paths(booking) -> list[str]:
    at = {"args": [booking.reference]}
    names = ("session_detail", "payment", "payment_failed", "session_confirmation", "payment_razorpay")
    return [*(reverse(name, **at) for name in names), "/my-sessions/?show=all", "/payments/"]


def offers(page: str, booking) -> list[str]:
    link = f'href="{reverse("payment", args=[booking.reference])}"'
    return [offer for offer in (*OFFERS, link) if offer in page]


def fresh(row):
    row.refresh_from_db()
    return row


def sent(kind, person=None) -> list[str]:
    """The bodies of what leaves."""
    mail.outbox.clear()
    for message in Message.objects.filter(kind=kind):
        deliver(message.pk, now=timezone.now())
    return [
        " ".join(each.body.split()) for each in mail.outbox if person is None or each.to == [person.email]
    ]


# Nobody is asked to pay twice


@pytest.mark.parametrize("state", ["at_the_bank", "mismatched"])
def test_no_page_offers_to_pay_while_money_is_being_checked(request, read, world, booking, state):
    request.getfixturevalue(state)
    for path in paths(booking):
        page = read(path)
        assert offers(page, booking) == [], path
        assert "being checked" in page or "checking with the bank" in page, path


def test_pages_offer_to_pay_before_anything_is_checked(read, world, payment, booking):
    """Lest the words above be looked for in vain."""
    assert [path for path in paths(booking) if not offers(read(path), booking)] == []


@pytest.mark.parametrize("state", ["at_the_bank", "mismatched"])
def test_session_says_until_when_its_time_is_kept(request, read, world, booking, state):
    request.getfixturevalue(state)
    page = read(booking.get_absolute_url())
    assert "The time is kept for you" in page
    assert "don’t pay again" in page


@pytest.mark.parametrize("state", ["at_the_bank", "mismatched"])
def test_cancelling_while_money_is_being_checked_says_that_it_comes_back(
    request, read, world, booking, state
):
    request.getfixturevalue(state)
    page = read(reverse("session_cancellation", args=[booking.reference]))
    assert "You have not paid" not in page
    assert "goes back to you, all of it" in page


@stripe_only
def test_calendar_of_the_wizard_does_not_lead_to_paying_again(read, world, booking, at_the_bank):
    choice = "?type=career-guidance&duration=60&date=2026-12-09"
    page = read(reverse("book", args=[booking.mentor.slug]) + choice)
    assert "Go on to payment" not in page
    assert "A payment for it is being checked" in page


def test_lists_of_a_mentor_tell_nothing_of_the_students_bank(client, world, booking, at_the_bank):
    client.force_login(booking.mentor.user)
    page = client.get(booking.get_absolute_url()).content.decode()
    assert "Payment being checked" in page
    assert "Please don’t pay again" not in page


# Another amount


def test_other_amount_keeps_the_time_until_the_start(world, booking, mismatched, travel_to):
    assert fresh(booking).hold_expires_at == STARTS_AT
    assert set(booking.claims.values_list("expires_at", flat=True)) == {STARTS_AT}
    travel_to(STARTS_AT - timedelta(minutes=1))
    sweep()
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert (fresh(mismatched).status, mismatched.needs_review) == (PaymentStatus.OPEN, True)


@pytest.mark.parametrize("end", ["start", "cancelled", "mentor gone"])
def test_other_amount_that_nobody_decided_on_goes_back_when_its_session_ends(
    world, booking, student, mismatched, travel_to, end
):
    if end == "start":
        travel_to(STARTS_AT + timedelta(minutes=1))
    elif end == "cancelled":
        cancel(booking.pk, actor=student, now=timezone.now())
    else:
        Mentor.objects.update(status=Mentor.Status.SUSPENDED)
    for _ in range(2):
        sweep()
    assert fresh(booking).status in (Status.EXPIRED, Status.CANCELLED)
    assert (fresh(mismatched).status, mismatched.refunded_minor) == (PaymentStatus.SUCCEEDED, 90_000)
    assert Refund.objects.count() == 1
    assert audit().problems == []


def test_other_amount_that_staff_have_reviewed_is_theirs(world, booking, student, staff, mismatched):
    services.mark_payment_reviewed(mismatched.pk, actor=staff, now=timezone.now())
    cancel(booking.pk, actor=student, now=timezone.now())
    sweep()
    assert not Refund.objects.exists()


def test_other_amount_given_back_frees_the_time_and_says_where_the_money_is(world, read, booking, mismatched):
    services.refund_mismatched_payment(mismatched.pk, now=timezone.now())
    services.send_refund(Refund.objects.get().pk, now=timezone.now())
    assert (fresh(booking).status, booking.claims.count()) == (Status.EXPIRED, 0)
    for path in paths(booking):
        page = read(path)
        assert "Nothing was charged" not in page, path
        assert "Nothing charged" not in page, path
    assert "Refunded ₹900" in read(booking.get_absolute_url())
    assert "What you paid for it goes back to you" in read(reverse("payment", args=[booking.reference]))


# A mentor who has left


def suspend(mentor) -> None:
    Mentor.objects.filter(pk=mentor.pk).update(status=Mentor.Status.SUSPENDED)


def close_account(mentor) -> None:
    mentor.user.is_active = False
    mentor.user.save()


LEAVES = {"suspended": suspend, "closed": close_account}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
def test_session_of_a_mentor_who_has_left_ends_and_says_so(world, client, read, booking, payment, leave):
    leave(booking.mentor)
    for path in paths(booking):
        page = read(path)
        assert offers(page, booking) == [], path
    asked = client.get(reverse("payment", args=[booking.reference]))
    assert asked.status_code == 409
    assert "takes no sessions at the moment" in asked.content.decode()
    assert world.press(client, booking).status_code == 409
    sweep()
    assert (fresh(booking).status, booking.claims.count()) == (Status.CANCELLED, 0)
    assert MENTOR_GONE in read(booking.get_absolute_url())
    assert "takes no sessions at the moment" in read(reverse("payment", args=[booking.reference]))


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("swept", [False, True])
def test_money_for_a_mentor_who_has_left_goes_back(world, booking, payment, leave, swept):
    world.pay(payment.provider_ref)
    leave(booking.mentor)
    if swept:
        sweep_bookings(timezone.now())
    settle(payment)
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.note) == (105_000, MENTOR_GONE)
    services.send_refund(refund.pk, now=timezone.now())
    assert audit().problems == []


# The real reason


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
    world, read, student, booking, payment, travel_to, happen
):
    world.pay(payment.provider_ref)
    happen(payment, travel_to)
    settle(payment)
    (body,) = sent(Kind.NOT_CONFIRMED, student)
    assert REASONS[happen].replace("&#x27;", "'") in body
    assert "₹1,050" in body
    assert REASONS[happen] in read(booking.get_absolute_url())


@stripe_only
def test_news_of_another_amount_names_what_came_and_what_was_agreed(world, student, mismatched):
    services.refund_mismatched_payment(mismatched.pk, now=timezone.now())
    (body,) = sent(Kind.NOT_CONFIRMED, student)
    assert "your payment of ₹900" in body
    assert "It was not the ₹1,050 that was agreed." in body


@stripe_only
def test_news_goes_to_nobody_whose_account_is_closed(world, student, booking, payment):
    world.pay(payment.provider_ref)
    close_account(booking.mentor)
    settle(payment)
    assert [each.recipient for each in Message.objects.filter(kind=Kind.NOT_CONFIRMED)] == [student]


@stripe_only
def test_news_that_waits_is_not_sent_to_an_account_closed_meanwhile(world, student, booking, payment):
    world.pay(payment.provider_ref)
    suspend(booking.mentor)
    settle(payment)
    close_account(booking.mentor)
    assert len(sent(Kind.NOT_CONFIRMED)) == 1
    message = Message.objects.get(kind=Kind.NOT_CONFIRMED, recipient=booking.mentor.user)
    assert message.status == Sending.DROPPED


# What went back already


def test_cancelling_after_a_full_refund_at_the_dashboard_says_that_it_went_back(
    world, read, client, booking, payment
):
    world.pay(payment.provider_ref)
    settle(payment)
    world.refund_by_hand(fresh(payment), 105_000)
    services.sync_refunds(payment.pk, now=timezone.now())
    path = reverse("session_cancellation", args=[booking.reference])
    page = read(path)
    assert "went back to you before" in page
    assert "₹0" not in page
    assert "comes back if you cancel" not in page
    quoted = page.partition('name="quoted" value="')[2].partition('"')[0]
    done = client.post(path, {"quoted": quoted}, follow=True).content.decode()
    assert "₹1,050 of what you paid went back before" in done
    assert fresh(booking).status == Status.CANCELLED
    assert audit().problems == []


def test_cancelling_after_a_part_went_back_says_how_much(world, read, booking, payment):
    world.pay(payment.provider_ref)
    settle(payment)
    world.refund_by_hand(fresh(payment), 40_000)
    services.sync_refunds(payment.pk, now=timezone.now())
    page = read(reverse("session_cancellation", args=[booking.reference]))
    assert "of ₹1,050 paid; ₹400 went back before" in page


# Where "Pay" stands


@stripe_only
def test_pay_does_not_stand_in_the_column_of_receipts(world, read, booking, payment):
    page = read("/payments/")
    receipt = page.partition('data-label="Receipt"')[2].partition("</td>")[0]
    state = page.partition('data-label="State"')[2].partition("</td>")[0]
    pay = reverse("payment", args=[booking.reference])
    assert (pay in receipt, pay in state) == (False, True)


# Unfinished, and failed


@stripe_only
def test_coming_back_from_an_unfinished_3_d_secure_says_what_happened(
    world, client, student, booking, payment
):
    client.force_login(student)
    world.books.pay(payment.provider_ref, SECURE_CARD)  # the bank's page is open, and left
    back = reverse("payment_return", args=[booking.reference])
    page = client.get(back, {"session_id": payment.provider_ref}, follow=True).content.decode()
    assert "before the payment was finished" in page
    assert "The time is still held for you" in page
    assert "Pay with Stripe" in page


@stripe_only
def test_coming_back_unfinished_after_the_hold_promises_no_time(
    world, client, student, booking, payment, travel_to
):
    client.force_login(student)
    travel_to(LATE)
    back = reverse("payment_return", args=[booking.reference])
    page = client.get(back, {"session_id": payment.provider_ref}, follow=True).content.decode()
    assert "still held for you" not in page


def test_delayed_payment_that_failed_is_told_to_its_student(world, read, student, booking, at_the_bank):
    world.answer(at_the_bank.provider_ref, yes=False)
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
    world, student, booking, at_the_bank
):
    world.answer(at_the_bank.provider_ref, yes=False)
    for _ in range(2):
        settle(at_the_bank)
    message = Message.objects.get(kind=Kind.PAYMENT_FAILED)
    fresh(booking).status = Status.SCHEDULED
    booking.save()
    assert sent(Kind.PAYMENT_FAILED) == []
    assert fresh(message).status == Sending.DROPPED


@stripe_only
def test_saved_card_whose_bank_declines_what_it_was_checking_has_failed(world, booking, payment):
    """An intent then waits for another card, which a checkout of that kind never gets."""
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.PROCESSING)
    world.decline(payment.provider_ref)
    assert settle(payment).status == PaymentStatus.FAILED
    assert fresh(booking).status == Status.EXPIRED
