"""The one door to "paid": nothing else makes a payment `succeeded`."""

import logging
from datetime import datetime

from payments.gateways.base import GatewayError, Money, PaymentState, PayStatus
from payments.models import Payment, PaymentStatus
from payments.services.disputes import sync_disputes
from payments.services.refund_sync import sync_refunds
from payments.services.review import flag_for_review
from payments.signals import payment_succeeded

logger = logging.getLogger(__name__)

# What a column of minor units holds.
MOST_MINOR = 2_147_483_647


def mark_succeeded(payment: Payment, state: PaymentState, *, is_surplus: bool, now: datetime) -> None:
    """Write down that the money of a payment came in, and announce it.

    `payment` is locked together with its booking and people, or is a second payment whose row is written here.
    `state` is what its provider says of it. With `is_surplus` it pays for no session, and all of it goes back: that
    is the caller's to do. Raises `ValueError` unless the provider says that exactly this amount is paid, and when
    the payment can't become `succeeded` from where it is.
    """
    asked = Money(payment.amount_minor, payment.currency)
    if state.status is not PayStatus.PAID or state.amount != asked:
        raise ValueError(f"{payment} asks for {asked}, and {state.amount} is {state.status}")
    if not payment.may_become(PaymentStatus.SUCCEEDED):
        raise ValueError(f"{payment} is {payment.status} and can't succeed")
    payment.status, payment.succeeded_at, payment.is_surplus = PaymentStatus.SUCCEEDED, now, is_surplus
    payment.payment_id, payment.failure, payment.ask_at = state.payment_id, "", None
    set_provider_fee(payment, state)
    changed = [
        *("status", "succeeded_at", "is_surplus", "payment_id", "failure", "ask_at"),
        *("provider_fee_minor", "provider_fee_currency"),
    ]
    payment.save(update_fields=None if payment._state.adding else changed)
    payment_succeeded.send(Payment, payment=payment, now=now)


def flag_if_of_another_order(payment: Payment, state: PaymentState) -> bool:
    """Whether the provider names a payment that another order has: one payment pays once. The row is locked."""
    other = other_order_with(payment, state)
    if other is None:
        return False
    reason = f"The provider reports payment {state.payment_id}, which is {other.reference}'s."[:300]
    if payment.review_reason != reason:
        flag_for_review(payment, reason)
        logger.error("payment mismatch", extra={"payment": payment.reference, "reason": reason})
    return True


def other_order_with(payment: Payment, state: PaymentState) -> Payment | None:
    """The other order, if any, with the payment that the provider names for this one."""
    if not state.payment_id:
        return None
    same = Payment.objects.filter(gateway=payment.gateway, payment_id=state.payment_id)
    return same.exclude(pk=payment.pk).first()


def set_provider_fee(payment: Payment, state: PaymentState) -> None:
    """What the provider keeps, where it says so. The caller saves the payment."""
    if state.fee and fits_columns(state.fee):
        payment.provider_fee_minor, payment.provider_fee_currency = state.fee.minor, state.fee.currency


def fits_columns(money: Money) -> bool:
    """Whether a payment's columns can hold it: providers know currencies, and amounts, that they have no room for."""
    return 0 <= money.minor <= MOST_MINOR and len(money.currency) == 3


def sync_what_followed(payment: Payment, state: PaymentState, now: datetime) -> None:
    """Bring refunds and disputes up to date of a payment whose success was heard of late.

    Call it outside any transaction: it asks the provider. What can't be had now is found by the provider's event or
    the reconciliation.
    """
    try:
        if state.refunded and state.refunded.minor:
            sync_refunds(payment.pk, now=now)
        if state.disputed:
            sync_disputes(payment.pk, now=now)
    except GatewayError as error:
        logger.warning("payment followed later", extra={"payment": payment.reference, "reason": str(error)})
    payment.refresh_from_db()
