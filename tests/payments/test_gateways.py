"""One contract, every gateway."""

from datetime import timedelta

import pytest

from payments import gateways
from payments.gateways.base import (
    CheckoutRequest,
    GatewayMisconfigured,
    GatewayRejected,
    InvalidSignature,
    Money,
    PayStatus,
    RefundResult,
)
from tests.factories import NOW
from tests.payments.gateway_harness import checkout_request
from tests.payments.markers import closable, open_ended

pytestmark = [pytest.mark.django_db, pytest.mark.once]
AMOUNT = Money(105_000, "INR")


@pytest.fixture
def checkout(harness):
    return harness.gateway.create_checkout(checkout_request())


@pytest.fixture
def payment_id(harness, checkout):
    harness.pay(checkout.provider_ref)
    return harness.gateway.fetch(checkout.provider_ref).payment_id


def give_back(harness, payment_id, minor, ref="REFUND-1"):
    amount = Money(minor, "INR")
    return harness.gateway.refund(payment_id, amount, key=f"refund-{ref}", ref=ref, reason="surplus")


def test_gateway_has_a_name_a_label_and_currencies(harness):
    assert gateways.REGISTRY[harness.gateway.name].name == harness.gateway.name
    assert harness.gateway.label
    assert "INR" in harness.gateway.currencies


def test_request_survives_being_stored():
    assert CheckoutRequest.from_json(checkout_request().to_json()) == checkout_request()


def test_new_checkout_is_open_until_asked(harness, checkout):
    state = harness.gateway.fetch(checkout.provider_ref)
    assert (state.status, state.payment_id, state.failure) == (PayStatus.OPEN, "", "")
    assert checkout.expires_at == checkout_request().expires_at


def test_same_key_and_request_give_the_same_checkout(harness, checkout):
    assert harness.gateway.create_checkout(checkout_request()) == checkout


def test_another_key_gives_another_checkout(harness, checkout):
    other = harness.gateway.create_checkout(
        checkout_request(attempt=2, idempotency_key="checkout-ORDER-0000000001-2")
    )
    assert other.provider_ref != checkout.provider_ref


def test_same_key_with_another_request_is_refused(harness, checkout):
    with pytest.raises(GatewayRejected):
        harness.gateway.create_checkout(checkout_request(amount=Money(1, "INR")))


@pytest.mark.parametrize("amount", [Money(0, "INR"), Money(-1, "INR"), Money(100, "XXX")])
def test_amount_that_cannot_be_paid_is_refused(harness, amount):
    with pytest.raises(GatewayRejected):
        harness.gateway.create_checkout(checkout_request(amount=amount))


def test_paid_checkout_says_how_much_and_by_which_payment(harness, checkout):
    harness.pay(checkout.provider_ref)
    state = harness.gateway.fetch(checkout.provider_ref)
    assert (state.status, state.amount, state.failure) == (PayStatus.PAID, AMOUNT, "")
    assert state.payment_id


def test_paying_twice_is_one_payment(harness, checkout, payment_id):
    harness.pay(checkout.provider_ref)
    assert harness.gateway.fetch(checkout.provider_ref).payment_id == payment_id


def test_every_payment_that_came_in_is_named(harness, checkout):
    """The list says the same as the checkout itself."""
    assert harness.gateway.fetch(checkout.provider_ref).received == ()
    harness.pay(checkout.provider_ref)
    names = [each.payment_id for each in harness.gateway.fetch(checkout.provider_ref).received]
    assert len(names) == 1
    names += harness.pay_besides(checkout.provider_ref)
    (listed,) = harness.gateway.list_payments(NOW - timedelta(days=1))
    states = (harness.gateway.fetch(checkout.provider_ref), listed)
    assert [[each.payment_id for each in state.received] for state in states] == [names, names]


def test_declined_card_leaves_the_checkout_open_with_the_reason(harness, checkout):
    harness.decline(checkout.provider_ref)
    state = harness.gateway.fetch(checkout.provider_ref)
    assert state.status is PayStatus.OPEN
    assert "card was declined" in state.failure


def test_declined_card_can_be_followed_by_one_that_pays(harness, checkout):
    harness.decline(checkout.provider_ref)
    harness.pay(checkout.provider_ref)
    assert harness.gateway.fetch(checkout.provider_ref).status is PayStatus.PAID


@closable
def test_expired_checkout_cannot_be_paid(harness, checkout):
    assert harness.gateway.expire(checkout.provider_ref).status is PayStatus.EXPIRED
    harness.pay(checkout.provider_ref)
    assert harness.gateway.fetch(checkout.provider_ref).status is PayStatus.EXPIRED


@closable
def test_checkout_expires_by_itself_at_its_time(harness, checkout, travel_to):
    travel_to(checkout.expires_at)
    harness.pay(checkout.provider_ref)
    assert harness.gateway.fetch(checkout.provider_ref).status is PayStatus.EXPIRED


@open_ended
def test_checkout_that_cannot_be_closed_says_how_it_stands_and_can_still_be_paid(
    harness, checkout, travel_to
):
    assert harness.gateway.expire(checkout.provider_ref).status is PayStatus.OPEN
    travel_to(checkout.expires_at)
    harness.pay(checkout.provider_ref)
    assert harness.gateway.fetch(checkout.provider_ref).status is PayStatus.PAID


def test_expiring_what_is_paid_says_paid(harness, checkout, payment_id):
    state = harness.gateway.expire(checkout.provider_ref)
    assert (state.status, state.payment_id) == (PayStatus.PAID, payment_id)


def test_return_of_an_own_checkout_passes(harness, checkout):
    harness.pay(checkout.provider_ref)
    harness.gateway.verify_return(checkout.provider_ref, harness.returned(checkout.provider_ref))


def test_unknown_checkout_is_refused(harness):
    with pytest.raises(GatewayRejected):
        harness.gateway.fetch("unknown")


def test_refund_of_the_whole_amount(harness, payment_id):
    state = give_back(harness, payment_id, 105_000)
    assert (state.status, state.amount, state.our_ref) == (RefundResult.SUCCEEDED, AMOUNT, "REFUND-1")
    assert harness.gateway.fetch_refund(state.refund_id, payment_id) == state
    assert harness.gateway.list_refunds(payment_id) == [state]


def test_refund_with_the_same_key_happens_once(harness, payment_id):
    assert give_back(harness, payment_id, 60_000) == give_back(harness, payment_id, 60_000)
    assert len(harness.gateway.list_refunds(payment_id)) == 1


def test_refund_with_the_same_key_of_another_amount_is_refused(harness, payment_id):
    give_back(harness, payment_id, 500)
    with pytest.raises(GatewayRejected):
        give_back(harness, payment_id, 600)


def test_refunds_in_parts_up_to_the_total_and_no_further(harness, payment_id):
    give_back(harness, payment_id, 60_000, "REFUND-1")
    give_back(harness, payment_id, 45_000, "REFUND-2")
    with pytest.raises(GatewayRejected):
        give_back(harness, payment_id, 1, "REFUND-3")
    assert [state.amount.minor for state in harness.gateway.list_refunds(payment_id)] == [60_000, 45_000]


def test_refund_of_nothing_is_refused(harness, payment_id):
    with pytest.raises(GatewayRejected):
        give_back(harness, payment_id, 0)


@pytest.mark.parametrize("payment_id", ["", "unknown"])
def test_refund_of_an_unknown_payment_is_refused(harness, payment_id):
    with pytest.raises(GatewayRejected):
        give_back(harness, payment_id, 100)
    assert harness.gateway.list_refunds(payment_id) == []


def test_unknown_refund_is_refused(harness, payment_id):
    with pytest.raises(GatewayRejected):
        harness.gateway.fetch_refund("unknown", payment_id)


def test_paid_checkout_says_what_went_back(harness, checkout, payment_id):
    assert harness.gateway.fetch(checkout.provider_ref).refunded == Money(0, "INR")
    give_back(harness, payment_id, 60_000)
    assert harness.gateway.fetch(checkout.provider_ref).refunded == Money(60_000, "INR")


def test_paid_checkout_says_what_the_provider_keeps(harness, checkout, payment_id):
    fee = harness.gateway.fetch(checkout.provider_ref).fee
    assert fee.currency == "INR"
    assert 0 <= fee.minor < 10_000


def test_payments_are_listed_as_ours_and_as_they_stand(harness, checkout, payment_id):
    listed = [
        (state.our_ref, state.provider_ref, state.payment_id, state.status, state.amount)
        for state in harness.gateway.list_payments(NOW - timedelta(minutes=1))
    ]
    assert listed == [("ORDER-0000000001", checkout.provider_ref, payment_id, PayStatus.PAID, AMOUNT)]


def test_payments_of_long_ago_are_not_listed(harness, checkout, payment_id, travel_to):
    travel_to(NOW + timedelta(hours=3))
    assert list(harness.gateway.list_payments(NOW + timedelta(hours=2))) == []


def test_payment_that_nobody_disputes_has_no_disputes(harness, payment_id):
    assert harness.gateway.list_disputes(payment_id) == []
    assert harness.gateway.list_disputes("") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff"])
def test_event_that_nobody_signed_is_refused(harness, body):
    with pytest.raises(InvalidSignature):
        harness.gateway.parse_webhook(body, {})


def test_gateways_are_offered_by_setting_and_currency(settings):
    assert [each.name for each in gateways.gateways_for("INR")] == ["mock"]
    assert not gateways.takes("XXX")
    settings.PAYMENT_GATEWAYS = []
    assert not gateways.takes("INR")


def test_gateway_that_is_switched_off_still_finishes_old_payments(settings):
    settings.PAYMENT_GATEWAYS = []
    assert gateways.gateway("mock").name == "mock"
    with pytest.raises(GatewayMisconfigured):
        gateways.gateway("unknown")
