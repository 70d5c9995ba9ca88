"""Razorpay's own edges, beyond the contract that all gateways share."""

import hashlib
import json
from datetime import timedelta

import pytest

from payments.gateways.base import (
    DisputeStatus,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    Money,
    PayStatus,
    RefundResult,
)
from payments.gateways.razorpay import RazorpayGateway
from tests.factories import NOW
from tests.payments.fake_razorpay import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, sign
from tests.payments.gateway_harness import checkout_request
from tests.servers import free_port

AMOUNT = Money(105_000, "INR")
ORDER = r"/v1/orders/[^/]+"


@pytest.fixture
def gateway(razorpay_server) -> RazorpayGateway:
    return RazorpayGateway()


@pytest.fixture
def order_id(gateway):
    return gateway.create_checkout(checkout_request()).provider_ref


@pytest.fixture
def payment(fake_razorpay, order_id):
    """Paid and captured."""
    return fake_razorpay.pay(order_id)


def give_back(gateway, payment, minor, **changes):
    plain = {"key": "refund-REFUND-1", "ref": "REFUND-1", "reason": "surplus"}
    return gateway.refund(payment["id"], Money(minor, payment["currency"]), **{**plain, **changes})


# Orders


def test_order_says_what_is_paid_and_is_captured_by_itself(razorpay_server, order_id):
    assert razorpay_server.requests[-1].data == {
        "amount": 105_000,
        "currency": "INR",
        "receipt": "ORDER-0000000001",
        "notes": {"payment": "ORDER-0000000001"},
        "payment": {
            "capture": "automatic",
            "capture_options": {"automatic_expiry_period": 30, "refund_speed": "normal"},
        },
    }


def test_checkout_carries_what_the_widget_needs(gateway):
    checkout = gateway.create_checkout(checkout_request())
    wanted = {"key": KEY_ID, "order_id": checkout.provider_ref, "amount": 105_000, "currency": "INR"}
    assert checkout.client_options == wanted


def test_order_whose_answer_was_lost_is_found_by_its_receipt(razorpay_server, gateway, fake_razorpay):
    razorpay_server.fail("POST", "/v1/orders", "lost")
    with pytest.raises(GatewayUnavailable):
        gateway.create_checkout(checkout_request())
    assert gateway.create_checkout(checkout_request()).provider_ref == next(iter(fake_razorpay.orders))
    assert len(fake_razorpay.orders) == 1


def test_receipt_that_only_contains_ours_is_another_order(gateway, fake_razorpay):
    second = gateway.create_checkout(
        checkout_request(attempt=2, idempotency_key="checkout-ORDER-0000000001-2")
    )
    first = gateway.create_checkout(checkout_request())
    assert [each["receipt"] for each in fake_razorpay.orders.values()] == [
        "ORDER-0000000001-2",
        "ORDER-0000000001",
    ]
    assert first.provider_ref != second.provider_ref


def test_of_orders_with_one_receipt_the_first_is_taken(gateway, fake_razorpay, order_id):
    fake_razorpay.create_order({"amount": 105_000, "currency": "INR", "receipt": "ORDER-0000000001"})
    assert gateway.create_checkout(checkout_request()).provider_ref == order_id


@pytest.mark.parametrize(
    "amount",
    [Money(100, "INR"), Money(1, "JPY"), Money(1_010, "KWD"), Money(10, "BHD"), Money(7_875, "USD")],
)
def test_amount_is_sent_as_it_is(gateway, fake_razorpay, amount):
    order = fake_razorpay.orders[gateway.create_checkout(checkout_request(amount=amount)).provider_ref]
    assert Money(order["amount"], order["currency"]) == amount


@pytest.mark.parametrize("amount", [Money(99, "INR"), Money(1_015, "KWD"), Money(0, "JPY")])
def test_amount_that_razorpay_would_refuse_is_not_asked_for(razorpay_server, gateway, amount):
    with pytest.raises(GatewayRejected):
        gateway.create_checkout(checkout_request(amount=amount))
    assert razorpay_server.requests == []


# What a payment has become of


def test_payment_that_is_only_authorized_is_left_to_razorpay_for_a_moment(
    razorpay_server, gateway, fake_razorpay, order_id
):
    fake_razorpay.captures = False
    fake_razorpay.pay(order_id)
    assert gateway.fetch(order_id).status is PayStatus.AUTHORIZED
    assert not [each for each in razorpay_server.requests if each.path.endswith("/capture")]


def test_payment_that_razorpay_does_not_capture_is_captured_by_us(
    razorpay_server, gateway, fake_razorpay, order_id, travel_to
):
    fake_razorpay.captures = False
    fake_razorpay.pay(order_id)
    travel_to(NOW + timedelta(minutes=2))
    state = gateway.fetch(order_id)
    assert (state.status, state.amount) == (PayStatus.PAID, AMOUNT)
    captures = [each.data for each in razorpay_server.requests if each.path.endswith("/capture")]
    assert captures == [{"amount": 105_000, "currency": "INR"}]
    assert gateway.fetch(order_id) == state


def test_capture_that_is_refused_leaves_the_truth_to_the_next_answer(
    razorpay_server, gateway, fake_razorpay, order_id, travel_to
):
    fake_razorpay.captures = False
    fake_razorpay.pay(order_id)
    travel_to(NOW + timedelta(minutes=2))
    razorpay_server.fail("POST", r"/v1/payments/[^/]+/capture", "400")
    assert gateway.fetch(order_id).status is PayStatus.AUTHORIZED


def test_payment_that_failed_and_is_authorized_late_counts(gateway, fake_razorpay, order_id):
    failed = fake_razorpay.decline(order_id)
    fake_razorpay.authorize(failed["id"])
    state = gateway.fetch(order_id)
    assert (state.status, state.payment_id, state.failure) == (PayStatus.PAID, failed["id"], "")


def test_late_second_payment_is_returned_by_razorpay_and_the_first_counts(gateway, fake_razorpay, order_id):
    late = fake_razorpay.decline(order_id)
    paid = fake_razorpay.pay(order_id)
    fake_razorpay.authorize(late["id"])
    state = gateway.fetch(order_id)
    assert (state.status, state.payment_id, state.refunded) == (PayStatus.PAID, paid["id"], Money(0, "INR"))


def test_payment_that_was_never_captured_and_went_back_has_failed(gateway, fake_razorpay, order_id):
    fake_razorpay.captures = False
    fake_razorpay.give_back_uncaptured(fake_razorpay.pay(order_id)["id"])
    state = gateway.fetch(order_id)
    assert (state.status, state.payment_id, state.amount) == (PayStatus.FAILED, "", None)
    assert "returned to you" in state.failure


def test_payment_at_the_banks_page_leaves_the_order_open(gateway, fake_razorpay, order_id):
    fake_razorpay.begin(order_id)
    state = gateway.fetch(order_id)
    assert (state.status, state.failure, state.attempts) == (PayStatus.OPEN, "", 1)


def test_reason_of_a_failure_fits_its_place(gateway, fake_razorpay, order_id):
    fake_razorpay.decline(order_id, "No. " * 200)
    assert len(gateway.fetch(order_id).failure) == 300


def test_paid_order_whose_payment_is_not_listed_yet_is_being_checked(gateway, fake_razorpay, order_id):
    fake_razorpay.orders[order_id]["status"] = "paid"
    assert gateway.fetch(order_id).status is PayStatus.PROCESSING


def test_state_says_what_razorpay_kept_and_what_went_back(gateway, payment, order_id):
    give_back(gateway, payment, 5_000)
    state = gateway.fetch(order_id)
    assert (state.fee, state.refunded) == (Money(2_478, "INR"), Money(5_000, "INR"))
    assert (state.our_ref, state.attempts) == ("ORDER-0000000001", 1)
    assert NOW <= state.created < NOW + timedelta(minutes=1)


def test_whole_refund_leaves_the_payment_paid(gateway, payment, order_id):
    give_back(gateway, payment, 105_000)
    state = gateway.fetch(order_id)
    assert (state.status, state.amount, state.refunded) == (PayStatus.PAID, AMOUNT, AMOUNT)


def test_fee_of_a_payment_from_abroad_is_in_rupees(gateway, fake_razorpay):
    order_id = gateway.create_checkout(checkout_request(amount=Money(7_875, "USD"))).provider_ref
    fake_razorpay.pay(order_id)
    assert gateway.fetch(order_id).fee == Money(14_868, "INR")


def test_empty_notes_come_as_a_list(gateway, fake_razorpay):
    order_id = gateway.create_checkout(checkout_request(metadata={})).provider_ref
    assert fake_razorpay.orders[order_id]["notes"] == []
    assert gateway.fetch(order_id).our_ref == ""


# What goes wrong on the way


@pytest.mark.parametrize("how", ["500", "503", "429", "409", "gateway", "html", "garbled", "lost", "timeout"])
def test_trouble_on_the_way_may_be_tried_again(razorpay_server, gateway, order_id, settings, capsys, how):
    razorpay_server.fail("GET", ORDER, how)
    if how == "timeout":
        settings.PROVIDER_TIMEOUT = (5, 0.2)
    with pytest.raises(GatewayUnavailable) as caught:
        gateway.fetch(order_id)
    assert caught.value.retryable
    settings.PROVIDER_TIMEOUT = (5, 20)
    assert gateway.fetch(order_id).status is PayStatus.OPEN
    assert capsys.readouterr() == ("", "")


def test_nobody_there_is_trouble_too(gateway, settings, capsys):
    settings.RAZORPAY_API_BASE = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(GatewayUnavailable):
        gateway.fetch("order_1")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("status", ["401", "403"])
def test_refused_access_is_a_matter_for_staff(razorpay_server, gateway, status):
    razorpay_server.fail("GET", ORDER, status)
    with pytest.raises(GatewayMisconfigured):
        gateway.fetch("order_1")


def test_wrong_key_is_a_matter_for_staff_and_is_not_repeated(gateway, settings):
    settings.RAZORPAY_KEY_SECRET = "not-the-secret"
    with pytest.raises(GatewayMisconfigured) as caught:
        gateway.create_checkout(checkout_request())
    assert "not-the-secret" not in str(caught.value)
    assert str(caught.value) == "Razorpay answered 401: Authentication failed"


@pytest.mark.parametrize("name", ["RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET"])
def test_missing_key_is_a_matter_for_staff(razorpay_server, gateway, settings, name):
    setattr(settings, name, "")
    with pytest.raises(GatewayMisconfigured):
        gateway.fetch("order_1")
    assert razorpay_server.requests == []


# What the browser brings back


@pytest.mark.parametrize("name", ["razorpay_payment_id", "razorpay_signature"])
@pytest.mark.parametrize("value", [None, "", "0" * 64, "ä" * 64, "\ud800", "pay_0"])
def test_return_that_was_tampered_with_is_refused(gateway, fake_razorpay, payment, name, value):
    returned = fake_razorpay.returned(payment["id"])
    returned.pop(name)
    if value is not None:
        returned[name] = value
    with pytest.raises(InvalidSignature):
        gateway.verify_return(payment["order_id"], returned)


def test_return_of_another_order_is_refused_whatever_order_it_names(gateway, fake_razorpay, payment):
    other = gateway.create_checkout(checkout_request(ref="ORDER-0000000002")).provider_ref
    for named in (other, payment["order_id"]):
        with pytest.raises(InvalidSignature):
            gateway.verify_return(other, fake_razorpay.returned(payment["id"]) | {"razorpay_order_id": named})


def test_return_signed_with_another_secret_is_refused(gateway, fake_razorpay, payment):
    words = f"{payment['order_id']}|{payment['id']}".encode()
    forged = fake_razorpay.returned(payment["id"]) | {"razorpay_signature": sign(WEBHOOK_SECRET, words)}
    with pytest.raises(InvalidSignature):
        gateway.verify_return(payment["order_id"], forged)


def test_return_is_checked_without_asking_anybody(razorpay_server, gateway, fake_razorpay, payment):
    before = len(razorpay_server.requests)
    gateway.verify_return(payment["order_id"], fake_razorpay.returned(payment["id"]))
    assert len(razorpay_server.requests) == before


# Refunds


def test_refund_is_sent_with_its_key_receipt_and_reason(razorpay_server, gateway, payment):
    give_back(gateway, payment, 500)
    sent = razorpay_server.requests[-1]
    assert (sent.path, sent.key) == (f"/v1/payments/{payment['id']}/refund", "refund-REFUND-1")
    assert sent.data == {
        "amount": 500,
        "speed": "normal",
        "receipt": "REFUND-1",
        "notes": {"refund": "REFUND-1", "reason": "surplus"},
    }


@pytest.mark.parametrize("key", ["short", "with space and more", "ünïcödé-key-12"])
def test_refund_key_that_razorpay_would_refuse_is_hashed(razorpay_server, gateway, payment, key):
    assert give_back(gateway, payment, 500, key=key) == give_back(gateway, payment, 500, key=key)
    assert razorpay_server.requests[-1].key == hashlib.sha256(key.encode()).hexdigest()


def test_refund_whose_answer_was_lost_happens_once(razorpay_server, gateway, fake_razorpay, payment):
    razorpay_server.fail("POST", r".*/refund", "lost")
    with pytest.raises(GatewayUnavailable):
        give_back(gateway, payment, 500)
    assert give_back(gateway, payment, 500).refund_id == next(iter(fake_razorpay.refunds))
    assert len(fake_razorpay.refunds) == 1


def test_refund_that_is_still_being_made_is_asked_for_again_later(
    razorpay_server, gateway, fake_razorpay, payment
):
    body = {"amount": 500, "speed": "normal", "receipt": "REFUND-1"}
    body |= {"notes": {"refund": "REFUND-1", "reason": "surplus"}, "payment_id": payment["id"]}
    fake_razorpay.refunded_under["refund-REFUND-1"] = (body, "")
    with pytest.raises(GatewayUnavailable):
        give_back(gateway, payment, 500)


def test_pending_refund_is_processed_or_fails_later(gateway, fake_razorpay, payment):
    fake_razorpay.refund_status = "pending"
    refund = give_back(gateway, payment, 500)
    assert refund.status is RefundResult.PENDING
    fake_razorpay.end_refund(refund.refund_id, "processed")
    assert gateway.fetch_refund(refund.refund_id, payment["id"]).status is RefundResult.SUCCEEDED
    fake_razorpay.end_refund(refund.refund_id, "failed")
    failed = gateway.fetch_refund(refund.refund_id, payment["id"])
    assert (failed.status, bool(failed.failure)) == (RefundResult.FAILED, True)


def test_refund_of_what_is_not_captured_is_refused(gateway, fake_razorpay, order_id):
    fake_razorpay.captures = False
    with pytest.raises(GatewayRejected):
        give_back(gateway, fake_razorpay.pay(order_id), 500)


def test_refund_in_yen_and_dinars_is_exact(gateway, fake_razorpay):
    for amount, part in ((Money(1_001, "JPY"), 1), (Money(12_350, "KWD"), 10)):
        ref = f"ORDER-{amount.currency}"
        order_id = gateway.create_checkout(checkout_request(ref=ref, amount=amount)).provider_ref
        refund = give_back(gateway, fake_razorpay.pay(order_id), part, key=f"refund-{ref}", ref=ref)
        assert refund.amount == Money(part, amount.currency)


def test_refund_made_in_the_dashboard_is_listed_without_a_reference_of_ours(gateway, fake_razorpay, payment):
    fake_razorpay.refund(payment["id"], {"amount": 700}, "")
    assert [(each.amount.minor, each.our_ref) for each in gateway.list_refunds(payment["id"])] == [(700, "")]


def test_refunds_are_listed_past_a_page(gateway, fake_razorpay, payment):
    for _ in range(101):
        fake_razorpay.refund(payment["id"], {"amount": 100}, "")
    assert len(gateway.list_refunds(payment["id"])) == 101


# Disputes


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        ("open", DisputeStatus.OPEN),
        ("under_review", DisputeStatus.OPEN),
        ("won", DisputeStatus.WON),
        ("closed", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
    ],
)
def test_dispute_says_where_it_stands(gateway, fake_razorpay, payment, ended, status):
    other = fake_razorpay.pay(gateway.create_checkout(checkout_request(ref="ORDER-2")).provider_ref)
    fake_razorpay.dispute(other["id"])
    fake_razorpay.end_dispute(fake_razorpay.dispute(payment["id"])["id"], ended)
    (dispute,) = gateway.list_disputes(payment["id"])
    assert (dispute.status, dispute.amount, dispute.is_inquiry) == (status, AMOUNT, False)
    assert dispute.reason == "services_not_provided"


def test_inquiry_takes_nothing(gateway, fake_razorpay, payment):
    fake_razorpay.dispute(payment["id"], phase="retrieval")
    assert gateway.list_disputes(payment["id"])[0].is_inquiry


# Reconciliation


def test_payments_are_listed_past_a_page_one_state_an_order(gateway, fake_razorpay):
    for number in range(101):
        order = fake_razorpay.create_order({"amount": 100 + number, "currency": "INR"})
        fake_razorpay.decline(order["id"])
        fake_razorpay.pay(order["id"])
    states = {state.provider_ref: state for state in gateway.list_payments(NOW - timedelta(days=1))}
    assert sorted(states) == sorted(fake_razorpay.orders)
    assert {state.amount.minor for state in states.values()} == set(range(100, 201))


def test_payments_are_listed_since_a_moment_and_only_those_of_orders(
    gateway, fake_razorpay, payment, travel_to
):
    fake_razorpay.payments["pay_link"] = payment | {"id": "pay_link", "order_id": None}
    assert [each.payment_id for each in gateway.list_payments(NOW)] == [payment["id"]]
    travel_to(NOW + timedelta(hours=1))
    assert list(gateway.list_payments(NOW + timedelta(minutes=1))) == []


# Webhooks


def read(gateway, fake_razorpay, event, **headers):
    return gateway.parse_webhook(event["body"].encode(), fake_razorpay.headers(event) | headers)


def last(fake_razorpay, name):
    return next(each for each in reversed(fake_razorpay.events) if each["type"] == name)


@pytest.mark.parametrize("name", ["payment.authorized", "payment.captured", "order.paid"])
def test_event_of_a_payment_names_its_order(gateway, fake_razorpay, payment, name):
    event = read(gateway, fake_razorpay, last(fake_razorpay, name))
    assert (event.type, event.kind) == (name, "payment")
    assert NOW <= event.created < NOW + timedelta(minutes=1)
    assert (event.provider_ref, event.payment_id) == (payment["order_id"], payment["id"])
    assert event.event_id == last(fake_razorpay, name)["id"]


def test_event_of_a_failure_is_about_a_payment(gateway, fake_razorpay, order_id):
    fake_razorpay.decline(order_id)
    assert read(gateway, fake_razorpay, last(fake_razorpay, "payment.failed")).kind == "payment"


@pytest.mark.parametrize("name", ["refund.created", "refund.processed"])
def test_event_of_a_refund_names_it(gateway, fake_razorpay, payment, name):
    refund = give_back(gateway, payment, 500)
    event = read(gateway, fake_razorpay, last(fake_razorpay, name))
    wanted = ("refund", payment["id"], refund.refund_id)
    assert (event.kind, event.payment_id, event.refund_id) == wanted


def test_razorpays_own_return_of_an_uncaptured_payment_is_no_refund_of_ours(gateway, fake_razorpay, order_id):
    fake_razorpay.captures = False
    fake_razorpay.give_back_uncaptured(fake_razorpay.pay(order_id)["id"])
    event = read(gateway, fake_razorpay, last(fake_razorpay, "refund.processed"))
    assert (event.kind, event.provider_ref, event.refund_id) == ("payment", order_id, None)


def test_event_of_a_dispute_names_its_payment(gateway, fake_razorpay, payment):
    fake_razorpay.dispute(payment["id"])
    event = read(gateway, fake_razorpay, last(fake_razorpay, "payment.dispute.created"))
    assert (event.kind, event.payment_id) == ("dispute", payment["id"])


@pytest.mark.parametrize("name", ["invoice.paid", "settlement.processed", "subscription.charged"])
@pytest.mark.parametrize("payload", [{}, {"payload": []}, {"payload": {"payment": None}}])
def test_event_that_does_not_concern_us_is_ignored(gateway, fake_razorpay, name, payload):
    event = {"id": "evt_1", "body": json.dumps({"event": name, **payload})}
    assert read(gateway, fake_razorpay, event).kind == "ignored"


@pytest.mark.parametrize("sent", [{}, {"X-Razorpay-Event-Id": ""}, {"X-Razorpay-Event-Id": "no\nid" * 99}])
def test_event_without_a_usable_id_is_known_by_its_body(gateway, fake_razorpay, payment, sent):
    event = fake_razorpay.events[0]
    headers = {"X-Razorpay-Signature": fake_razorpay.headers(event)["X-Razorpay-Signature"], **sent}
    body = event["body"].encode()
    assert gateway.parse_webhook(body, headers).event_id == hashlib.sha256(body).hexdigest()


def test_event_is_read_whatever_the_case_of_its_headers(gateway, fake_razorpay, payment):
    event = fake_razorpay.events[0]
    headers = {name.lower(): value for name, value in fake_razorpay.headers(event).items()}
    assert gateway.parse_webhook(event["body"].encode(), headers).event_id == event["id"]


def test_old_and_new_secret_are_both_good_during_a_rotation(gateway, fake_razorpay, payment, settings):
    settings.RAZORPAY_WEBHOOK_SECRETS = ["the-new-secret", WEBHOOK_SECRET]
    assert read(gateway, fake_razorpay, fake_razorpay.events[0]).kind == "payment"
    fake_razorpay.webhook_secret = "the-new-secret"
    assert read(gateway, fake_razorpay, fake_razorpay.events[0]).kind == "payment"
    settings.RAZORPAY_WEBHOOK_SECRETS = ["the-new-secret"]
    fake_razorpay.webhook_secret = WEBHOOK_SECRET
    with pytest.raises(InvalidSignature):
        read(gateway, fake_razorpay, fake_razorpay.events[0])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "0" * 64,
        "ä" * 64,
        "\ud800",
        sign(KEY_SECRET, b'{"event": "order.paid"}'),
        sign("", b'{"event": "order.paid"}'),
        sign(WEBHOOK_SECRET, b'{"event":"order.paid"}'),
    ],
)
def test_event_with_a_bad_signature_is_refused(gateway, signature):
    headers = {} if signature is None else {"X-Razorpay-Signature": signature}
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(b'{"event": "order.paid"}', headers)


@pytest.mark.parametrize("body", [b"", b"no json", b"\xff\xfe", b"[]", b'{"event": 1}', b"null"])
def test_body_that_is_no_event_is_refused_even_when_signed(gateway, body):
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(body, {"X-Razorpay-Signature": sign(WEBHOOK_SECRET, body)})


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_no_event_is_believed(gateway, fake_razorpay, payment, settings, secrets):
    settings.RAZORPAY_WEBHOOK_SECRETS = [each for each in secrets if each]
    fake_razorpay.webhook_secret = ""
    with pytest.raises(InvalidSignature):
        read(gateway, fake_razorpay, fake_razorpay.events[0])
