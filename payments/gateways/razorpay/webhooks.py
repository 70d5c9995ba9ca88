"""Razorpay's signatures: on its events, and on what the browser brings back. https://razorpay.com/docs/webhooks/"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Literal

import razorpay
from django.conf import settings
from razorpay.utility import Utility

from payments.gateways.base import InvalidSignature, WebhookEvent
from payments.gateways.razorpay.client import Entity
from payments.gateways.razorpay.states import moment, note


@contextmanager
def verifying(complaint: str) -> Iterator[None]:
    """What the SDK raises for a wrong signature, or trips over, comes out as `InvalidSignature`.

    Signatures that are not ASCII are a TypeError to it, and lone surrogates a ValueError.
    """
    try:
        yield
    except (razorpay.errors.SignatureVerificationError, TypeError, ValueError):
        raise InvalidSignature(complaint) from None


def read_event(body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
    """The signature covers the body only: the same event sent again is known by its id.

    Raises `InvalidSignature` for what Razorpay did not sign.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    event = _read_signed(body, sent.get("x-razorpay-signature", ""))
    event_id = sent.get("x-razorpay-event-id", "")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", event_id):
        event_id = hashlib.sha256(body).hexdigest()
    payment, order, refund, dispute = (
        _entity(event, name) for name in ("payment", "order", "refund", "dispute")
    )
    kind = _kind(event["event"], payment)
    return WebhookEvent(
        event_id=event_id,
        type=event["event"],
        kind=kind,
        provider_ref=order.get("id") or payment.get("order_id"),
        payment_id=payment.get("id") or refund.get("payment_id") or dispute.get("payment_id"),
        refund_id=refund.get("id") if kind == "refund" else None,
        our_ref=note(payment or order, "payment"),
        created=moment(event.get("created_at")),
        raw=event,
    )


def _read_signed(body: bytes, signature: str) -> Entity:
    """During a rotation the old secret still signs what is sent again."""
    with verifying("The body is not UTF-8"):
        text = body.decode()
    if not any(_is_signed(text, signature, secret) for secret in settings.RAZORPAY_WEBHOOK_SECRETS):
        raise InvalidSignature("Signed by none of RAZORPAY_WEBHOOK_SECRET")
    with verifying("The body is not JSON"):
        event = json.loads(text)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise InvalidSignature("The body is no event")
    return event


def _is_signed(text: str, signature: str, secret: str) -> bool:
    with suppress(InvalidSignature), verifying("Not by this secret"):
        return bool(Utility().verify_webhook_signature(text, signature, secret))
    return False


def _kind(type_: str, payment: Entity) -> Literal["payment", "refund", "dispute", "ignored"]:
    if type_.startswith("payment.dispute."):
        return "dispute"
    if type_.startswith("refund."):
        # Razorpay returns what was never captured by itself: no refund of ours, but an end of the payment.
        return "payment" if payment.get("captured") is False else "refund"
    return "payment" if type_ == "order.paid" or type_.startswith("payment.") else "ignored"


def _entity(event: Entity, name: str) -> Entity:
    """What an event carries; empty whatever else is there instead."""
    found: Any = event
    for key in ("payload", name, "entity"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
