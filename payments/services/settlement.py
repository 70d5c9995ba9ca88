"""From the provider's truth to our rows: forward only, once, however often and from wherever it is asked for."""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.models import Booking
from bookings.services import SlotGone, confirm, lock_booking
from payments.gateways import gateway
from payments.gateways.base import Money, PaymentState, PayStatus
from payments.models import AT_PROVIDER, Payment, PaymentStatus, Refund
from payments.services.refunds import request_refund
from payments.signals import payment_failed, payment_succeeded

logger = logging.getLogger(__name__)

STATUS_OF: dict[PayStatus, PaymentStatus] = {
    PayStatus.OPEN: PaymentStatus.OPEN,
    PayStatus.PROCESSING: PaymentStatus.PROCESSING,
    PayStatus.AUTHORIZED: PaymentStatus.AUTHORIZED,
    PayStatus.PAID: PaymentStatus.SUCCEEDED,
    PayStatus.FAILED: PaymentStatus.FAILED,
    PayStatus.EXPIRED: PaymentStatus.EXPIRED,
    PayStatus.CANCELED: PaymentStatus.CANCELED,
}


def settle(payment_pk: int, *, source: str, now: datetime) -> Payment:
    """Bring a payment to what its provider says of it, and its session with it.

    Fetches outside any transaction, then locks people, booking, payment. Safe to repeat and to run in
    parallel: the second finds nothing to do. Money that can't confirm its session any more goes back in
    full. Raises a `GatewayError` when the truth can't be had; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if not payment.provider_ref or payment.status == PaymentStatus.SUCCEEDED:
        return payment
    state = gateway(payment.gateway).fetch(payment.provider_ref)
    return _apply(payment_pk, state, source=source, now=now)


def close_checkout(payment_pk: int, *, source: str, now: datetime) -> Payment:
    """Close a checkout at its provider; whoever paid faster has paid. Otherwise as `settle`.

    What can't be closed there is over for us; money that comes of it later is late money.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if payment.status not in AT_PROVIDER:
        return payment
    provider = gateway(payment.gateway)
    state = provider.expire(payment.provider_ref)
    if state.status is PayStatus.OPEN and not provider.can_expire:
        state = replace(state, status=PayStatus.EXPIRED)
    return _apply(payment_pk, state, source=source, now=now)


def _apply(payment_pk: int, state: PaymentState, *, source: str, now: datetime) -> Payment:
    with transaction.atomic():
        booking, payment = lock(payment_pk)
        before = payment.status
        if STATUS_OF[state.status] is PaymentStatus.SUCCEEDED:
            _take_money(payment, booking, state, now)
        else:
            _move_on(payment, state, now)
        payment.refresh_from_db()
    if payment.status != before:
        logger.info(
            "payment", extra={"payment": payment.reference, "status": payment.status, "source": source}
        )
    return payment


def lock(payment_pk: int) -> tuple[Booking, Payment]:
    """Lock in the order of the house: people, booking, payment."""
    booking = lock_booking(Payment.objects.values_list("booking_id", flat=True).get(pk=payment_pk))
    return booking, Payment.objects.select_for_update(of=("self",)).get(pk=payment_pk)


def _take_money(payment: Payment, booking: Booking, state: PaymentState, now: datetime) -> None:
    if not payment.may_become(PaymentStatus.SUCCEEDED):
        return
    asked = Money(payment.amount_minor, payment.currency)
    if state.amount != asked:
        _flag_mismatch(payment, state, asked)
        return
    payment.is_surplus = Payment.objects.counted().filter(booking=booking).exists()
    payment.status = PaymentStatus.SUCCEEDED
    payment.payment_id, payment.failure, payment.succeeded_at = state.payment_id, "", now
    payment.save(update_fields=["is_surplus", "status", "payment_id", "failure", "succeeded_at"])
    payment_succeeded.send(Payment, payment=payment, now=now)
    if payment.is_surplus:
        _give_back(payment, Refund.Reason.SURPLUS, "", now)
        return
    try:
        with transaction.atomic():
            confirm(booking.pk, now=now)
    except SlotGone as reason:
        _give_back(payment, Refund.Reason.NOT_CONFIRMED, str(reason), now)


def _give_back(payment: Payment, reason: Refund.Reason, note: str, now: datetime) -> None:
    """All of it, by itself. The key says what for, so it happens once."""
    request_refund(
        payment.pk,
        amount_minor=payment.amount_minor,
        reason=reason,
        note=note,
        key=f"refund-{payment.reference}-{reason.value}",
        now=now,
    )


def _flag_mismatch(payment: Payment, state: PaymentState, asked: Money) -> None:
    """Money came in that is not what was asked for: nothing is confirmed, and staff decide."""
    came = f"{state.amount.minor} {state.amount.currency}" if state.amount else "an unknown amount"
    reason = f"Asked for {asked.minor} {asked.currency} (minor units), the provider reports {came}."
    if payment.needs_review and payment.review_reason == reason:
        return
    payment.payment_id, payment.needs_review, payment.review_reason = state.payment_id, True, reason
    payment.save(update_fields=["payment_id", "needs_review", "review_reason"])
    logger.error("payment mismatch", extra={"payment": payment.reference, "reason": reason})


def _move_on(payment: Payment, state: PaymentState, now: datetime) -> None:
    """What is not paid: forward, or nothing. A declined card leaves the checkout open, with its reason."""
    status = STATUS_OF[state.status]
    if status != payment.status and not payment.may_become(status):
        return
    changed = status != payment.status
    payment.status, payment.failure = status, state.failure
    payment.save(update_fields=["status", "failure"])
    if changed and status is PaymentStatus.FAILED:
        payment_failed.send(Payment, payment=payment, now=now)


def mark_reviewed(payment_pk: int, *, actor: User, now: datetime) -> bool:
    """Staff have looked at it. The reason stays as history; False when there was nothing to review."""
    flagged = Payment.objects.filter(pk=payment_pk, needs_review=True)
    return bool(flagged.update(needs_review=False, reviewed_at=now, reviewed_by=actor))
