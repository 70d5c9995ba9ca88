"""Giving money back: reserved on the payment first, sent under one key, until the provider's answer is known."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.models import User
from bookings.models import Booking
from bookings.ports import Refundable
from lib.money import format_money, step
from payments.gateways import gateway
from payments.gateways.base import (
    Gateway,
    GatewayError,
    GatewayRejected,
    IdempotencyKeyUnusable,
    Money,
    RefundState,
)
from payments.models import UNSETTLED, Payment, PaymentStatus, Refund, RefundStatus
from payments.services.locking import lock_payment
from payments.services.refund_sync import record_refund_failure, record_refunds, renew_refund
from payments.signals import refund_requested

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


class RefundsChanged(NotRefundable):
    """The payment has other refunds than the page showed: show it again."""


def enqueue_refund(
    payment_pk: int,
    *,
    amount_minor: int,
    reason: Refund.Reason,
    key: str,
    now: datetime,
    note: str = "",
    actor: User | None = None,
) -> Refund:
    """Reserve the amount on the payment and write the refund down; it is sent later, by `send_refund`.

    Locks the payment; a caller that also needs people and booking locks them before. A second call with
    the same key returns the first one's refund. Raises `NotRefundable`.
    """
    with transaction.atomic():
        payment = lock_payment(payment_pk)
        if (found := Refund.objects.filter(key=key).first()) is not None:
            return found
        _refuse(payment, amount_minor)
        payment.reserved_minor += amount_minor
        payment.save(update_fields=["reserved_minor"])
        refund = Refund.objects.create(
            payment=payment,
            amount_minor=amount_minor,
            reason=reason,
            note=note[:300],
            actor=actor,
            key=key,
            due_at=now,
            created_at=now,
        )
        refund_requested.send(Refund, refund=refund, now=now)
        return refund


def _refuse(payment: Payment, amount_minor: int) -> None:
    if payment.status != PaymentStatus.SUCCEEDED:
        raise NotRefundable("Only money that came in can go back.")
    if not 0 < amount_minor <= payment.refundable_minor:
        left = format_money(payment.refundable_minor, payment.currency)
        raise NotRefundable(
            f"The amount must be more than nothing and at most what is left of the payment: {left}."
        )
    if amount_minor % step(payment.currency):
        raise NotRefundable(f"The third digit after the point has to be 0 in {payment.currency}.")


def refund_by_staff(
    payment_pk: int, *, amount_minor: int, seen_refunds: int | None, actor: User, note: str, now: datetime
) -> Refund:
    """Any part, with a reason, once for what was seen: `seen_refunds` is how many the payment had on the page.

    So two clicks, or two people who looked at the same page, make one refund. Raises `RefundsChanged` when
    somebody else refunded another amount meanwhile or nobody knows what was seen, and `NotRefundable`, also
    while the payer's bank is looking into the payment.
    """
    with transaction.atomic():
        payment = lock_payment(payment_pk)
        if seen_refunds is None:
            raise RefundsChanged("Nobody can tell what your page showed. Please look again.")
        key = f"refund-{payment.reference}-staff-{seen_refunds + 1}"
        found = Refund.objects.filter(key=key).first()
        if found is not None and found.amount_minor == amount_minor:
            return found
        if payment.refunds.count() != seen_refunds:
            raise RefundsChanged("Another refund was made meanwhile. Please look again.")
        refuse_disputed(payment)
        return enqueue_refund(
            payment_pk,
            amount_minor=amount_minor,
            reason=Refund.Reason.STAFF,
            key=key,
            note=note,
            actor=actor,
            now=now,
        )


def refund_in_full(payment: Payment, reason: Refund.Reason, *, now: datetime, note: str = "") -> Refund:
    """Give all of a payment back by itself, once for that reason: its key says so. Raises `NotRefundable`."""
    return enqueue_refund(
        payment.pk,
        amount_minor=payment.amount_minor,
        reason=reason,
        note=note,
        key=f"refund-{payment.reference}-{reason.value}",
        now=now,
    )


def refund_cancelled(
    booking: Booking, *, amount_minor: int, actor: User | None, note: str, now: datetime
) -> Refund | None:
    """What was agreed goes back, once: a session is cancelled once. Raises `NotRefundable`."""
    payment = Payment.objects.counted().filter(booking=booking).first()
    if payment is None or not amount_minor:
        return None
    return enqueue_refund(
        payment.pk,
        amount_minor=amount_minor,
        reason=Refund.Reason.CANCELLED,
        key=f"refund-{payment.reference}-{Refund.Reason.CANCELLED.value}",
        note=note,
        actor=actor,
        now=now,
    )


def refundable(booking: Booking) -> Refundable:
    """What is left of the payment that counts, and why it can't go back at the moment."""
    payment = Payment.objects.counted().filter(booking=booking).first()
    if payment is None:
        return Refundable(0)
    went_back = payment.refunded_minor + payment.reserved_minor
    try:
        refuse_disputed(payment)
    except NotRefundable as refusal:
        return Refundable(payment.refundable_minor, str(refusal), went_back_minor=went_back)
    return Refundable(payment.refundable_minor, went_back_minor=went_back)


def refuse_disputed(payment: Payment) -> None:
    """Raises `NotRefundable` while the payer's bank looks into a payment: a refund beside a dispute would pay twice."""
    if payment.is_disputed:
        raise NotRefundable(
            "The payer's bank is looking into this payment. Nothing can be refunded until it has decided."
        )


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
    refund.refresh_from_db()  # since it was claimed, its amount stands
    try:
        provider = gateway(refund.payment.gateway)
        try:
            record_refunds(refund.payment_id, [_ask(provider, refund)], now=now)
        except GatewayRejected as error:
            if _look_closer(provider, refund, error, now):
                return send_refund(refund_pk, now=now)
    except GatewayError as error:
        Refund.objects.filter(pk=refund_pk).update(error=str(error)[:300])
        logger.warning("refund not sent", extra={"refund": refund.reference, "attempts": refund.attempts})
    return True


def _ask(provider: Gateway, refund: Refund) -> RefundState:
    payment = refund.payment
    if refund.provider_id:
        return provider.fetch_refund(refund.provider_id, payment.payment_id)
    state = provider.refund(
        payment.payment_id,
        Money(refund.amount_minor, payment.currency),
        key=refund.sent_key,
        ref=refund.sent_ref,
        reason=refund.reason,
    )
    return replace(state, our_ref=refund.sent_ref)


def _look_closer(provider: Gateway, refund: Refund, refusal: GatewayRejected, now: datetime) -> bool:
    """A no, and yet an earlier try may have got through, or the money have gone back at the provider itself.

    True when a part did, and the rest, which is less than what was refused, is due at once under a new key.
    """
    states = provider.list_refunds(refund.payment.payment_id)
    if isinstance(refusal, IdempotencyKeyUnusable):
        record_refunds(refund.payment_id, states, now=now)
        renew_refund(refund.pk, RefundStatus.REQUESTED)
        return False
    asked = refund.amount_minor
    record_refunds(refund.payment_id, states, now=now, refused=refund.pk)
    refund.refresh_from_db()
    if refund.amount_minor < asked and renew_refund(refund.pk, RefundStatus.REQUESTED):
        return bool(Refund.objects.filter(pk=refund.pk, status=RefundStatus.REQUESTED).update(due_at=now))
    record_refund_failure(refund.pk, str(refusal), now=now)
    return False


def retry_refund(refund_pk: int, *, now: datetime) -> Refund:
    """Let a refund be sent, or asked after, at once. One that failed gets a new key, when its provider certainly
    has none of it; one whose answer is not known keeps its own. Asks the provider outside any transaction.

    Raises `NotRefundable`, or a `GatewayError` after which nothing has changed.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund_pk)
    if refund.status == RefundStatus.FAILED:
        refuse_disputed(refund.payment)
        states = gateway(refund.payment.gateway).list_refunds(refund.payment.payment_id)
        record_refunds(refund.payment_id, states, now=now)
        if renew_refund(refund_pk, RefundStatus.FAILED):
            Refund.objects.filter(pk=refund_pk).update(attempts=0)
    if not Refund.objects.filter(pk=refund_pk, status__in=UNSETTLED).update(due_at=now):
        raise NotRefundable("The money went back already.")
    refund.refresh_from_db()
    return refund
