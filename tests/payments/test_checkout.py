from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking, Status
from bookings.services import book, cancel
from mentors.models import Mentor, SessionType
from payments import services
from payments.gateways import REGISTRY
from payments.gateways.base import GatewayMisconfigured, GatewayRejected, GatewayUnavailable
from payments.gateways.mock import Outcome, simulate
from payments.models import MockCheckout, Payment, PaymentStatus
from payments.services import AlreadyPaid, HoldLapsed, NotPayable
from tests.factories import NOW, BookingFactory, SessionTypeFactory
from tests.payments.factories import STARTS_AT, URLS
from tests.payments.failing_gateway import FailingGateway
from tests.payments.markers import stripe_only, with_webhooks
from tests.payments.steps import PAID, assert_booked_once, at_provider, fresh, pay_for, send_all, settle

pytestmark = pytest.mark.django_db


def open_checkout(booking, gateway="mock", now=NOW) -> Payment:
    return services.open_checkout(booking.pk, gateway, now=now, urls=URLS)


@pytest.fixture
def other_provider(monkeypatch, settings, provider) -> FailingGateway:
    """A second one beside the mock, called `other`."""
    other = FailingGateway()
    other.name = "other"
    monkeypatch.setitem(REGISTRY, "other", other)
    settings.PAYMENT_GATEWAYS = ["mock", "other"]
    return other


def test_hold_writes_the_order_down(booking):
    order = booking.payments.get()
    assert (order.status, order.amount_minor, order.platform_fee_minor) == ("created", 105_000, 5_000)
    assert (order.currency, order.gateway, order.created_at) == ("INR", "", NOW)


def test_checkout_is_opened_for_the_held_order(booking, provider):
    order = booking.payments.get()
    payment = open_checkout(booking)
    assert (payment.pk, payment.status, payment.gateway) == (order.pk, "open", "mock")
    assert payment.provider_ref.startswith("MOCK-")
    assert payment.checkout_expires_at == booking.hold_expires_at


def test_what_the_payment_page_says_is_asked_for_whatever_becomes_of_the_type(client, booking, settings):
    """A session keeps what was agreed, so nothing can come between looking and paying."""
    client.force_login(booking.student)
    assert "₹1,050.00" in client.get(f"/sessions/{booking.reference}/payment/").content.decode()
    SessionType.objects.update(price_minor=900_000, currency="USD", durations=[30], is_active=False)
    settings.PLATFORM_FEE_BASIS_POINTS = 1000
    assert open_checkout(booking).request["amount"] == {"minor": 105_000, "currency": "INR"}
    assert "₹1,050.00" in client.get(f"/sessions/{booking.reference}/payment/").content.decode()


def test_provider_is_asked_for_what_was_agreed(booking, provider):
    payment = open_checkout(booking)
    assert payment.request == {
        "ref": payment.reference,
        "attempt": 1,
        "amount": {"minor": 105_000, "currency": "INR"},
        "description": "Career Guidance with Meera Rao",
        "email": "arjun@example.com",
        "name": "Arjun Kapoor",
        "success_url": URLS.success,
        "cancel_url": URLS.cancel,
        "expires_at": (NOW + timedelta(minutes=15)).isoformat(),
        "idempotency_key": f"checkout-{payment.reference}-1",
        "metadata": {"payment": payment.reference, "session": booking.reference},
        "customer_ref": "",
        "by_saved_card": False,
    }
    assert MockCheckout.objects.get().request == payment.request


def test_open_checkout_is_reused(booking, payment, provider):
    assert open_checkout(booking, now=NOW + timedelta(minutes=5)) == payment
    assert provider.calls == ["create_checkout"]
    assert MockCheckout.objects.count() == 1


def test_order_is_made_when_a_hold_has_none(mentor, student, provider):
    booking = BookingFactory(
        session_type=SessionTypeFactory(mentor=mentor), student=student, status=Status.AWAITING_PAYMENT
    )
    assert open_checkout(booking).status == PaymentStatus.OPEN


def test_price_is_the_one_agreed_even_if_the_type_costs_more_now(booking, provider):
    booking.session_type.price_minor = 900_000
    booking.session_type.save()
    assert open_checkout(booking).amount_minor == 105_000


def lapse(booking):
    return {"now": NOW + timedelta(minutes=15)}


def change(**fields):
    def apply(booking):
        Booking.objects.filter(pk=booking.pk).update(**fields)

    return apply


def close_mentor(booking):
    Mentor.objects.filter(pk=booking.mentor_id).update(status=Mentor.Status.SUSPENDED)


def flag(booking):
    booking.payments.update(needs_review=True)


def put_at_the_bank(booking):
    booking.payments.update(status=PaymentStatus.PROCESSING)


REFUSALS = {
    "free": (change(price_minor=0, fee_minor=0), NotPayable, "is free"),
    "paid": (change(status=Status.SCHEDULED), AlreadyPaid, "is paid"),
    "completed": (change(status=Status.COMPLETED), AlreadyPaid, "is paid"),
    "requested": (
        change(status=Status.REQUESTED, respond_by=NOW + timedelta(hours=1)),
        NotPayable,
        "Meera has not answered yet",
    ),
    "unanswered": (
        change(status=Status.REQUESTED, respond_by=NOW, hold_expires_at=None),
        HoldLapsed,
        "Meera did not answer",
    ),
    "cancelled": (change(status=Status.CANCELLED), NotPayable, "was cancelled"),
    "declined": (change(status=Status.DECLINED), NotPayable, "was declined"),
    "lapsed": (lapse, HoldLapsed, "before the hold ran out"),
    "expired": (change(status=Status.EXPIRED), HoldLapsed, "before the hold ran out"),
    "started": (
        change(starts_at=NOW - timedelta(minutes=5), hold_expires_at=NOW - timedelta(minutes=5)),
        NotPayable,
        "has passed",
    ),
    "mentor gone": (close_mentor, NotPayable, "takes no sessions at the moment"),
    "in review": (flag, NotPayable, "checked by our staff"),
    "at the bank": (put_at_the_bank, NotPayable, "checked by the bank"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_session_that_cannot_be_paid_is_refused(booking, provider, case):
    prepare, error, words = REFUSALS[case]
    when = prepare(booking) or {}
    before = Payment.objects.values().get()
    with pytest.raises(error, match=words):
        open_checkout(booking, **when)
    assert Payment.objects.values().get() == before
    assert provider.calls == []


def test_currency_that_the_provider_does_not_take_is_refused(booking, provider, monkeypatch):
    monkeypatch.setattr(provider, "currencies", frozenset({"USD"}))
    with pytest.raises(NotPayable, match="INR"):
        open_checkout(booking)
    assert provider.calls == []


def test_provider_that_is_not_configured_is_refused(booking, provider, settings):
    settings.PAYMENT_GATEWAYS = []
    with pytest.raises(NotPayable):
        open_checkout(booking)
    with pytest.raises(GatewayMisconfigured):
        open_checkout(booking, gateway="unknown")


def test_lost_answer_is_asked_for_again_with_the_same_request(booking, provider):
    provider.loses["create_checkout"] = GatewayUnavailable("timeout")
    with pytest.raises(GatewayUnavailable):
        open_checkout(booking)
    assert booking.payments.get().status == PaymentStatus.CREATED
    provider.loses.clear()
    payment = open_checkout(booking, now=NOW + timedelta(minutes=3))
    assert payment.attempt == 1
    assert MockCheckout.objects.get().provider_ref == payment.provider_ref


def test_rejected_request_is_followed_by_a_new_one_under_a_new_key(booking, provider):
    provider.refuses["create_checkout"] = GatewayRejected("no")
    with pytest.raises(GatewayRejected):
        open_checkout(booking)
    provider.refuses.clear()
    payment = open_checkout(booking)
    assert payment.attempt == 2
    assert payment.request["idempotency_key"] == f"checkout-{payment.reference}-2"


def test_session_cancelled_while_the_provider_is_asked_leaves_no_open_checkout(booking, provider, student):
    def cancel_meanwhile(checkout):
        cancel(booking.pk, actor=student, now=NOW)
        return checkout

    provider.says["create_checkout"] = cancel_meanwhile
    with pytest.raises(NotPayable, match="changed"):
        open_checkout(booking)
    assert booking.payments.get().status == PaymentStatus.CANCELED
    assert MockCheckout.objects.get().status == "expired"


def test_second_click_at_the_same_moment_ends_at_the_same_checkout(booking, provider):
    def click_again(checkout):
        del provider.says["create_checkout"]
        assert open_checkout(booking).provider_ref == checkout.provider_ref
        return checkout

    provider.says["create_checkout"] = click_again
    assert open_checkout(booking).status == PaymentStatus.OPEN
    assert MockCheckout.objects.count() == Payment.objects.count() == 1


def test_changing_the_provider_closes_the_first_checkout(booking, payment, other_provider):
    second = open_checkout(booking, "other")
    payment.refresh_from_db()
    assert (payment.status, second.status, second.gateway) == ("expired", "open", "other")
    assert MockCheckout.objects.get(provider_ref=payment.provider_ref).status == "expired"


def test_changing_the_provider_finds_out_that_it_is_paid(booking, paid, other_provider):
    with pytest.raises(AlreadyPaid):
        open_checkout(booking, "other")
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_changing_the_provider_waits_for_a_checkout_that_stays_open(
    booking, payment, other_provider, provider
):
    provider.says["expire"] = lambda state: replace(state, status="open")
    with pytest.raises(NotPayable, match="another payment open"):
        open_checkout(booking, "other")


def test_changing_the_provider_before_a_checkout_is_open_starts_a_new_attempt(
    booking, provider, other_provider
):
    provider.loses["create_checkout"] = GatewayUnavailable("timeout")
    with pytest.raises(GatewayUnavailable):
        open_checkout(booking)
    payment = open_checkout(booking, "other")
    assert (payment.gateway, payment.attempt, payment.status) == ("other", 2, "open")


def test_paid_checkout_is_not_opened_again(booking, paid):
    services.settle(paid.pk, source="test", now=NOW)
    with pytest.raises(AlreadyPaid):
        open_checkout(booking)


def test_picking_another_time_gives_the_first_order_up(booking, student, provider):
    second = book(
        student=student,
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT + timedelta(hours=2),
        now=NOW,
    )
    assert booking.payments.get().status == PaymentStatus.CANCELED
    assert second.payments.get().status == PaymentStatus.CREATED


def test_simulated_success_after_the_checkouts_end_changes_nothing(payment, travel_to):
    travel_to(payment.checkout_expires_at)
    simulate(payment.provider_ref, Outcome.SUCCESS)
    assert MockCheckout.objects.get().payment_id == ""


# With every gateway


def test_declined_then_paid_on_the_same_checkout_books(harness, booking, payment):
    held_until = fresh(booking).hold_expires_at
    for _ in range(2):
        harness.decline(payment.provider_ref)
        assert settle(payment).status == PaymentStatus.OPEN
        assert payment.provider_ref == harness.open(booking).provider_ref
    assert fresh(booking).hold_expires_at == held_until
    harness.pay(payment.provider_ref)
    settle(payment)
    assert booking.payments.count() == harness.checkouts_made() == 1
    assert_booked_once(booking, payment)


def test_cancel_link_leads_back_to_the_held_slot_and_the_same_checkout(harness, signed_in, booking, payment):
    assert signed_in.get(reverse("payment", args=[booking.reference])).status_code == 200
    assert harness.open(booking).provider_ref == payment.provider_ref
    assert harness.checkouts_made() == 1
    assert fresh(booking).status == Status.AWAITING_PAYMENT


HOWS = ["500", "429", "409", "timeout", "html", "lost"]


OF_STRIPE = {"500": "error", "429": "throttled", "409": "conflict", "timeout": "drop"}


def trouble(harness, how) -> None:
    if harness.name == "mock":
        harness.provider.refuses["create_checkout"] = GatewayUnavailable(how)
    elif harness.name == "stripe":
        harness.server.disturb(OF_STRIPE.get(how, how), "POST /v1/checkout/sessions", times=9)
    else:
        harness.server.fail("POST", "/v1/orders", how, 9)


@with_webhooks
@pytest.mark.parametrize("how", HOWS)
def test_checkout_that_cannot_be_opened_shows_a_page_to_try_again_from(
    one_try, harness, signed_in, booking, how, settings
):
    trouble(harness, how)
    if how == "timeout":
        settings.PROVIDER_TIMEOUT = (5, 0.2)
    response = harness.press(signed_in, booking)
    settings.PROVIDER_TIMEOUT = (5, 20)
    shown = response.content.decode()
    assert response.status_code == 503
    assert "Try again" in shown
    assert "Traceback" not in shown
    assert fresh(booking).payable_at(timezone.now())
    assert booking.payments.get().status == PaymentStatus.CREATED
    harness.recover()
    assert harness.press(signed_in, booking).status_code == 303
    payment = booking.payments.get()
    assert payment.status == PaymentStatus.OPEN
    harness.pay(payment.provider_ref)
    settle(payment)
    assert_booked_once(booking, payment)


def test_lost_answer_is_found_again_by_its_key(one_try, harness, booking):
    harness.lose_answer()
    with pytest.raises(GatewayUnavailable):
        harness.open(booking)
    harness.recover()
    harness.open(booking)
    assert harness.checkouts_made() == 1
    assert booking.payments.get().attempt == 1


@stripe_only
def test_failure_that_sticks_to_a_key_is_followed_by_a_new_key(harness, signed_in, booking):
    harness.server.disturb("sticky", "POST /v1/checkout/sessions")
    assert harness.press(signed_in, booking).status_code == 303
    keys = [each.key for each in harness.server.requests if each.name == "POST /v1/checkout/sessions"]
    assert len(set(keys)) == 2
    assert booking.payments.get().attempt == 2
    assert harness.checkouts_made() == 1


@stripe_only
def test_changed_parameters_never_meet_their_old_key(
    one_try, harness, signed_in, booking, student, travel_to
):
    harness.lose_answer()
    assert harness.press(signed_in, booking).status_code == 503
    harness.recover()
    student.name, student.email = "Arjun K.", "arjun.k@example.com"
    student.save()
    travel_to(NOW + timedelta(minutes=3))
    assert harness.press(signed_in, booking).status_code == 303
    first, second = [each for each in harness.server.requests if each.name == "POST /v1/checkout/sessions"]
    assert (first.key, first.parameters) == (second.key, second.parameters)


@with_webhooks
def test_wrong_key_shows_a_neutral_page_and_alerts_staff(harness, signed_in, booking, caplog):
    harness.refuse_key()
    response = harness.press(signed_in, booking)
    shown = response.content.decode()
    assert response.status_code == 503
    assert "Try again" in shown
    for word in ("401", "key", "Traceback", "sk_test", "rzp_test"):
        assert word not in shown
    assert "payment not possible" in [each.message for each in caplog.records if each.levelname == "ERROR"]
    with pytest.raises(GatewayMisconfigured):
        harness.open(booking)


def test_price_and_fee_of_the_hold_count_whatever_they_are_now(harness, booking, student, settings):
    SessionType.objects.update(price_minor=999_900)
    settings.PLATFORM_FEE_PERCENT = 50
    settled = pay_for(harness, booking)
    assert (settled.amount_minor, settled.platform_fee_minor, fresh(booking).status) == (
        PAID,
        5_000,
        "scheduled",
    )
    cancel(booking.pk, actor=student, now=timezone.now())
    send_all()
    assert at_provider(harness, settled) == [PAID]
