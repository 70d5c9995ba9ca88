"""What the schedule has done every minute: events, checkouts, mismatches and refunds that are due."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet

from bookings.models import Booking, Status
from lib import deadline
from lib.sweeping import MOST_ROWS, Row, each, each_row, row_of
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
    ended, payable = _to_ask_about(now)
    close = partial(
        _try, partial(close_checkout, source="sweep"), now=now, again=now
    )  # nobody may pay it meanwhile
    ask = partial(_try, partial(settle, source="sweep"), now=now)
    _each_payment("close", ended, close)
    _each_payment("settle", payable, ask)
    # What staff have not decided on while its session could still take place.
    held = Q(booking__status=Status.AWAITING_PAYMENT, booking__hold_expires_at__gt=now)
    undecided = Payment.objects.mismatched().filter(Q(ask_at=None) | Q(ask_at__lte=now))
    undecided = undecided.exclude(held).order_by("pk")
    _each("give_back", undecided, partial(_try, refund_undecided_mismatch, now=now))
    _each("refunds", Refund.objects.due(now).order_by("due_at"), lambda pk: send_refund(pk, now=now))


def _to_ask_about(now: datetime) -> tuple[list[Payment], list[Payment]]:
    """The payments of sessions that ended, and of those that can still be paid.

    What is open for a hold that has lapsed is closed at once, however rarely it is asked after otherwise. The state
    of a session is looked at here: asked for that as well, PostgreSQL would read everything that waits.
    """
    due = Payment.objects.to_ask_about(now)[:MOST_ROWS]
    lapsed = Booking.objects.lapsed_holds(now).order_by("hold_expires_at", "pk")[:MOST_ROWS]
    of_lapsed = Payment.objects.filter(booking__in=list(lapsed.values_list("pk", flat=True)))
    found = {payment.pk: payment for payment in _light(due)}
    for payment in _light(of_lapsed):
        if payment.status == PaymentStatus.OPEN and not payment.review_reason:
            found.setdefault(payment.pk, payment)
    payable = [payment for payment in found.values() if payment.booking.payable_at(now)]
    ended = [payment for payment in found.values() if not payment.booking.payable_at(now)]
    return ended, payable


def _light(payments: QuerySet[Payment]) -> QuerySet[Payment]:
    return payments.select_related("booking").defer("request", "checkout_url")


def _each_payment(name: str, payments: Iterable[Payment], work: Callable[[int], object]) -> None:
    def do(payment: Payment) -> None:
        with deadline.within(ONE):
            work(payment.pk)

    def called(payment: Payment) -> Row:
        return row_of(Payment, payment.pk, payment.reference)

    each(f"payments.{name}", payments, do, called=called, seconds=PART)


def _each(name: str, rows: QuerySet[Any], work: Callable[[int], object]) -> None:
    def do(pk: int) -> None:
        with deadline.within(ONE):
            work(pk)

    each_row(f"payments.{name}", rows, do, seconds=PART)


def _try(
    settling: Callable[..., Payment], payment_pk: int, now: datetime, again: datetime | None = None
) -> None:
    """`again` is from when it is tried anew if it fails; a while later unless that is said."""
    try:
        settling(payment_pk, now=now)
    except Exception as error:
        # Others first, next time.
        Payment.objects.filter(pk=payment_pk).update(ask_at=again or now + ASK_SOONEST)
        if not isinstance(error, GatewayError):
            raise
        logger.warning("payment not settled", extra={"payment": payment_pk, "reason": str(error)})
