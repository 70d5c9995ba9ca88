"""Money of another amount or currency than was asked for: nothing is confirmed, and staff decide.

What they have not decided on when the session can't take place any more goes back by itself.
"""

import logging
from datetime import datetime

from django.db import transaction

from bookings.services import extend_hold, release_hold
from lib.money import format_money
from payments.gateways import gateway
from payments.gateways.base import Money, PaymentState, PayStatus
from payments.models import ASK_LATEST, Payment, PaymentStatus, Refund
from payments.services.locking import lock_booking_and_payment
from payments.services.refunds import NotRefundable, refund_in_full
from payments.services.review import flag_for_review
from payments.services.success import (
    fits_columns,
    flag_if_of_another_order,
    mark_succeeded,
    other_order_with,
)

logger = logging.getLogger(__name__)


def flag_mismatch(payment: Payment, state: PaymentState, now: datetime) -> None:
    """Staff are told, and the time is kept for as long as they can decide: until the session's start.

    People, booking and payment are locked. A second call with the same state changes nothing.
    """
    came = f"{state.amount.minor} {state.amount.currency}" if state.amount else "an unknown amount"
    asked = f"{payment.amount_minor} {payment.currency}"
    reason = f"Asked for {asked} (minor units), the provider reports {came}."
    if payment.review_reason == reason or flag_if_of_another_order(payment, state):
        return
    payment.payment_id = state.payment_id
    payment.save(update_fields=["payment_id"])
    flag_for_review(payment, reason)
    logger.error("payment mismatch", extra={"payment": payment.reference, "reason": reason})
    extend_hold(payment.booking_id, until=payment.booking.starts_at, now=now)


def refund_mismatched_payment(payment_pk: int, *, now: datetime) -> Payment:
    """Write down what came in as it is, for no session, and send all of it back. The time is no longer kept.

    Asks the provider, then locks people, booking and payment. Raises `NotRefundable` when nothing of that kind came
    in or when it can go back at the provider only, or a `GatewayError`; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    state = gateway(payment.gateway).fetch(payment.provider_ref)
    with transaction.atomic():
        booking, payment = lock_booking_and_payment(payment_pk)
        asked = Money(payment.amount_minor, payment.currency)
        came = state.amount if state.status is PayStatus.PAID else None
        if came is None or came == asked or not payment.may_become(PaymentStatus.SUCCEEDED):
            raise NotRefundable("No other amount than was asked for has come in.")
        if not fits_columns(came) or other_order_with(payment, state):
            raise NotRefundable("This can be given back at the provider only.")
        payment.amount_minor, payment.currency, payment.platform_fee_minor = came.minor, came.currency, 0
        payment.needs_review = False
        payment.save(update_fields=["amount_minor", "currency", "platform_fee_minor", "needs_review"])
        mark_succeeded(payment, state, is_surplus=True, now=now)
        agreed = format_money(asked.minor, asked.currency)
        note = f"It was not the {agreed} that was agreed."
        refund_in_full(payment, Refund.Reason.NOT_CONFIRMED, note=note, now=now)
        if not Payment.objects.live().filter(booking=booking).exists():
            release_hold(booking.pk, now=now)
        payment.refresh_from_db()
    return payment


def refund_undecided_mismatch(payment_pk: int, *, now: datetime) -> Payment:
    """`refund_mismatched_payment` for what staff have not decided on before its session ended.

    What can't go back by itself stays with staff, and is looked at again later. Raises a `GatewayError`.
    """
    try:
        return refund_mismatched_payment(payment_pk, now=now)
    except NotRefundable as reason:
        Payment.objects.filter(pk=payment_pk).update(ask_at=now + ASK_LATEST)
        logger.warning("payment not given back", extra={"payment": payment_pk, "reason": str(reason)})
    return Payment.objects.get(pk=payment_pk)
