from dataclasses import replace
from datetime import timedelta

import pytest

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
from tests.payments.conftest import STARTS_AT, URLS
from tests.payments.providers import TroubledProvider

pytestmark = pytest.mark.django_db


def open_checkout(booking, gateway="mock", now=NOW) -> Payment:
    return services.open_checkout(booking.pk, gateway, now=now, urls=URLS)


@pytest.fixture
def other_provider(monkeypatch, settings, provider) -> TroubledProvider:
    """A second one beside the mock, called `other`."""
    other = TroubledProvider()
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
