"""Cancelling a session that was paid: what the page says comes back is what comes back."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import signals
from bookings.cancellation import RefundChoice
from bookings.models import Booking, BookingEvent, Status, TimeClaim
from bookings.services import NotAllowed, book, cancel, cancel_by_staff, decline
from mentors.models import Mentor
from payments import services
from payments.gateways.mock import Outcome, simulate
from payments.models import MockRefund, Payment, PaymentStatus, Refund
from payments.reports.audit import audit
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import STARTS_AT
from tests.payments.steps import (
    PAID,
    assert_money,
    at_provider,
    fresh,
    pay_for,
    refund_by_staff,
    send_all,
    send_when_due,
    settle,
    sums,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def session(booking, paid) -> Booking:
    """Paid and scheduled; everything until 48 hours before, half of the price until 24."""
    Booking.objects.update(cancellation_policy="moderate")
    services.settle(paid.pk, source="test", now=NOW)
    booking.refresh_from_db()
    return booking


@pytest.fixture
def desk(client, student) -> Client:
    client.force_login(student)
    return client


def url(booking) -> str:
    return f"/sessions/{booking.reference}/cancellation/"


def quoted(page) -> str:
    return page.context["terms"].token


def press(client, booking, quote, reason="I am ill"):
    return client.post(url(booking), {"reason": reason, "quoted": quote})


def untouched(booking) -> bool:
    booking.refresh_from_db()
    return booking.status == Status.SCHEDULED and not Refund.objects.exists()


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (100, "₹1,050", "Cancel before Mon 7 Dec, 6:30 am and ₹1,050 comes back; after that ₹500 until Tue 8 Dec, 6:30 am, then nothing."),  # noqa: E501
        (49, "₹1,050", "Cancel before Mon 7 Dec, 6:30 am and ₹1,050 comes back; after that ₹500 until Tue 8 Dec, 6:30 am, then nothing."),  # noqa: E501
        (47, "₹500", "Cancel before Tue 8 Dec, 6:30 am and ₹500 comes back; after that nothing."),
        (23, "Nothing", "Nothing comes back if you cancel now."),
    ],
)  # fmt: skip
def test_page_says_in_money_and_in_the_readers_time_what_comes_back(
    desk, session, travel_to, before, now, words
):
    travel_to(STARTS_AT - before * HOUR)
    page = desk.get(url(session)).content.decode()
    assert f'<dd class="figures__number">{now}</dd>' in page
    assert "Europe/Berlin (GMT+1)" in page
    assert words in page


@pytest.mark.parametrize(("before", "minor"), [(100, 105_000), (49, 105_000), (47, 50_000), (25, 50_000)])
def test_what_the_page_quoted_goes_back(desk, session, travel_to, before, minor):
    travel_to(STARTS_AT - before * HOUR)
    answer = press(desk, session, quoted(desk.get(url(session))))
    session.refresh_from_db()
    refund = Refund.objects.get()
    assert answer["Location"] == session.get_absolute_url()
    assert session.status == Status.CANCELLED
    assert not TimeClaim.objects.exists()
    assert (refund.amount_minor, refund.reason, refund.actor) == (minor, "cancelled", session.student)
    assert session.events.last().note == refund.note == "I am ill"


def test_after_cancelling_the_page_says_what_comes_back_and_when(desk, session):
    press(desk, session, quoted(desk.get(url(session))))
    page = desk.get(session.get_absolute_url()).content.decode()
    assert "Cancelled. ₹1,050 goes back to the way you paid, usually within 5 to 10 days." in page
    assert "The session was cancelled" in page
    assert "Cancel Session" not in page


def test_after_the_last_line_nothing_comes_back_and_the_page_said_so(desk, session, travel_to):
    travel_to(STARTS_AT - HOUR)
    page = desk.get(url(session))
    assert "Now and until the start" in " ".join(page.content.decode().split())
    press(desk, session, quoted(page))
    session.refresh_from_db()
    assert session.status == Status.CANCELLED
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("looked", "pressed", "was", "then"),
    [(49, 47, "1,050", "₹500"), (25, 23, "500", "₹0"), (49, 1, "1,050", "₹0")],
)
def test_line_that_passes_between_look_and_press_is_asked_again(
    desk, session, travel_to, looked, pressed, was, then
):
    travel_to(STARTS_AT - looked * HOUR)
    old = quoted(desk.get(url(session)))
    travel_to(STARTS_AT - pressed * HOUR)
    answer = press(desk, session, old, reason="My train <3")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert untouched(session)
    assert f"What comes back has changed since you looked: it was ₹{was}, and it is now {then}." in page
    assert f'<dd class="figures__number">{"Nothing" if then == "₹0" else then}</dd>' in page
    assert "My train &lt;3" in page
    press(desk, session, quoted(answer))
    session.refresh_from_db()
    assert session.status == Status.CANCELLED


@pytest.mark.parametrize(
    "quote", ["", "scheduled:105000:1", "scheduled:1:105000", "awaiting_payment:0:0", "☃"]
)
def test_quote_that_was_never_shown_is_asked_again(desk, session, quote):
    assert press(desk, session, quote).status_code == 409
    assert untouched(session)


def test_cancelling_without_what_was_shown_is_asked_again(desk, session):
    answer = desk.post(url(session), {"reason": "My train"})
    assert answer.status_code == 409
    assert untouched(session)
    assert "My train" in answer.content.decode()
    press(desk, session, quoted(answer))
    session.refresh_from_db()
    assert session.status == Status.CANCELLED


def test_hold_that_was_paid_meanwhile_is_asked_again(desk, booking, paid):
    """ "Cancelling costs nothing" is no longer true."""
    old = quoted(desk.get(url(booking)))
    services.settle(paid.pk, source="test", now=NOW)
    answer = press(desk, booking, old)
    assert answer.status_code == 409
    assert "₹1,050" in answer.content.decode()
    assert untouched(booking)


def test_part_that_staff_refunded_before_does_not_come_back_twice(desk, session, staff):
    payment = session.payments.get()
    old = quoted(desk.get(url(session)))
    services.refund_by_staff(
        payment.pk, amount_minor=20_000, seen_refunds=0, actor=staff, note="Sorry", now=NOW
    )
    answer = press(desk, session, old)
    assert answer.status_code == 409
    assert '<dd class="figures__number">₹850</dd>' in answer.content.decode()
    press(desk, session, quoted(answer))
    assert sorted(Refund.objects.values_list("amount_minor", flat=True)) == [20_000, 85_000]


def test_second_press_is_quiet(desk, session):
    quote = quoted(desk.get(url(session)))
    for _ in range(2):
        assert press(desk, session, quote)["Location"] == session.get_absolute_url()
    assert Refund.objects.count() == 1
    assert BookingEvent.objects.filter(kind=BookingEvent.Kind.CANCELLED).count() == 1


def test_from_the_start_on_there_is_no_cancelling(desk, session, travel_to):
    travel_to(STARTS_AT)
    assert "Cancel Session" not in desk.get(session.get_absolute_url()).content.decode()
    assert desk.get(url(session))["Location"] == session.get_absolute_url()
    press(desk, session, "scheduled:105000:0")
    assert untouched(session)


@pytest.mark.parametrize("page", ["/my-sessions/", "/sessions/{}/"])
def test_paid_session_offers_cancelling_to_its_student(desk, session, page):
    assert f'href="{url(session)}"' in desk.get(page.format(session.reference)).content.decode()


@pytest.mark.parametrize("who", ["mentor", "staff", "stranger", None])
def test_nobody_else_cancels_a_paid_session(client, session, request, who):
    if who:
        person = request.getfixturevalue(who)
        client.force_login(person.user if who == "mentor" else person)
    status = 404 if who == "stranger" else 302
    assert client.get(url(session)).status_code == status
    assert press(client, session, "scheduled:105000:105000").status_code == status
    assert untouched(session)


def test_looking_and_wrong_methods_change_nothing(desk, session):
    desk.get(url(session))
    desk.head(url(session))
    assert desk.put(url(session)).status_code == desk.delete(url(session)).status_code == 405
    assert untouched(session)


def test_reason_too_long_is_said_and_kept(desk, session):
    answer = press(desk, session, quoted(desk.get(url(session))), reason="x" * 501)
    assert answer.status_code == 422
    assert "x" * 501 in answer.content.decode()
    assert untouched(session)


def test_disputed_payment_leaves_cancelling_to_staff(desk, session):
    Payment.objects.update(is_disputed=True)
    page = desk.get(url(session), follow=True).content.decode()
    assert "bank is looking into this payment" in page
    press(desk, session, "scheduled:105000:105000")
    assert untouched(session)


def test_refund_and_cancelling_are_one_transaction(session, student):
    def fail(**_):
        raise RuntimeError

    signals.booking_cancelled.connect(fail)
    with pytest.raises(RuntimeError):
        cancel(session.pk, actor=student, now=NOW)
    signals.booking_cancelled.disconnect(fail)
    assert untouched(session)
    assert session.payments.get().reserved_minor == 0


def test_open_checkout_of_a_cancelled_hold_is_closed_at_the_provider(desk, booking, payment, provider):
    press(desk, booking, quoted(desk.get(url(booking))))
    services.sweep(NOW)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.EXPIRED
    assert "expire" in provider.calls


def test_late_payment_of_a_cancelled_hold_goes_back_in_full(desk, booking, payment, provider):
    press(desk, booking, quoted(desk.get(url(booking))))
    simulate(payment.provider_ref, Outcome.SUCCESS)
    services.settle(payment.pk, source="test", now=NOW)
    services.sweep(NOW)
    assert MockRefund.objects.get().amount_minor == 105_000
    assert Refund.objects.get().reason == Refund.Reason.NOT_CONFIRMED


# With every gateway


def test_cancelling_closes_the_checkout(harness, booking, payment, student):
    cancel(booking.pk, actor=student, now=timezone.now())
    services.sweep(timezone.now())
    assert fresh(payment).status == PaymentStatus.EXPIRED
    if harness.gateway.can_expire:
        harness.pay(payment.provider_ref)
        assert settle(payment).status == PaymentStatus.EXPIRED
    assert_money()


def test_cancelling_what_was_just_paid_gives_it_back(harness, booking, paid, student):
    cancel(booking.pk, actor=student, now=timezone.now())
    services.sweep(timezone.now())
    services.sweep(timezone.now())
    assert fresh(booking).status == Status.CANCELLED
    assert_money(came_in=PAID, refunded=PAID)


@pytest.mark.parametrize(
    ("policy", "before", "minor"),
    [
        *(("flexible", 25, PAID), ("flexible", 23, 0)),
        *(("moderate", 49, PAID), ("moderate", 47, 50_000), ("moderate", 23, 0)),
        *(("strict", 73, 50_000), ("strict", 71, 0)),
    ],
)
def test_student_gets_back_what_the_policy_gives_once(
    harness, booking, student, travel_to, policy, before, minor
):
    type(booking).objects.update(cancellation_policy=policy)
    settled = pay_for(harness, booking)
    travel_to(STARTS_AT - before * HOUR)
    for _ in range(2):
        cancel(booking.pk, actor=student, now=timezone.now())
    send_all()
    assert fresh(booking).status == Status.CANCELLED
    assert (sums(settled), at_provider(harness, settled)) == ((0, minor), [minor] * bool(minor))


def test_policy_of_the_booking_counts_and_not_the_mentors_new_one(harness, booking, settled, student):
    Mentor.objects.update(cancellation_policy="strict")
    cancel(booking.pk, actor=student, now=timezone.now())
    assert Refund.objects.get().amount_minor == PAID


def test_mentor_declines_before_anything_was_charged(harness, mentor, student):
    kind = SessionTypeFactory(mentor=mentor, requires_approval=True)
    asked = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    decline(asked.pk, actor=mentor.user, now=NOW)
    assert not Payment.objects.exists()


def test_mentor_asks_staff_and_everything_comes_back(harness, booking, settled, mentor, staff, travel_to):
    travel_to(STARTS_AT - HOUR)
    with pytest.raises(NotAllowed):
        cancel(booking.pk, actor=mentor.user, now=timezone.now())
    cancel_by_staff(booking.pk, actor=staff, now=timezone.now(), reason="Ill", give_back=RefundChoice.ALL)
    send_all()
    assert (sums(settled), at_provider(harness, settled)) == ((0, PAID), [PAID])


@pytest.mark.parametrize(
    ("give_back", "minor"), [("all", PAID), ("policy", 50_000), ("part", 12_345), ("none", 0)]
)
def test_staff_give_back_what_they_choose(harness, booking, student, staff, travel_to, give_back, minor):
    type(booking).objects.update(cancellation_policy="moderate")
    settled = pay_for(harness, booking)
    travel_to(STARTS_AT - 30 * HOUR)
    cancel_by_staff(
        booking.pk,
        actor=staff,
        now=timezone.now(),
        reason="The mentor is ill",
        give_back=RefundChoice(give_back),
        part_minor=12_345,
    )
    send_all()
    assert (sums(settled), at_provider(harness, settled)) == ((0, minor), [minor] * bool(minor))


def test_whoever_does_not_come_gets_nothing_by_themselves(
    harness, booking, settled, student, staff, travel_to
):
    travel_to(STARTS_AT)
    with pytest.raises(NotAllowed):
        cancel(booking.pk, actor=student, now=timezone.now())
    assert at_provider(harness, settled) == []
    send_when_due(refund_by_staff(settled, staff, 20_000))
    assert at_provider(harness, settled) == [20_000]


def test_cancelled_before_the_payment_arrived_gives_it_all_back_once(harness, booking, student):
    payment = harness.open(booking)
    harness.pay(payment.provider_ref)
    cancel(booking.pk, actor=student, now=timezone.now())
    for _ in range(3):
        services.settle(payment.pk, source="test", now=timezone.now())
        services.sweep(timezone.now())
    assert (sums(payment), at_provider(harness, payment)) == ((0, PAID), [PAID])


# What went back already


def test_cancelling_after_a_full_refund_at_the_dashboard_says_that_it_went_back(
    harness, read, client, booking, payment
):
    harness.pay(payment.provider_ref)
    settle(payment)
    harness.refund_by_hand(fresh(payment), 105_000)
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


def test_cancelling_after_a_part_went_back_says_how_much(harness, read, booking, payment):
    harness.pay(payment.provider_ref)
    settle(payment)
    harness.refund_by_hand(fresh(payment), 40_000)
    services.sync_refunds(payment.pk, now=timezone.now())
    page = read(reverse("session_cancellation", args=[booking.reference]))
    assert "You paid ₹1,050; ₹400 went back before" in page
