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
from tests.payments.contract import BENCHES, OPEN_ENDED, request

pytestmark = pytest.mark.django_db
AMOUNT = Money(105_000, "INR")
closing = pytest.mark.parametrize("bench", sorted(BENCHES.keys() - OPEN_ENDED), indirect=True)
open_ended = pytest.mark.parametrize("bench", sorted(BENCHES.keys() & OPEN_ENDED), indirect=True)


@pytest.fixture(params=BENCHES)
def bench(request):
    with BENCHES[request.param]() as bench:
        yield bench


@pytest.fixture
def checkout(bench):
    return bench.gateway.create_checkout(request())


@pytest.fixture
def payment_id(bench, checkout):
    bench.pay(checkout.provider_ref)
    return bench.gateway.fetch(checkout.provider_ref).payment_id


def give_back(bench, payment_id, minor, ref="REFUND-1"):
    amount = Money(minor, "INR")
    return bench.gateway.refund(payment_id, amount, key=f"refund-{ref}", ref=ref, reason="surplus")


def test_gateway_has_a_name_a_label_and_currencies(bench):
    assert gateways.REGISTRY[bench.gateway.name].name == bench.gateway.name
    assert bench.gateway.label
    assert "INR" in bench.gateway.currencies


def test_request_survives_being_stored():
    assert CheckoutRequest.from_json(request().to_json()) == request()


def test_new_checkout_is_open_until_asked(bench, checkout):
    state = bench.gateway.fetch(checkout.provider_ref)
    assert (state.status, state.payment_id, state.failure) == (PayStatus.OPEN, "", "")
    assert checkout.expires_at == request().expires_at


def test_same_key_and_request_give_the_same_checkout(bench, checkout):
    assert bench.gateway.create_checkout(request()) == checkout


def test_another_key_gives_another_checkout(bench, checkout):
    other = bench.gateway.create_checkout(request(attempt=2, idempotency_key="checkout-ORDER-0000000001-2"))
    assert other.provider_ref != checkout.provider_ref


def test_same_key_with_another_request_is_refused(bench, checkout):
    with pytest.raises(GatewayRejected):
        bench.gateway.create_checkout(request(amount=Money(1, "INR")))


@pytest.mark.parametrize("amount", [Money(0, "INR"), Money(-1, "INR"), Money(100, "XXX")])
def test_amount_that_cannot_be_paid_is_refused(bench, amount):
    with pytest.raises(GatewayRejected):
        bench.gateway.create_checkout(request(amount=amount))


def test_paid_checkout_says_how_much_and_by_which_payment(bench, checkout):
    bench.pay(checkout.provider_ref)
    state = bench.gateway.fetch(checkout.provider_ref)
    assert (state.status, state.amount, state.failure) == (PayStatus.PAID, AMOUNT, "")
    assert state.payment_id


def test_paying_twice_is_one_payment(bench, checkout, payment_id):
    bench.pay(checkout.provider_ref)
    assert bench.gateway.fetch(checkout.provider_ref).payment_id == payment_id


def test_every_payment_that_came_in_is_named(bench, checkout):
    """The list says the same as the checkout itself."""
    assert bench.gateway.fetch(checkout.provider_ref).received == ()
    bench.pay(checkout.provider_ref)
    names = [each.payment_id for each in bench.gateway.fetch(checkout.provider_ref).received]
    assert len(names) == 1
    names += bench.pay_besides(checkout.provider_ref)
    (listed,) = bench.gateway.list_payments(NOW - timedelta(days=1))
    states = (bench.gateway.fetch(checkout.provider_ref), listed)
    assert [[each.payment_id for each in state.received] for state in states] == [names, names]


def test_declined_card_leaves_the_checkout_open_with_the_reason(bench, checkout):
    bench.decline(checkout.provider_ref)
    state = bench.gateway.fetch(checkout.provider_ref)
    assert state.status is PayStatus.OPEN
    assert "card was declined" in state.failure


def test_declined_card_can_be_followed_by_one_that_pays(bench, checkout):
    bench.decline(checkout.provider_ref)
    bench.pay(checkout.provider_ref)
    assert bench.gateway.fetch(checkout.provider_ref).status is PayStatus.PAID


@closing
def test_expired_checkout_cannot_be_paid(bench, checkout):
    assert bench.gateway.expire(checkout.provider_ref).status is PayStatus.EXPIRED
    bench.pay(checkout.provider_ref)
    assert bench.gateway.fetch(checkout.provider_ref).status is PayStatus.EXPIRED


@closing
def test_checkout_expires_by_itself_at_its_time(bench, checkout, travel_to):
    travel_to(checkout.expires_at)
    bench.pay(checkout.provider_ref)
    assert bench.gateway.fetch(checkout.provider_ref).status is PayStatus.EXPIRED


@open_ended
def test_checkout_that_cannot_be_closed_says_how_it_stands_and_can_still_be_paid(bench, checkout, travel_to):
    assert bench.gateway.expire(checkout.provider_ref).status is PayStatus.OPEN
    travel_to(checkout.expires_at)
    bench.pay(checkout.provider_ref)
    assert bench.gateway.fetch(checkout.provider_ref).status is PayStatus.PAID


def test_expiring_what_is_paid_says_paid(bench, checkout, payment_id):
    state = bench.gateway.expire(checkout.provider_ref)
    assert (state.status, state.payment_id) == (PayStatus.PAID, payment_id)


def test_return_of_an_own_checkout_passes(bench, checkout):
    bench.pay(checkout.provider_ref)
    bench.gateway.verify_return(checkout.provider_ref, bench.returned(checkout.provider_ref))


def test_unknown_checkout_is_refused(bench):
    with pytest.raises(GatewayRejected):
        bench.gateway.fetch("unknown")


def test_refund_of_the_whole_amount(bench, payment_id):
    state = give_back(bench, payment_id, 105_000)
    assert (state.status, state.amount, state.our_ref) == (RefundResult.SUCCEEDED, AMOUNT, "REFUND-1")
    assert bench.gateway.fetch_refund(state.refund_id, payment_id) == state
    assert bench.gateway.list_refunds(payment_id) == [state]


def test_refund_with_the_same_key_happens_once(bench, payment_id):
    assert give_back(bench, payment_id, 60_000) == give_back(bench, payment_id, 60_000)
    assert len(bench.gateway.list_refunds(payment_id)) == 1


def test_refund_with_the_same_key_of_another_amount_is_refused(bench, payment_id):
    give_back(bench, payment_id, 500)
    with pytest.raises(GatewayRejected):
        give_back(bench, payment_id, 600)


def test_refunds_in_parts_up_to_the_total_and_no_further(bench, payment_id):
    give_back(bench, payment_id, 60_000, "REFUND-1")
    give_back(bench, payment_id, 45_000, "REFUND-2")
    with pytest.raises(GatewayRejected):
        give_back(bench, payment_id, 1, "REFUND-3")
    assert [state.amount.minor for state in bench.gateway.list_refunds(payment_id)] == [60_000, 45_000]


def test_refund_of_nothing_is_refused(bench, payment_id):
    with pytest.raises(GatewayRejected):
        give_back(bench, payment_id, 0)


@pytest.mark.parametrize("payment_id", ["", "unknown"])
def test_refund_of_an_unknown_payment_is_refused(bench, payment_id):
    with pytest.raises(GatewayRejected):
        give_back(bench, payment_id, 100)
    assert bench.gateway.list_refunds(payment_id) == []


def test_unknown_refund_is_refused(bench, payment_id):
    with pytest.raises(GatewayRejected):
        bench.gateway.fetch_refund("unknown", payment_id)


def test_paid_checkout_says_what_went_back(bench, checkout, payment_id):
    assert bench.gateway.fetch(checkout.provider_ref).refunded == Money(0, "INR")
    give_back(bench, payment_id, 60_000)
    assert bench.gateway.fetch(checkout.provider_ref).refunded == Money(60_000, "INR")


def test_paid_checkout_says_what_the_provider_keeps(bench, checkout, payment_id):
    fee = bench.gateway.fetch(checkout.provider_ref).fee
    assert fee.currency == "INR"
    assert 0 <= fee.minor < 10_000


def test_payments_are_listed_as_ours_and_as_they_stand(bench, checkout, payment_id):
    listed = [
        (state.our_ref, state.provider_ref, state.payment_id, state.status, state.amount)
        for state in bench.gateway.list_payments(NOW - timedelta(minutes=1))
    ]
    assert listed == [("ORDER-0000000001", checkout.provider_ref, payment_id, PayStatus.PAID, AMOUNT)]


def test_payments_of_long_ago_are_not_listed(bench, checkout, payment_id, travel_to):
    travel_to(NOW + timedelta(hours=3))
    assert list(bench.gateway.list_payments(NOW + timedelta(hours=2))) == []


def test_payment_that_nobody_disputes_has_no_disputes(bench, payment_id):
    assert bench.gateway.list_disputes(payment_id) == []
    assert bench.gateway.list_disputes("") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff"])
def test_event_that_nobody_signed_is_refused(bench, body):
    with pytest.raises(InvalidSignature):
        bench.gateway.parse_webhook(body, {})


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
