"""Giving money back: reserved on the payment first, sent under one key, until the provider's answer is known."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from payments.gateways import gateway
from payments.gateways.base import Gateway, GatewayError, GatewayRejected, Money, RefundResult, RefundState
from payments.models import Payment, PaymentStatus, Refund, RefundStatus
from payments.signals import refund_requested, refund_succeeded

logger = logging.getLogger(__name__)

# After each unsuccessful try; the last one repeats. A worker that dies while sending is covered by them too.
BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
)


class NotRefundable(Exception):
    """That amount can't go back; `str()` says why."""


def request_refund(
    payment_pk: int, *, amount_minor: int, reason: Refund.Reason, key: str, now: datetime, note: str = ""
) -> Refund:
    """Reserve the amount on the payment and write the refund down; it is sent later, by `send_refund`.

    Locks the payment; a caller that also needs people and booking locks them before. A second call with
    the same key returns the first one's refund. Raises `NotRefundable`.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_pk)
        if (found := Refund.objects.filter(key=key).first()) is not None:
            return found
        if payment.status != PaymentStatus.SUCCEEDED:
            raise NotRefundable("Only money that came in can go back.")
        if not 0 < amount_minor <= payment.refundable_minor:
            raise NotRefundable(
                "The amount must be more than nothing and at most what is left of the payment."
            )
        payment.reserved_minor += amount_minor
        payment.save(update_fields=["reserved_minor"])
        refund = Refund.objects.create(
            payment=payment,
            amount_minor=amount_minor,
            reason=reason,
            note=note[:300],
            key=key,
            due_at=now,
            created_at=now,
        )
        refund_requested.send(Refund, refund=refund, now=now)
        return refund


def send_refund(refund_pk: int, *, now: datetime) -> bool:
    """Send a due refund, or ask after one that is on its way. False when there was nothing to do.

    Claims the row by moving its `due_at`, so that of several workers one sends, and a worker that dies
    is followed by another try under the same key. Never raises what the provider does.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund_pk)
    wait = BACKOFF[min(refund.attempts, len(BACKOFF) - 1)]
    due = Refund.objects.due(now).filter(pk=refund_pk, attempts=refund.attempts)
    if not due.update(attempts=F("attempts") + 1, due_at=now + wait):
        return False
    try:
        state = _ask(gateway(refund.payment.gateway), refund)
    except GatewayRejected as error:
        _record_failure(refund_pk, str(error))
    except GatewayError as error:
        Refund.objects.filter(pk=refund_pk).update(error=str(error)[:300])
        logger.warning("refund not sent", extra={"refund": refund.reference, "attempts": refund.attempts + 1})
    else:
        _record(refund_pk, state, now)
    return True


def _ask(provider: Gateway, refund: Refund) -> RefundState:
    payment = refund.payment
    if refund.provider_id:
        return provider.fetch_refund(refund.provider_id, payment.payment_id)
    try:
        return provider.refund(
            payment.payment_id,
            Money(refund.amount_minor, payment.currency),
            key=refund.key,
            ref=refund.reference,
            reason=refund.reason,
        )
    except GatewayRejected:
        # An earlier try may have got through and its answer been lost.
        for state in provider.list_refunds(payment.payment_id):
            if state.our_ref == refund.reference:
                return state
        raise


def _record(refund_pk: int, state: RefundState, now: datetime) -> None:
    if state.status is RefundResult.FAILED:
        _record_failure(refund_pk, state.failure or "The provider could not refund it.", state.refund_id)
        return
    with transaction.atomic():
        refund, payment = _lock(refund_pk)
        if state.status is RefundResult.PENDING:
            _move(refund, RefundStatus.PENDING, provider_id=state.refund_id, error="")
        elif _move(refund, RefundStatus.SUCCEEDED, provider_id=state.refund_id, error="", succeeded_at=now):
            payment.reserved_minor -= refund.amount_minor
            payment.refunded_minor += refund.amount_minor
            payment.save(update_fields=["reserved_minor", "refunded_minor"])
            refund_succeeded.send(Refund, refund=refund, now=now)


def _record_failure(refund_pk: int, error: str, provider_id: str = "") -> None:
    """The amount stays reserved, since it is still owed; staff are told by the flag on the payment."""
    with transaction.atomic():
        refund, payment = _lock(refund_pk)
        if not _move(refund, RefundStatus.FAILED, provider_id=provider_id or refund.provider_id, error=error):
            return
        payment.needs_review = True
        payment.review_reason = f"{refund.reference} failed: {error}"[:300]
        payment.save(update_fields=["needs_review", "review_reason"])
    logger.error("refund failed", extra={"refund": refund.reference, "reason": error})


def _lock(refund_pk: int) -> tuple[Refund, Payment]:
    payment_pk = Refund.objects.values_list("payment_id", flat=True).get(pk=refund_pk)
    payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_pk)
    return Refund.objects.select_for_update(of=("self",)).get(pk=refund_pk), payment


def _move(
    refund: Refund,
    status: RefundStatus,
    *,
    provider_id: str,
    error: str,
    succeeded_at: datetime | None = None,
) -> bool:
    """Forward only; False when the locked row is there already or beyond."""
    if not refund.may_become(status):
        return False
    refund.status, refund.provider_id = status, provider_id
    refund.error, refund.succeeded_at = error[:300], succeeded_at
    refund.save(update_fields=["status", "provider_id", "error", "succeeded_at"])
    return True
