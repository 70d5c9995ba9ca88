import logging
from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from bookings.models import Status
from payments.gateways.base import GatewayError
from payments.models import Payment, PaymentStatus, Refund, WebhookEvent
from payments.services.refunds import send_refund
from payments.services.settlement import close_checkout, settle
from payments.services.webhooks import process_event

logger = logging.getLogger(__name__)


def sweep(now: datetime) -> None:
    """Take up events, ask after open checkouts, close those whose session ended, send the refunds that are due.

    One that fails, or whose provider doesn't answer, never holds up the others; it waits for the next sweep.
    What staff have to look at, or have looked at, is left to them.
    """
    for pk in WebhookEvent.objects.due(now).order_by("pk").values_list("pk", flat=True):
        process_event(pk, now=now)
    payable = Q(booking__status=Status.AWAITING_PAYMENT, booking__hold_expires_at__gt=now)
    due = Q(ask_at=None) | Q(ask_at__lte=now)
    waiting = Payment.objects.at_provider().filter(review_reason="")
    # What is open has to be closed at once; with the bank there is nothing to close.
    ended = waiting.exclude(payable).filter(due | Q(status=PaymentStatus.OPEN))
    for pk in ended.values_list("pk", flat=True):
        _try(close_checkout, pk, now)
    for pk in waiting.filter(payable).filter(due).values_list("pk", flat=True):
        _try(settle, pk, now)
    for pk in Refund.objects.due(now).values_list("pk", flat=True):
        send_refund(pk, now=now)


def _try(settling: Callable[..., Payment], payment_pk: int, now: datetime) -> None:
    try:
        settling(payment_pk, source="sweep", now=now)
    except GatewayError as error:
        logger.warning("payment not settled", extra={"payment": payment_pk, "reason": str(error)})
