"""Stripe's events, signed with one of our secrets. https://docs.stripe.com/webhooks"""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings

from payments.gateways.base import InvalidSignature, WebhookEvent
from payments.gateways.stripe.states import moment

LIVE_KEYS = ("sk_live_", "rk_live_")
SIGNATURE_TOLERANCE = 300
# Marks the intents that are not a Checkout session's.
SAVED_CARD = "saved_card"
PAYMENT_EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
    }
)
REFUND_EVENTS = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated", "charge.refunded"}
)


def read_event(body: bytes, signature: str | None) -> WebhookEvent:
    """Raises `InvalidSignature` for what Stripe did not sign, not lately, or not in this mode."""
    if not any(_is_signed(body, signature, secret) for secret in settings.STRIPE_WEBHOOK_SECRETS):
        raise InvalidSignature("Not signed by Stripe with a secret of ours, or too old")
    try:
        event = json.loads(body)
        event_id, kind, subject = event["id"], event["type"], event["data"]["object"]
        created, livemode = moment(event["created"]), event["livemode"]
    except (ValueError, TypeError, KeyError):
        raise InvalidSignature("Signed, and yet not an event") from None
    if livemode is not settings.STRIPE_SECRET_KEY.startswith(LIVE_KEYS):
        raise InvalidSignature("A test event for a live site, or the other way round")
    return _event(event_id, kind, created, subject)


def _is_signed(body: bytes, header: str | None, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, SIGNATURE_TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return True


def _event(event_id: str, kind: str, created: datetime, subject: dict[str, Any]) -> WebhookEvent:
    """`raw` is what may be kept: no card, no person, no client's secret."""
    kept = ("object", "id", "status", "payment_status", "amount", "amount_total", "currency", "metadata")
    event = WebhookEvent(
        event_id=event_id,
        type=kind,
        kind="ignored",
        payment_id=subject.get("payment_intent"),
        our_ref=(subject.get("metadata") or {}).get("payment", ""),
        created=created,
        raw={name: subject[name] for name in kept if name in subject},
    )
    if kind in PAYMENT_EVENTS and subject["object"] == "payment_intent":
        # Its checkout is itself, unless it belongs to a session, whose id it does not say.
        own = subject["id"] if SAVED_CARD in (subject.get("metadata") or {}) else None
        return replace(event, kind="payment", provider_ref=own, payment_id=subject["id"])
    if kind in PAYMENT_EVENTS and subject.get("mode") == "payment":
        return replace(event, kind="payment", provider_ref=subject["id"])
    if kind in REFUND_EVENTS:
        refund_id = subject["id"] if subject["object"] == "refund" else None
        return replace(event, kind="refund", refund_id=refund_id)
    if kind.startswith("charge.dispute."):
        return replace(event, kind="dispute")
    return event
