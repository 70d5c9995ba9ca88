"""Which events are believed: those that the provider has signed, lately, for this site."""

import json

import pytest
from django.utils import timezone

from payments.models import WebhookEvent
from tests.payments.gateway_harness import SignedEvent
from tests.payments.markers import razorpay_only, stripe_only, with_webhooks
from tests.payments.steps import (
    assert_booked_once,
    assert_nothing_happened,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("one_try")]


@pytest.fixture
def signed_event(harness, payment) -> SignedEvent:
    """What would book, if it were believed."""
    harness.pay(payment.provider_ref)
    return harness.paid_event()


def assert_refused(harness, booking, signed_event) -> None:
    assert harness.deliver(signed_event) == 400
    assert not WebhookEvent.objects.exists()
    assert_nothing_happened(booking)


def with_signature(signed_event: SignedEvent, change) -> SignedEvent:
    headers = {
        name: change(value) if name.endswith("Signature") else value
        for name, value in signed_event.headers.items()
    }
    return SignedEvent(signed_event.type, signed_event.body, headers)


FORGERIES = {
    "empty": lambda good: "",
    "cut": lambda good: good[:-1],
    "wrong": lambda good: good[:-4] + ("0000" if good[-4:] != "0000" else "1111"),
    "not ASCII": lambda good: good[:-1] + "ä",
    "beyond Latin": lambda good: good[:-1] + "\N{BLACK HEART SUIT}",
    "nonsense": lambda good: "t=,v1=",
}


@with_webhooks
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_signature_is_refused(harness, booking, signed_event, forgery):
    assert_refused(harness, booking, with_signature(signed_event, FORGERIES[forgery]))


@with_webhooks
def test_missing_signature_is_refused(harness, booking, signed_event):
    assert_refused(harness, booking, SignedEvent(signed_event.type, signed_event.body, {}))


@with_webhooks
def test_wrong_secret_is_refused(harness, booking, signed_event):
    assert_refused(harness, booking, harness.sign(signed_event.body, "another-secret-0000000000"))


@with_webhooks
def test_signature_of_another_body_is_refused(harness, booking, signed_event):
    assert_refused(
        harness, booking, SignedEvent(signed_event.type, signed_event.body + b" ", signed_event.headers)
    )


@stripe_only
@pytest.mark.parametrize("age", [301, 400, 86_400])
def test_old_signature_is_refused(harness, booking, signed_event, age):
    at = int(timezone.now().timestamp()) - age
    signature = harness.server.sign(signed_event.body, timestamp=at)
    assert_refused(
        harness, booking, SignedEvent(signed_event.type, signed_event.body, {"Stripe-Signature": signature})
    )


@razorpay_only
def test_event_signed_with_the_key_secret_is_refused(harness, booking, signed_event):
    assert_refused(harness, booking, harness.sign(signed_event.body, harness.fake_razorpay.key_secret))


@with_webhooks
def test_the_same_event_rightly_signed_books(harness, booking, payment, signed_event):
    assert harness.deliver(signed_event) == 200
    assert_booked_once(booking, payment)


@with_webhooks
def test_old_and_new_webhook_secret_are_both_accepted(harness, settings, booking, paid):
    name = f"{harness.name.upper()}_WEBHOOK_SECRETS"
    (old,) = getattr(settings, name)
    plain = harness.paid_event()
    setattr(settings, name, ["the-new-one", old])
    assert harness.deliver(plain) == 200
    assert (
        harness.deliver(type(plain)("", plain.body, harness.sign(plain.body, "the-new-one").headers)) == 200
    )
    setattr(settings, name, ["the-new-one"])
    assert harness.deliver(type(plain)("", plain.body, harness.sign(plain.body, old).headers)) == 400
    assert_booked_once(booking, paid)


@stripe_only
@pytest.mark.parametrize(("key", "live"), [("sk_test_", True), ("sk_live_", False), ("rk_live_", False)])
def test_event_of_the_other_mode_is_refused(harness, settings, booking, signed_event, key, live):
    body = json.dumps(json.loads(signed_event.body) | {"livemode": live}).encode()
    settings.STRIPE_SECRET_KEY = key + "0" * 20
    assert_refused(harness, booking, harness.sign(body))
