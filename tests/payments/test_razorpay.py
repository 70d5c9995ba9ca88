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
from tests.factories import NOW
from tests.payments.contract import razorpay_bench, request
from tests.payments.razorpay_stand_in import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, sign
from tests.servers import free_port

AMOUNT = Money(105_000, "INR")
ORDER = r"/v1/orders/[^/]+"


@pytest.fixture
def bench():
    with razorpay_bench() as bench:
        yield bench


@pytest.fixture
def account(bench):
    """The merchant's account at the stand-in."""
    return bench.stand_in.razorpay


@pytest.fixture
def gateway(bench):
    return bench.gateway


@pytest.fixture
def order_id(gateway):
    return gateway.create_checkout(request()).provider_ref


@pytest.fixture
def payment(account, order_id):
    """Paid and captured."""
    return account.pay(order_id)


def give_back(gateway, payment, minor, **changes):
    plain = {"key": "refund-REFUND-1", "ref": "REFUND-1", "reason": "surplus"}
    return gateway.refund(payment["id"], Money(minor, payment["currency"]), **{**plain, **changes})


# Orders


def test_order_says_what_is_paid_and_is_captured_by_itself(bench, order_id):
    assert bench.stand_in.requests[-1].data == {
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
    checkout = gateway.create_checkout(request())
    wanted = {"key": KEY_ID, "order_id": checkout.provider_ref, "amount": 105_000, "currency": "INR"}
    assert checkout.client_options == wanted


def test_order_whose_answer_was_lost_is_found_by_its_receipt(bench, gateway, account):
    bench.stand_in.fail("POST", "/v1/orders", "lost")
    with pytest.raises(GatewayUnavailable):
        gateway.create_checkout(request())
    assert gateway.create_checkout(request()).provider_ref == next(iter(account.orders))
    assert len(account.orders) == 1


def test_receipt_that_only_contains_ours_is_another_order(gateway, account):
    second = gateway.create_checkout(request(attempt=2, idempotency_key="checkout-ORDER-0000000001-2"))
    first = gateway.create_checkout(request())
    assert [each["receipt"] for each in account.orders.values()] == ["ORDER-0000000001-2", "ORDER-0000000001"]
    assert first.provider_ref != second.provider_ref


def test_of_orders_with_one_receipt_the_first_is_taken(gateway, account, order_id):
    account.create_order({"amount": 105_000, "currency": "INR", "receipt": "ORDER-0000000001"})
    assert gateway.create_checkout(request()).provider_ref == order_id


@pytest.mark.parametrize(
    "amount",
    [Money(100, "INR"), Money(1, "JPY"), Money(1_010, "KWD"), Money(10, "BHD"), Money(7_875, "USD")],
)
def test_amount_is_sent_as_it_is(gateway, account, amount):
    order = account.orders[gateway.create_checkout(request(amount=amount)).provider_ref]
    assert Money(order["amount"], order["currency"]) == amount


@pytest.mark.parametrize("amount", [Money(99, "INR"), Money(1_015, "KWD"), Money(0, "JPY")])
def test_amount_that_razorpay_would_refuse_is_not_asked_for(bench, gateway, amount):
    with pytest.raises(GatewayRejected):
        gateway.create_checkout(request(amount=amount))
    assert bench.stand_in.requests == []


# What a payment has become of


def test_payment_that_is_only_authorized_is_left_to_razorpay_for_a_moment(bench, gateway, account, order_id):
    account.captures = False
    account.pay(order_id)
    assert gateway.fetch(order_id).status is PayStatus.AUTHORIZED
    assert not [each for each in bench.stand_in.requests if each.path.endswith("/capture")]


def test_payment_that_razorpay_does_not_capture_is_captured_by_us(
    bench, gateway, account, order_id, travel_to
):
    account.captures = False
    account.pay(order_id)
    travel_to(NOW + timedelta(minutes=2))
    state = gateway.fetch(order_id)
    assert (state.status, state.amount) == (PayStatus.PAID, AMOUNT)
    captures = [each.data for each in bench.stand_in.requests if each.path.endswith("/capture")]
    assert captures == [{"amount": 105_000, "currency": "INR"}]
    assert gateway.fetch(order_id) == state


def test_capture_that_is_refused_leaves_the_truth_to_the_next_answer(
    bench, gateway, account, order_id, travel_to
):
    account.captures = False
    account.pay(order_id)
    travel_to(NOW + timedelta(minutes=2))
    bench.stand_in.fail("POST", r"/v1/payments/[^/]+/capture", "400")
    assert gateway.fetch(order_id).status is PayStatus.AUTHORIZED


def test_payment_that_failed_and_is_authorized_late_counts(gateway, account, order_id):
    failed = account.decline(order_id)
    account.authorize(failed["id"])
    state = gateway.fetch(order_id)
    assert (state.status, state.payment_id, state.failure) == (PayStatus.PAID, failed["id"], "")


def test_late_second_payment_is_returned_by_razorpay_and_the_first_counts(gateway, account, order_id):
    late = account.decline(order_id)
    paid = account.pay(order_id)
    account.authorize(late["id"])
    state = gateway.fetch(order_id)
    assert (state.status, state.payment_id, state.refunded) == (PayStatus.PAID, paid["id"], Money(0, "INR"))


def test_payment_that_was_never_captured_and_went_back_has_failed(gateway, account, order_id):
    account.captures = False
    account.give_back_uncaptured(account.pay(order_id)["id"])
    state = gateway.fetch(order_id)
    assert (state.status, state.payment_id, state.amount) == (PayStatus.FAILED, "", None)
    assert "returned to you" in state.failure


def test_payment_at_the_banks_page_leaves_the_order_open(gateway, account, order_id):
    account.begin(order_id)
    state = gateway.fetch(order_id)
    assert (state.status, state.failure, state.attempts) == (PayStatus.OPEN, "", 1)


def test_reason_of_a_failure_fits_its_place(gateway, account, order_id):
    account.decline(order_id, "No. " * 200)
    assert len(gateway.fetch(order_id).failure) == 300


def test_paid_order_whose_payment_is_not_listed_yet_is_being_checked(gateway, account, order_id):
    account.orders[order_id]["status"] = "paid"
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


def test_fee_of_a_payment_from_abroad_is_in_rupees(gateway, account):
    order_id = gateway.create_checkout(request(amount=Money(7_875, "USD"))).provider_ref
    account.pay(order_id)
    assert gateway.fetch(order_id).fee == Money(14_868, "INR")


def test_empty_notes_come_as_a_list(gateway, account):
    order_id = gateway.create_checkout(request(metadata={})).provider_ref
    assert account.orders[order_id]["notes"] == []
    assert gateway.fetch(order_id).our_ref == ""


# What goes wrong on the way


@pytest.mark.parametrize("how", ["500", "503", "429", "409", "gateway", "html", "garbled", "lost", "timeout"])
def test_trouble_on_the_way_may_be_tried_again(bench, gateway, order_id, settings, capsys, how):
    bench.stand_in.patience = 0.5
    bench.stand_in.fail("GET", ORDER, how)
    if how == "timeout":
        settings.PROVIDER_TIMEOUT = (1, 0.2)
    with pytest.raises(GatewayUnavailable) as caught:
        gateway.fetch(order_id)
    settings.PROVIDER_TIMEOUT = (5, 20)
    assert caught.value.retryable
    assert gateway.fetch(order_id).status is PayStatus.OPEN
    assert capsys.readouterr() == ("", "")


def test_nobody_there_is_trouble_too(gateway, settings, capsys):
    settings.RAZORPAY_API_BASE = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(GatewayUnavailable):
        gateway.fetch("order_1")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("status", ["401", "403"])
def test_refused_access_is_a_matter_for_staff(bench, gateway, status):
    bench.stand_in.fail("GET", ORDER, status)
    with pytest.raises(GatewayMisconfigured):
        gateway.fetch("order_1")


def test_wrong_key_is_a_matter_for_staff_and_is_not_repeated(gateway, settings):
    settings.RAZORPAY_KEY_SECRET = "not-the-secret"
    with pytest.raises(GatewayMisconfigured) as caught:
        gateway.create_checkout(request())
    assert "not-the-secret" not in str(caught.value)
    assert str(caught.value) == "Razorpay answered 401: Authentication failed"


@pytest.mark.parametrize("name", ["RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET"])
def test_missing_key_is_a_matter_for_staff(bench, gateway, settings, name):
    setattr(settings, name, "")
    with pytest.raises(GatewayMisconfigured):
        gateway.fetch("order_1")
    assert bench.stand_in.requests == []


# What the browser brings back


@pytest.mark.parametrize("name", ["razorpay_payment_id", "razorpay_signature"])
@pytest.mark.parametrize("value", [None, "", "0" * 64, "ä" * 64, "\ud800", "pay_0"])
def test_return_that_was_tampered_with_is_refused(gateway, account, payment, name, value):
    returned = account.returned(payment["id"])
    returned.pop(name)
    if value is not None:
        returned[name] = value
    with pytest.raises(InvalidSignature):
        gateway.verify_return(payment["order_id"], returned)


def test_return_of_another_order_is_refused_whatever_order_it_names(gateway, account, payment):
    other = gateway.create_checkout(request(ref="ORDER-0000000002")).provider_ref
    for named in (other, payment["order_id"]):
        with pytest.raises(InvalidSignature):
            gateway.verify_return(other, account.returned(payment["id"]) | {"razorpay_order_id": named})


def test_return_signed_with_another_secret_is_refused(gateway, account, payment):
    words = f"{payment['order_id']}|{payment['id']}".encode()
    forged = account.returned(payment["id"]) | {"razorpay_signature": sign(WEBHOOK_SECRET, words)}
    with pytest.raises(InvalidSignature):
        gateway.verify_return(payment["order_id"], forged)


def test_return_is_checked_without_asking_anybody(bench, gateway, account, payment):
    before = len(bench.stand_in.requests)
    gateway.verify_return(payment["order_id"], account.returned(payment["id"]))
    assert len(bench.stand_in.requests) == before


# Refunds


def test_refund_is_sent_with_its_key_receipt_and_reason(bench, gateway, payment):
    give_back(gateway, payment, 500)
    sent = bench.stand_in.requests[-1]
    assert (sent.path, sent.key) == (f"/v1/payments/{payment['id']}/refund", "refund-REFUND-1")
    assert sent.data == {
        "amount": 500,
        "speed": "normal",
        "receipt": "REFUND-1",
        "notes": {"refund": "REFUND-1", "reason": "surplus"},
    }


@pytest.mark.parametrize("key", ["short", "with space and more", "ünïcödé-key-12"])
def test_refund_key_that_razorpay_would_refuse_is_hashed(bench, gateway, payment, key):
    assert give_back(gateway, payment, 500, key=key) == give_back(gateway, payment, 500, key=key)
    assert bench.stand_in.requests[-1].key == hashlib.sha256(key.encode()).hexdigest()


def test_refund_whose_answer_was_lost_happens_once(bench, gateway, account, payment):
    bench.stand_in.fail("POST", r".*/refund", "lost")
    with pytest.raises(GatewayUnavailable):
        give_back(gateway, payment, 500)
    assert give_back(gateway, payment, 500).refund_id == next(iter(account.refunds))
    assert len(account.refunds) == 1


def test_refund_that_is_still_being_made_is_asked_for_again_later(bench, gateway, account, payment):
    body = {"amount": 500, "speed": "normal", "receipt": "REFUND-1"}
    body |= {"notes": {"refund": "REFUND-1", "reason": "surplus"}, "payment_id": payment["id"]}
    account.refunded_under["refund-REFUND-1"] = (body, "")
    with pytest.raises(GatewayUnavailable):
        give_back(gateway, payment, 500)


def test_pending_refund_is_processed_or_fails_later(gateway, account, payment):
    account.refund_status = "pending"
    refund = give_back(gateway, payment, 500)
    assert refund.status is RefundResult.PENDING
    account.end_refund(refund.refund_id, "processed")
    assert gateway.fetch_refund(refund.refund_id, payment["id"]).status is RefundResult.SUCCEEDED
    account.end_refund(refund.refund_id, "failed")
    failed = gateway.fetch_refund(refund.refund_id, payment["id"])
    assert (failed.status, bool(failed.failure)) == (RefundResult.FAILED, True)


def test_refund_of_what_is_not_captured_is_refused(gateway, account, order_id):
    account.captures = False
    with pytest.raises(GatewayRejected):
        give_back(gateway, account.pay(order_id), 500)


def test_refund_in_yen_and_dinars_is_exact(gateway, account):
    for amount, part in ((Money(1_001, "JPY"), 1), (Money(12_350, "KWD"), 10)):
        ref = f"ORDER-{amount.currency}"
        order_id = gateway.create_checkout(request(ref=ref, amount=amount)).provider_ref
        refund = give_back(gateway, account.pay(order_id), part, key=f"refund-{ref}", ref=ref)
        assert refund.amount == Money(part, amount.currency)


def test_refund_made_in_the_dashboard_is_listed_without_a_reference_of_ours(gateway, account, payment):
    account.refund(payment["id"], {"amount": 700}, "")
    assert [(each.amount.minor, each.our_ref) for each in gateway.list_refunds(payment["id"])] == [(700, "")]


def test_refunds_are_listed_past_a_page(gateway, account, payment):
    for _ in range(101):
        account.refund(payment["id"], {"amount": 100}, "")
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
def test_dispute_says_where_it_stands(gateway, account, payment, ended, status):
    other = account.pay(gateway.create_checkout(request(ref="ORDER-2")).provider_ref)
    account.dispute(other["id"])
    account.end_dispute(account.dispute(payment["id"])["id"], ended)
    (dispute,) = gateway.list_disputes(payment["id"])
    assert (dispute.status, dispute.amount, dispute.is_inquiry) == (status, AMOUNT, False)
    assert dispute.reason == "services_not_provided"


def test_inquiry_takes_nothing(gateway, account, payment):
    account.dispute(payment["id"], phase="retrieval")
    assert gateway.list_disputes(payment["id"])[0].is_inquiry


# Reconciliation


def test_payments_are_listed_past_a_page_one_state_an_order(gateway, account):
    for number in range(101):
        order = account.create_order({"amount": 100 + number, "currency": "INR"})
        account.decline(order["id"])
        account.pay(order["id"])
    states = {state.provider_ref: state for state in gateway.list_payments(NOW - timedelta(days=1))}
    assert sorted(states) == sorted(account.orders)
    assert {state.amount.minor for state in states.values()} == set(range(100, 201))


def test_payments_are_listed_since_a_moment_and_only_those_of_orders(gateway, account, payment, travel_to):
    account.payments["pay_link"] = payment | {"id": "pay_link", "order_id": None}
    assert [each.payment_id for each in gateway.list_payments(NOW)] == [payment["id"]]
    travel_to(NOW + timedelta(hours=1))
    assert list(gateway.list_payments(NOW + timedelta(minutes=1))) == []


# Webhooks


def read(gateway, account, event, **headers):
    return gateway.parse_webhook(event["body"].encode(), account.headers(event) | headers)


def last(account, name):
    return next(each for each in reversed(account.events) if each["type"] == name)


@pytest.mark.parametrize("name", ["payment.authorized", "payment.captured", "order.paid"])
def test_event_of_a_payment_names_its_order(gateway, account, payment, name):
    event = read(gateway, account, last(account, name))
    assert (event.type, event.kind) == (name, "payment")
    assert NOW <= event.created < NOW + timedelta(minutes=1)
    assert (event.provider_ref, event.payment_id) == (payment["order_id"], payment["id"])
    assert event.event_id == last(account, name)["id"]


def test_event_of_a_failure_is_about_a_payment(gateway, account, order_id):
    account.decline(order_id)
    assert read(gateway, account, last(account, "payment.failed")).kind == "payment"


@pytest.mark.parametrize("name", ["refund.created", "refund.processed"])
def test_event_of_a_refund_names_it(gateway, account, payment, name):
    refund = give_back(gateway, payment, 500)
    event = read(gateway, account, last(account, name))
    wanted = ("refund", payment["id"], refund.refund_id)
    assert (event.kind, event.payment_id, event.refund_id) == wanted


def test_razorpays_own_return_of_an_uncaptured_payment_is_no_refund_of_ours(gateway, account, order_id):
    account.captures = False
    account.give_back_uncaptured(account.pay(order_id)["id"])
    event = read(gateway, account, last(account, "refund.processed"))
    assert (event.kind, event.provider_ref, event.refund_id) == ("payment", order_id, None)


def test_event_of_a_dispute_names_its_payment(gateway, account, payment):
    account.dispute(payment["id"])
    event = read(gateway, account, last(account, "payment.dispute.created"))
    assert (event.kind, event.payment_id) == ("dispute", payment["id"])


@pytest.mark.parametrize("name", ["invoice.paid", "settlement.processed", "subscription.charged"])
@pytest.mark.parametrize("payload", [{}, {"payload": []}, {"payload": {"payment": None}}])
def test_event_that_does_not_concern_us_is_ignored(gateway, account, name, payload):
    event = {"id": "evt_1", "body": json.dumps({"event": name, **payload})}
    assert read(gateway, account, event).kind == "ignored"


@pytest.mark.parametrize("sent", [{}, {"X-Razorpay-Event-Id": ""}, {"X-Razorpay-Event-Id": "no\nid" * 99}])
def test_event_without_a_usable_id_is_known_by_its_body(gateway, account, payment, sent):
    event = account.events[0]
    headers = {"X-Razorpay-Signature": account.headers(event)["X-Razorpay-Signature"], **sent}
    body = event["body"].encode()
    assert gateway.parse_webhook(body, headers).event_id == hashlib.sha256(body).hexdigest()


def test_event_is_read_whatever_the_case_of_its_headers(gateway, account, payment):
    event = account.events[0]
    headers = {name.lower(): value for name, value in account.headers(event).items()}
    assert gateway.parse_webhook(event["body"].encode(), headers).event_id == event["id"]


def test_old_and_new_secret_are_both_good_during_a_rotation(gateway, account, payment, settings):
    settings.RAZORPAY_WEBHOOK_SECRETS = ["the-new-secret", WEBHOOK_SECRET]
    assert read(gateway, account, account.events[0]).kind == "payment"
    account.webhook_secret = "the-new-secret"
    assert read(gateway, account, account.events[0]).kind == "payment"
    settings.RAZORPAY_WEBHOOK_SECRETS = ["the-new-secret"]
    account.webhook_secret = WEBHOOK_SECRET
    with pytest.raises(InvalidSignature):
        read(gateway, account, account.events[0])


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
def test_without_a_secret_no_event_is_believed(gateway, account, payment, settings, secrets):
    settings.RAZORPAY_WEBHOOK_SECRETS = [each for each in secrets if each]
    account.webhook_secret = ""
    with pytest.raises(InvalidSignature):
        read(gateway, account, account.events[0])
