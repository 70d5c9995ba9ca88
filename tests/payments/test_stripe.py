"""What is Stripe's own; what every gateway has to do is in `test_gateways`."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe as sdk

from payments import services
from payments.gateways.base import (
    AlreadyRefunded,
    CardDeclined,
    CustomerNotFound,
    DisputeStatus,
    GatewayError,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    IdempotencyKeyUnusable,
    InvalidSignature,
    Money,
    NotExpirable,
    PaymentMethod,
    PaymentMethodGateway,
    PayStatus,
    RefundResult,
)
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe.states import from_wire, to_wire
from payments.models import PaymentStatus
from tests.factories import NOW
from tests.payments.factories import URLS
from tests.payments.fake_stripe import (
    DECLINED_CARD,
    DELAYED,
    FAILING_REFUND_CARD,
    SECURE_CARD,
    SLOW_REFUND_CARD,
)
from tests.payments.gateway_harness import checkout_request
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CREATE = "POST /v1/checkout/sessions"


@pytest.fixture
def gateway(stripe_server) -> StripeGateway:
    return StripeGateway()


@pytest.fixture
def session_id(gateway) -> str:
    return gateway.create_checkout(checkout_request()).provider_ref


@pytest.fixture
def payment_id(gateway, fake_stripe, session_id) -> str:
    fake_stripe.pay(session_id)
    return gateway.fetch(session_id).payment_id


# What is sent


def test_checkout_is_asked_for_word_by_word(gateway, stripe_server):
    checkout = gateway.create_checkout(checkout_request())
    (asked,) = stripe_server.requests
    metadata = {"payment": "ORDER-0000000001"}
    assert (asked.name, asked.key) == (CREATE, "checkout-ORDER-0000000001-1")
    assert asked.parameters == {
        "mode": "payment",
        "client_reference_id": "ORDER-0000000001",
        "success_url": "https://testserver/confirmation/?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://testserver/payment/",
        "customer_email": "arjun@example.com",
        "expires_at": int((NOW + timedelta(minutes=35)).timestamp()),
        "locale": "auto",
        "submit_type": "book",
        "adaptive_pricing": {"enabled": False},
        "metadata": metadata,
        "payment_intent_data": {"description": "Career Guidance with Meera Rao", "metadata": metadata},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "inr",
                    "unit_amount": 105_000,
                    "product_data": {"name": "Career Guidance with Meera Rao"},
                },
            }
        ],
    }
    assert checkout.redirect_url == f"{stripe_server.origin}/pay/{checkout.provider_ref}"


def test_known_payer_comes_as_a_customer_and_may_save_the_card(gateway, stripe_server):
    customer = gateway.create_customer(ref="7", email="arjun@example.com", name="Arjun Kapoor")
    gateway.create_checkout(checkout_request(customer_ref=customer))
    asked = stripe_server.requests[-1].parameters
    assert asked["customer"] == customer
    assert asked["saved_payment_method_options"] == {"payment_method_save": "enabled"}
    assert "customer_email" not in asked


def test_address_to_come_back_to_keeps_its_own_query(gateway, stripe_server):
    gateway.create_checkout(checkout_request(success_url="https://testserver/?a=1"))
    wanted = "https://testserver/?a=1&session_id={CHECKOUT_SESSION_ID}"
    assert stripe_server.requests[0].parameters["success_url"] == wanted


def test_sdk_tries_again_under_the_same_key(gateway, stripe_server, fake_stripe):
    stripe_server.disturb("lost", CREATE)
    gateway.create_checkout(checkout_request())
    assert [asked.key for asked in stripe_server.requests] == ["checkout-ORDER-0000000001-1"] * 2
    assert len(fake_stripe.sessions()) == 1


def test_sdk_tells_stripe_nothing_about_its_speed(gateway):
    assert sdk.enable_telemetry is False


@pytest.mark.parametrize(
    ("money", "wire"),
    [
        (Money(105_000, "INR"), 105_000),
        (Money(500, "JPY"), 500),
        (Money(1_230, "KWD"), 1_230),
        (Money(501, "ISK"), 501),  # not traded here, so only Stripe's own unit is known
    ],
)
def test_amounts_are_written_as_stripe_writes_them(money, wire):
    assert to_wire(money) == wire
    assert from_wire(wire, money.currency.lower()) == money


@pytest.mark.parametrize("money", [Money(1_235, "KWD"), Money(999, "BHD")])
def test_thousandths_that_stripe_would_refuse_are_never_rounded(gateway, stripe_server, money):
    with pytest.raises(GatewayRejected):
        gateway.create_checkout(checkout_request(amount=money))
    assert stripe_server.requests == []


@pytest.mark.parametrize("money", [Money(500, "JPY"), Money(1_230, "KWD"), Money(7_875, "USD")])
def test_amounts_come_back_as_they_went(gateway, fake_stripe, money):
    checkout = gateway.create_checkout(checkout_request(amount=money))
    fake_stripe.pay(checkout.provider_ref)
    state = gateway.fetch(checkout.provider_ref)
    assert state.amount == money
    gateway.refund(state.payment_id, money, key="refund-1", ref="REFUND-1", reason="surplus")
    assert gateway.fetch(checkout.provider_ref).refunded == money


# What goes wrong

TROUBLES = {
    "error": GatewayUnavailable,
    "conflict": GatewayUnavailable,
    "throttled": GatewayUnavailable,
    "html": GatewayUnavailable,
    "drop": GatewayUnavailable,
    "lost": GatewayUnavailable,
    "slow": GatewayUnavailable,
    "unauthorized": GatewayMisconfigured,
    "forbidden": GatewayMisconfigured,
    "refused": GatewayRejected,
}


def disturb(stripe_server, trouble, settings) -> None:
    stripe_server.disturb(trouble)
    if trouble == "slow":
        settings.PROVIDER_TIMEOUT = (5, 0.3)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_told_by_what_to_do_next(one_try, settings, gateway, session_id, stripe_server, trouble):
    disturb(stripe_server, trouble, settings)
    with pytest.raises(TROUBLES[trouble]) as caught:
        gateway.fetch(session_id)
    assert type(caught.value) is TROUBLES[trouble]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_error_tells_a_secret(gateway, stripe_server, one_try, trouble, settings):
    disturb(stripe_server, trouble, settings)
    with pytest.raises(GatewayError) as caught:
        gateway.create_checkout(checkout_request())
    error = caught.value
    for secret in (
        settings.STRIPE_SECRET_KEY,
        *settings.STRIPE_WEBHOOK_SECRETS,
        "arjun@example.com",
        "<html",
    ):
        assert secret not in f"{error!r} {error} {error.safe_message}"
    assert error.__suppress_context__


def test_error_for_staff_says_what_where_and_which_request(gateway):
    with pytest.raises(GatewayRejected, match=r"404, resource_missing, id, No such session: 'cs_x', req_"):
        gateway.fetch("cs_x")


@pytest.mark.parametrize("trouble", ["drop", "lost", "slow", "throttled", "conflict"])
def test_lost_answer_is_had_again_under_the_same_key(
    settings, gateway, stripe_server, fake_stripe, one_try, trouble
):
    usual = settings.PROVIDER_TIMEOUT
    disturb(stripe_server, trouble, settings)
    with pytest.raises(GatewayUnavailable):
        gateway.create_checkout(checkout_request())
    settings.PROVIDER_TIMEOUT = usual
    stripe_server.calm()
    assert wait_until(lambda: not stripe_server.is_busy)
    checkout = gateway.create_checkout(checkout_request())
    (session,) = fake_stripe.sessions()
    assert session["id"] == checkout.provider_ref


def test_failure_that_stripe_repeats_is_followed_by_a_new_key(booking, stripe_server):
    stripe_server.disturb("sticky", CREATE)
    payment = services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    assert [asked.key[-2:] for asked in stripe_server.requests] == ["-1", "-2"]
    assert (payment.status, payment.attempt) == (PaymentStatus.OPEN, 2)


def test_key_that_has_only_failures_leaves_the_payer_a_next_try(booking, stripe_server):
    stripe_server.disturb("sticky", CREATE, times=2)
    with pytest.raises(IdempotencyKeyUnusable) as caught:
        services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    assert caught.value.safe_message == GatewayError.safe_message
    assert services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS).attempt == 3


def test_changed_request_under_an_old_key_never_reaches_the_payer(booking, stripe_server):
    order = booking.payments.get()
    StripeGateway().create_checkout(checkout_request(idempotency_key=order.idempotency_key))
    assert services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS).attempt == 2


def test_request_that_waited_too_long_is_followed_by_a_new_one(one_try, booking, stripe_server):
    stripe_server.disturb("drop", CREATE)
    with pytest.raises(GatewayUnavailable):
        services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    order = booking.payments.get()
    order.request["expires_at"] = (NOW + timedelta(minutes=29)).isoformat()
    order.save()
    assert services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS).attempt == 2


def test_payer_whom_stripe_forgot_is_told_apart(gateway, stripe_server):
    with pytest.raises(CustomerNotFound):
        gateway.create_checkout(checkout_request(customer_ref="cus_gone"))


def test_refund_whose_failure_stripe_repeats_is_said_so(gateway, payment_id, stripe_server):
    stripe_server.disturb("sticky", "POST /v1/refunds")
    refund = {"key": "refund-1", "ref": "REFUND-1", "reason": "surplus"}
    with pytest.raises(GatewayUnavailable):
        gateway.refund(payment_id, Money(100, "INR"), **refund)
    with pytest.raises(IdempotencyKeyUnusable):
        gateway.refund(payment_id, Money(100, "INR"), **refund)
    assert gateway.list_refunds(payment_id) == []


def test_without_a_key_there_is_no_stripe(settings):
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(GatewayMisconfigured):
        StripeGateway().fetch("cs_x")


# How a payment stands


def test_card_that_its_bank_asks_about_is_paid_after_the_answer(gateway, fake_stripe, session_id):
    fake_stripe.pay(session_id, SECURE_CARD)
    assert gateway.fetch(session_id).status is PayStatus.OPEN
    intent_id = fake_stripe.session(session_id)["payment_intent"]
    fake_stripe.answer_bank(intent_id, agree=True)
    assert gateway.fetch(session_id).status is PayStatus.PAID


def test_card_whose_bank_says_no_leaves_the_reason(gateway, fake_stripe, session_id):
    fake_stripe.pay(session_id, SECURE_CARD)
    fake_stripe.answer_bank(fake_stripe.session(session_id)["payment_intent"], agree=False)
    state = gateway.fetch(session_id)
    assert (state.status, "unable to authenticate" in state.failure) == (PayStatus.OPEN, True)


@pytest.mark.parametrize(("paid", "status"), [(True, PayStatus.PAID), (False, PayStatus.FAILED)])
def test_delayed_payment_is_processing_until_the_bank_answers(gateway, fake_stripe, session_id, paid, status):
    fake_stripe.pay(session_id, DELAYED)
    assert gateway.fetch(session_id).status is PayStatus.PROCESSING
    fake_stripe.settle_delayed(session_id, paid=paid)
    assert gateway.fetch(session_id).status is status


def test_status_that_is_new_to_us_is_neither_done_nor_failed(gateway, fake_stripe, session_id):
    fake_stripe.pay(session_id, DELAYED)
    intent = fake_stripe.objects[fake_stripe.session(session_id)["payment_intent"]]
    intent["status"] = "requires_patience"
    assert gateway.fetch(session_id).status is PayStatus.PROCESSING


def test_paid_checkout_knows_its_fee_and_its_order(gateway, session_id, payment_id):
    state = gateway.fetch(session_id)
    assert (state.fee, state.our_ref) == (Money(3_075, "INR"), "ORDER-0000000001")
    assert abs(state.created - NOW) < timedelta(minutes=1)


def test_session_that_only_saves_a_card_is_no_payment(gateway, fake_stripe):
    customer = gateway.create_customer(ref="7", email="a@example.com", name="A")
    gateway.create_setup_page(customer, success_url="https://testserver/", cancel_url="https://testserver/")
    (session,) = fake_stripe.sessions()
    with pytest.raises(GatewayRejected):
        gateway.fetch(session["id"])


def test_checkout_that_stays_open_although_told_to_close_is_said_so(gateway, session_id, stripe_server):
    stripe_server.disturb("refused", "POST /v1/checkout/sessions/{id}/expire")
    with pytest.raises(NotExpirable):
        gateway.expire(session_id)


def test_return_with_another_checkouts_id_is_noticed(gateway):
    with pytest.raises(InvalidSignature):
        gateway.verify_return("cs_1", {"session_id": "cs_2"})


def test_list_of_payments_goes_past_a_hundred_and_leaves_out_what_is_none(
    gateway, stripe_server, fake_stripe
):
    made = {gateway.create_checkout(checkout_request()).provider_ref}
    asked = stripe_server.requests[0].parameters
    made |= {fake_stripe.operate(CREATE, "", dict(asked))["id"] for _ in range(130)}
    customer = gateway.create_customer(ref="7", email="a@example.com", name="A")
    gateway.create_setup_page(customer, success_url="https://testserver/", cancel_url="https://testserver/")
    by_card = checkout_request(customer_ref=customer, by_saved_card=True, idempotency_key="card-1")
    made.add(gateway.create_checkout(by_card).provider_ref)
    fake_stripe.pay(min(made))
    listed = [state.provider_ref for state in gateway.list_payments(NOW - timedelta(hours=1))]
    assert len(listed) == 132
    assert set(listed) == made


# Refunds and disputes


def give_back(gateway, payment_id, minor=105_000, ref="REFUND-1"):
    return gateway.refund(payment_id, Money(minor, "INR"), key=ref, ref=ref, reason="not_confirmed")


@pytest.mark.parametrize(("reason", "stripes"), [("surplus", "duplicate"), ("x", "requested_by_customer")])
def test_refund_is_asked_for_word_by_word(gateway, stripe_server, payment_id, reason, stripes):
    gateway.refund(payment_id, Money(500, "INR"), key="key-1", ref="REFUND-1", reason=reason)
    asked = stripe_server.requests[-1]
    assert (asked.name, asked.key) == ("POST /v1/refunds", "key-1")
    assert asked.parameters == {
        "payment_intent": payment_id,
        "amount": 500,
        "reason": stripes,
        "metadata": {"refund": "REFUND-1", "reason": reason},
    }


def test_refund_of_what_went_back_already_is_told_apart(gateway, payment_id):
    give_back(gateway, payment_id)
    with pytest.raises(AlreadyRefunded):
        give_back(gateway, payment_id, ref="REFUND-2")


def test_slow_refund_is_pending_until_it_is_done(gateway, fake_stripe, session_id):
    fake_stripe.pay(session_id, SLOW_REFUND_CARD)
    payment_id = gateway.fetch(session_id).payment_id
    refund = give_back(gateway, payment_id)
    assert refund.status is RefundResult.PENDING
    fake_stripe.move_refund(refund.refund_id, "succeeded")
    assert gateway.fetch_refund(refund.refund_id, payment_id).status is RefundResult.SUCCEEDED


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_refund_that_fails_days_later_says_why(gateway, fake_stripe, session_id, status):
    fake_stripe.pay(session_id, FAILING_REFUND_CARD)
    payment_id = gateway.fetch(session_id).payment_id
    refund = give_back(gateway, payment_id)
    assert refund.status is RefundResult.SUCCEEDED
    fake_stripe.move_refund(refund.refund_id, status, "expired_or_canceled_card")
    state = gateway.fetch_refund(refund.refund_id, payment_id)
    assert (state.status, state.failure) == (
        RefundResult.FAILED,
        "Stripe could not refund it: expired or canceled card",
    )
    assert gateway.fetch(session_id).refunded == Money(0, "INR")


def test_refund_made_in_the_dashboard_is_listed_without_a_reference(gateway, fake_stripe, payment_id):
    fake_stripe.refund_by_hand(payment_id, 500)
    (state,) = gateway.list_refunds(payment_id)
    assert (state.our_ref, state.amount) == ("", Money(500, "INR"))


@pytest.mark.parametrize(
    ("status", "told", "inquiry"),
    [
        ("needs_response", DisputeStatus.OPEN, False),
        ("under_review", DisputeStatus.OPEN, False),
        ("warning_needs_response", DisputeStatus.OPEN, True),
        ("warning_closed", DisputeStatus.WON, True),
        ("won", DisputeStatus.WON, False),
        ("lost", DisputeStatus.LOST, False),
    ],
)
def test_dispute_is_told_and_blocks_refunds(
    gateway, fake_stripe, session_id, payment_id, status, told, inquiry
):
    fake_stripe.open_dispute(payment_id, status=status)
    (dispute,) = gateway.list_disputes(payment_id)
    assert (dispute.status, dispute.is_inquiry, dispute.amount) == (told, inquiry, Money(105_000, "INR"))
    assert dispute.reason == "product not received"
    assert gateway.fetch(session_id).disputed
    with pytest.raises(GatewayRejected, match="charge_disputed"):
        give_back(gateway, payment_id)


# Events


def parse(gateway, stripe_server, event, **signing):
    body = json.dumps(event).encode()
    return gateway.parse_webhook(body, {"Stripe-Signature": stripe_server.sign(body, **signing)})


@pytest.fixture
def event(gateway, stripe_server, payment_id) -> dict[str, object]:
    return stripe_server.event("checkout.session.completed")


def test_signed_event_says_what_to_ask_about(gateway, stripe_server, event, session_id, payment_id):
    parsed = parse(gateway, stripe_server, event)
    assert (parsed.event_id, parsed.type) == (event["id"], "checkout.session.completed")
    assert (parsed.kind, parsed.provider_ref, parsed.payment_id) == ("payment", session_id, payment_id)
    assert parsed.created == datetime.fromtimestamp(event["created"], UTC)


def test_old_and_new_secret_both_count_during_a_rotation(gateway, stripe_server, event, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_old", "whsec_new"]
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        assert parse(gateway, stripe_server, event, secret=secret).event_id == event["id"]
    with pytest.raises(InvalidSignature):
        parse(gateway, stripe_server, event, secret="whsec_older")


HEADERS = {
    "missing": None,
    "empty": "",
    "garbage": "garbage",
    "no time": "v1=abc",
    "odd time": "t=now,v1=abc",
    "no signature": "t=1",
    "other scheme": "t={now},v0={good}",
    "wrong": "t={now},v1=abc",
    "not ASCII": "t={now},v1=ä",
    "of another time": "t=1,v1={good}",
}


@pytest.mark.parametrize("case", HEADERS)
def test_bad_signature_is_refused(gateway, stripe_server, event, case):
    body = json.dumps(event).encode()
    now, good = (part.partition("=")[2] for part in stripe_server.sign(body).split(","))
    header = HEADERS[case]
    headers = {} if header is None else {"Stripe-Signature": header.format(now=now, good=good)}
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(body, headers)


@pytest.mark.parametrize(("age", "fresh"), [(400, False), (290, True), (-3600, True)])
def test_old_signature_is_refused(gateway, stripe_server, event, age, fresh):
    at = int(time.time()) - age
    if fresh:
        parse(gateway, stripe_server, event, timestamp=at)
    else:
        with pytest.raises(InvalidSignature):
            parse(gateway, stripe_server, event, timestamp=at)


def test_altered_body_is_refused(gateway, stripe_server, event):
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": stripe_server.sign(body)}
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(body.replace(b"105000", b"100"), headers)


@pytest.mark.parametrize("body", [b"not json", b"\xff\xfe", b"[]", b"{}", b"null", b'{"id": "evt_1"}'])
def test_signed_nonsense_is_refused(gateway, stripe_server, body):
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(body, {"Stripe-Signature": stripe_server.sign(body)})


@pytest.mark.parametrize("secrets", [[], [""], [" "]])
def test_without_a_secret_no_event_is_believed(gateway, stripe_server, event, settings, secrets):
    settings.STRIPE_WEBHOOK_SECRETS = secrets
    with pytest.raises(InvalidSignature):
        parse(gateway, stripe_server, event)


@pytest.mark.parametrize(
    ("key", "livemode"), [("sk_test_1", True), ("sk_live_1", False), ("rk_live_1", False)]
)
def test_event_of_the_other_mode_is_refused(gateway, stripe_server, event, settings, key, livemode):
    settings.STRIPE_SECRET_KEY = key
    with pytest.raises(InvalidSignature):
        parse(gateway, stripe_server, {**event, "livemode": livemode})
    assert parse(gateway, stripe_server, {**event, "livemode": not livemode}).kind == "payment"


def test_events_are_sorted_by_what_they_are_about(gateway, stripe_server, fake_stripe, session_id):
    books = fake_stripe
    books.pay(session_id)
    intent = books.session(session_id)["payment_intent"]
    refund = books.refund_by_hand(intent, 500)["id"]
    books.move_refund(refund, "failed")
    books.close_dispute(books.open_dispute(intent)["id"], "won")
    found = {
        event["type"]: (parsed.kind, parsed.provider_ref, parsed.payment_id, parsed.refund_id)
        for event in books.events
        if (parsed := parse(gateway, stripe_server, event))
    }
    assert found == {
        "payment_intent.succeeded": ("payment", None, intent, None),
        "checkout.session.completed": ("payment", session_id, intent, None),
        "refund.created": ("refund", None, intent, refund),
        "charge.refunded": ("refund", None, intent, None),
        "refund.failed": ("refund", None, intent, refund),
        "charge.dispute.created": ("dispute", None, intent, None),
        "charge.dispute.closed": ("dispute", None, intent, None),
    }


@pytest.mark.parametrize("kind", ["customer.created", "payment_intent.created", "v2.core.anything"])
def test_event_that_is_none_of_ours_is_ignored(gateway, stripe_server, event, kind):
    assert parse(gateway, stripe_server, {**event, "type": kind}).kind == "ignored"


def test_event_that_a_card_was_saved_is_ignored(gateway, stripe_server, fake_stripe):
    customer = gateway.create_customer(ref="7", email="a@example.com", name="A")
    gateway.create_setup_page(customer, success_url="https://testserver/", cancel_url="https://testserver/")
    (session,) = fake_stripe.sessions()
    fake_stripe.pay(session["id"])
    assert parse(gateway, stripe_server, stripe_server.event("checkout.session.completed")).kind == "ignored"


def test_what_is_kept_of_an_event_has_no_person_card_or_secret(
    gateway, stripe_server, fake_stripe, session_id, payment_id
):
    give_back(gateway, payment_id)
    for event in fake_stripe.events:
        kept = str(parse(gateway, stripe_server, event).raw)
        for secret in ("arjun@example.com", "'4242'", "42424242", "_secret_", "card"):
            assert secret not in kept


# Saved cards


@pytest.fixture
def customer(gateway) -> str:
    return gateway.create_customer(ref="7", email="arjun@example.com", name="Arjun Kapoor")


@pytest.fixture
def intent_id(gateway, customer) -> str:
    return gateway.create_checkout(checkout_request(customer_ref=customer, by_saved_card=True)).provider_ref


def charge(gateway, intent_id, card):
    return gateway.charge_payment_method(intent_id, card, return_url="https://testserver/return/")


def test_stripe_keeps_cards_and_the_mock_does_not(gateway, provider):
    assert isinstance(gateway, PaymentMethodGateway)
    assert not isinstance(provider, PaymentMethodGateway)


def test_person_asked_for_twice_is_one_customer(gateway, customer):
    assert gateway.create_customer(ref="7", email="arjun@example.com", name="Arjun Kapoor") == customer


def test_card_is_added_on_stripes_page_and_listed(gateway, stripe_server, fake_stripe, customer):
    url = gateway.create_setup_page(
        customer, success_url="https://testserver/", cancel_url="https://testserver/"
    )
    assert stripe_server.requests[-1].parameters["mode"] == "setup"
    fake_stripe.pay(url.rpartition("/")[2], "5555555555554444")
    (card,) = gateway.list_payment_methods(customer)
    assert card == PaymentMethod(card.method_ref, "Visa", "4444", 8, 2030)


def test_intent_moves_nothing_before_it_is_charged(gateway, stripe_server, customer, intent_id):
    assert stripe_server.requests[-1].parameters == {
        "amount": 105_000,
        "currency": "inr",
        "customer": customer,
        "description": "Career Guidance with Meera Rao",
        "metadata": {"payment": "ORDER-0000000001", "saved_card": "yes"},
        "allowed_payment_method_types": ["card"],
    }
    state = gateway.fetch(intent_id)
    assert (state.status, state.our_ref, state.payment_id) == (PayStatus.OPEN, "ORDER-0000000001", "")


def test_saved_card_pays(gateway, fake_stripe, customer, intent_id):
    charged = charge(gateway, intent_id, fake_stripe.save_card(customer))
    assert (charged.state.status, charged.redirect_url) == (PayStatus.PAID, "")
    assert charged.state == gateway.fetch(intent_id)
    assert (charged.state.payment_id, charged.state.amount) == (intent_id, Money(105_000, "INR"))


def test_saved_card_pays_once_however_often_it_is_pressed(gateway, fake_stripe, customer, intent_id):
    card = fake_stripe.save_card(customer)
    assert charge(gateway, intent_id, card) == charge(gateway, intent_id, card)
    assert len(list(fake_stripe._all("charge"))) == 1


def test_saved_card_that_its_bank_asks_about_leads_there_and_back(
    gateway, stripe_server, fake_stripe, customer, intent_id
):
    charged = charge(gateway, intent_id, fake_stripe.save_card(customer, SECURE_CARD))
    assert charged.state.status is PayStatus.OPEN
    assert charged.redirect_url == f"{stripe_server.origin}/3ds/{intent_id}"
    back = fake_stripe.answer_bank(intent_id, agree=True)
    assert back == f"https://testserver/return/?payment_intent={intent_id}&redirect_status=succeeded"
    assert gateway.fetch(intent_id).status is PayStatus.PAID


def test_declined_saved_card_says_so_and_another_can_pay(gateway, fake_stripe, customer, intent_id):
    with pytest.raises(CardDeclined) as caught:
        charge(gateway, intent_id, fake_stripe.save_card(customer, DECLINED_CARD))
    assert caught.value.safe_message == "Your card was declined."
    assert gateway.fetch(intent_id).failure == "Your card was declined."
    assert charge(gateway, intent_id, fake_stripe.save_card(customer)).state.status is PayStatus.PAID


def test_card_of_somebody_else_pays_nothing(gateway, fake_stripe, intent_id):
    other = gateway.create_customer(ref="8", email="other@example.com", name="Other")
    with pytest.raises(GatewayRejected):
        charge(gateway, intent_id, fake_stripe.save_card(other))
    assert gateway.fetch(intent_id).status is PayStatus.OPEN


def test_closed_intent_can_not_be_charged(gateway, fake_stripe, customer, intent_id):
    assert gateway.expire(intent_id).status is PayStatus.CANCELED
    assert charge(gateway, intent_id, fake_stripe.save_card(customer)).state.status is PayStatus.CANCELED


def test_closing_an_intent_that_was_paid_says_paid(gateway, fake_stripe, customer, intent_id):
    charge(gateway, intent_id, fake_stripe.save_card(customer))
    assert gateway.expire(intent_id).status is PayStatus.PAID


def test_event_about_a_saved_cards_payment_names_its_checkout(
    gateway, stripe_server, fake_stripe, customer, intent_id
):
    charge(gateway, intent_id, fake_stripe.save_card(customer))
    parsed = parse(gateway, stripe_server, stripe_server.event("payment_intent.succeeded"))
    assert (parsed.kind, parsed.provider_ref, parsed.payment_id) == ("payment", intent_id, intent_id)


def test_removed_card_is_gone_and_can_be_removed_again(gateway, fake_stripe, customer):
    card = fake_stripe.save_card(customer)
    gateway.detach_payment_method(customer, card)
    assert gateway.list_payment_methods(customer) == []
    gateway.detach_payment_method(customer, card)


def test_card_of_somebody_else_stays(gateway, fake_stripe, customer):
    other = gateway.create_customer(ref="8", email="other@example.com", name="Other")
    card = fake_stripe.save_card(other)
    with pytest.raises(GatewayRejected):
        gateway.detach_payment_method(customer, card)
    assert len(gateway.list_payment_methods(other)) == 1


def test_cards_of_a_payer_whom_stripe_forgot_are_said_so(gateway, fake_stripe, customer):
    fake_stripe.forget(customer)
    with pytest.raises(CustomerNotFound):
        gateway.list_payment_methods(customer)
    with pytest.raises(CustomerNotFound):
        gateway.create_setup_page(customer, success_url="https://a.example/", cancel_url="https://a.example/")
