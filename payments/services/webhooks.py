"""What providers tell us: stored once, then asked about, then marked done. A hint is never believed."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from lib import deadline
from lib.sweeping import delete_in_batches
from payments.gateways import base
from payments.models import Payment, PaymentStatus, WebhookEvent
from payments.services.disputes import sync_disputes
from payments.services.refund_sync import sync_refunds
from payments.services.second_payments import record_second_payments
from payments.services.settlement import settle

logger = logging.getLogger(__name__)

# After each unsuccessful try; the last one repeats. A worker that dies in the middle is covered by them too.
BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
)
# Two and a half days: longer than most providers are down, and short enough for staff to help a student in time.
MOST_ATTEMPTS = 12
NOT_OURS = "Nothing of ours"
# Providers send an event again for some days (Stripe 3, Razorpay 1), and staff look back for a quarter.
KEPT_FOR = timedelta(days=90)

# What of an event's body is kept, wherever it stands: what happened to which object, and no card and no person.
KEPT = frozenset(
    {
        *("object", "entity", "id", "event", "type", "status", "payment_status", "phase", "captured"),
        *("amount", "amount_total", "amount_paid", "amount_due", "amount_refunded", "amount_deducted"),
        *("currency", "order_id", "payment_id", "payment_intent", "refund_status", "receipt", "created_at"),
        *("error_code", "error_reason", "reason_code", "attempts", "contains"),
    }
)
INNER = frozenset({"payload", "payment", "order", "refund", "dispute", "payment.dispute", "entity"})
OURS = frozenset({"payment", "session", "refund", "reason"})


def store_event(gateway: str, event: base.WebhookEvent, *, now: datetime) -> WebhookEvent | None:
    """The row of a verified event, the same however often it comes. None for what we never act on."""
    if event.kind == "ignored":
        return None
    row, _ = WebhookEvent.objects.get_or_create(
        gateway=gateway,
        event_id=event.event_id[:255],
        defaults={
            "type": event.type[:100],
            "kind": event.kind,
            "provider_ref": (event.provider_ref or "")[:255],
            "payment_id": (event.payment_id or "")[:255],
            "refund_id": (event.refund_id or "")[:255],
            "our_ref": event.our_ref[:255],
            "body": kept(event.raw),
            "received_at": now,
            "due_at": now,
        },
    )
    return row


def kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is safe to store of an event's body, however its provider nests it."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in ("metadata", "notes") and isinstance(value, Mapping):
            found[name] = {key: str(value[key])[:100] for key in sorted(OURS & value.keys())}
        elif name in INNER and isinstance(value, Mapping):
            found[name] = kept(value)
        elif name in KEPT and not isinstance(value, Mapping):
            found[name] = value[:100] if isinstance(value, str | list) else value
    return found


def process_webhook_event(event_pk: int, *, now: datetime, within: float | None = None) -> bool:
    """Act on a stored event that is due; True when it is done, by us or by somebody before.

    Claims the row by moving its `due_at`, so that of many at once one works, and one that dies is followed by
    another. `within` bounds the seconds that providers may take; what they were not enough for is due at once,
    for somebody who has time. Never raises: what fails stays undone, with the reason, until it is given up loudly.
    """
    event = WebhookEvent.objects.get(pk=event_pk)
    wait = BACKOFF[min(event.attempts, len(BACKOFF) - 1)]
    due = WebhookEvent.objects.due(now).filter(pk=event_pk, attempts=event.attempts)
    if not due.update(attempts=F("attempts") + 1, due_at=now + wait):
        return event.processed_at is not None
    try:
        with ExitStack() as stack:
            if within is not None:
                stack.enter_context(deadline.within(within))
            order = _act(event, now)
    except Exception as error:
        _record_failure(event, error, now, due_at=now + wait if within is None else now)
        return False
    WebhookEvent.objects.filter(pk=event_pk).update(
        processed_at=now, order=order, error="" if order else NOT_OURS
    )
    return True


def retry_event(event_pk: int, *, now: datetime) -> bool:
    """Staff let one that was given up, or waits, be tried at once."""
    undone = WebhookEvent.objects.unprocessed().filter(pk=event_pk)
    undone.update(gave_up_at=None, due_at=now, attempts=0)
    return process_webhook_event(event_pk, now=now)


def forget_old_events(now: datetime) -> int:
    """Delete what was done long ago; what was given up stays until staff have seen to it."""
    return delete_in_batches(WebhookEvent.objects.filter(processed_at__lte=now - KEPT_FOR))


def _act(event: WebhookEvent, now: datetime) -> Payment | None:
    order = _order_of(event)
    if order is None:
        return None
    order = settle(order.pk, source="webhook", now=now)
    if order.status == PaymentStatus.SUCCEEDED:
        if event.kind == WebhookEvent.Kind.PAYMENT and event.payment_id not in ("", order.payment_id):
            record_second_payments(order.pk, now=now)
        elif event.kind == WebhookEvent.Kind.REFUND:
            sync_refunds(order.pk, now=now)
        elif event.kind == WebhookEvent.Kind.DISPUTE:
            sync_disputes(order.pk, now=now)
    return order


def _order_of(event: WebhookEvent) -> Payment | None:
    """By the checkout's id, else the payment's, else by our own reference; other apps' payments have none.

    Of several payments on one checkout it is the one that the event names.
    """
    of_provider = Payment.objects.filter(gateway=event.gateway)
    for name, value in (
        ("provider_ref", event.provider_ref),
        ("payment_id", event.payment_id),
        ("reference", event.our_ref),
    ):
        if value and (found := of_provider.filter(**{name: value}).first()) is not None:
            second = found.second_payments.filter(payment_id=event.payment_id).first()
            return second or found
    return None


def _record_failure(event: WebhookEvent, error: Exception, now: datetime, *, due_at: datetime) -> None:
    gave_up = event.attempts + 1 >= MOST_ATTEMPTS
    expected = isinstance(error, base.GatewayError)
    words = str(error) if expected else type(error).__name__
    WebhookEvent.objects.filter(pk=event.pk).update(
        error=words[:300], due_at=due_at, gave_up_at=now if gave_up else None
    )
    facts = {"event": event.event_id, "type": event.type, "reason": words, "attempts": event.attempts + 1}
    if gave_up or not expected:
        logger.error("event given up" if gave_up else "event failed", extra=facts, exc_info=not expected)
    else:
        logger.warning("event waits", extra=facts)
