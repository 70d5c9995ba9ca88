"""What the schedule has done every minute: events, checkouts, mismatches and refunds that are due."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import F, Q, QuerySet

from bookings.models import Status
from lib import deadline
from lib.sweeping import each_row
from payments.gateways.base import GatewayError
from payments.models import ASK_SOONEST, Payment, PaymentStatus, Refund, WebhookEvent
from payments.services.mismatches import refund_undecided_mismatch
from payments.services.refunds import send_refund
from payments.services.settlement import close_checkout, settle
from payments.services.webhooks import process_webhook_event

logger = logging.getLogger(__name__)

# Seconds for each of the four parts, and for one thing within it: together less than a task may run, so that
# with a provider down nothing waits behind it for ever.
PART, ONE = 45.0, 15.0


def sweep(now: datetime) -> None:
    """Take up events, ask after open checkouts, close those whose session ended, send the refunds that are due.

    One that fails, or whose provider doesn't answer, never holds up the others; it waits for the next sweep.
    What staff have to look at, or have looked at, is left to them.
    """
    _each(
        "events",
        WebhookEvent.objects.due(now).order_by("due_at"),
        lambda pk: process_webhook_event(pk, now=now),
    )
    payable = Q(booking__status=Status.AWAITING_PAYMENT, booking__hold_expires_at__gt=now)
    due = Q(ask_at=None) | Q(ask_at__lte=now)
    waiting = Payment.objects.at_provider().filter(review_reason="")
    waiting = waiting.order_by(F("ask_at").asc(nulls_first=True), "pk")
    # What is open has to be closed at once; with the bank there is nothing to close.
    ended = waiting.exclude(payable).filter(due | Q(status=PaymentStatus.OPEN))
    _each("close", ended, lambda pk: _try(partial(close_checkout, source="sweep"), pk, now))
    payable_due = waiting.filter(payable).filter(due)
    _each("settle", payable_due, lambda pk: _try(partial(settle, source="sweep"), pk, now))
    # What staff have not decided on while its session could still take place.
    mismatched = Payment.objects.mismatched().exclude(payable).filter(due).order_by("pk")
    _each("give_back", mismatched, lambda pk: _try(refund_undecided_mismatch, pk, now))
    _each("refunds", Refund.objects.due(now).order_by("due_at"), lambda pk: send_refund(pk, now=now))


def _each(name: str, rows: QuerySet[Any], work: Callable[[int], object]) -> None:
    def do(pk: int) -> None:
        with deadline.within(ONE):
            work(pk)

    each_row(f"payments.{name}", rows, do, seconds=PART)


def _try(settling: Callable[..., Payment], payment_pk: int, now: datetime) -> None:
    try:
        settling(payment_pk, now=now)
    except Exception as error:
        # Others first, next time.
        Payment.objects.filter(pk=payment_pk).update(ask_at=now + ASK_SOONEST)
        if not isinstance(error, GatewayError):
            raise
        logger.warning("payment not settled", extra={"payment": payment_pk, "reason": str(error)})
