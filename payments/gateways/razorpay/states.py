"""Razorpay's entities as the values of `payments.gateways.base`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from lib.redaction import redacted
from payments.gateways.base import (
    DisputeState,
    DisputeStatus,
    Money,
    PaymentState,
    PayStatus,
    RefundResult,
    RefundState,
)
from payments.gateways.razorpay.client import Entity

# How long Razorpay is left to capture a payment by itself, as each order asks it to, before we do.
CAPTURE_GRACE = timedelta(minutes=1)
RETURNED_LATE = "The bank confirmed the payment too late, so it was returned to you."
REFUND_RESULT = {
    "pending": RefundResult.PENDING,
    "processed": RefundResult.SUCCEEDED,
    "failed": RefundResult.FAILED,
}
# A closed dispute is one that ended without a deduction. https://razorpay.com/docs/api/disputes/entity/
DISPUTE_STATUS = {
    "open": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "closed": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
INQUIRIES = ("fraud", "retrieval")


def payment_state(order_id: str, payments: Sequence[Entity], order: Entity | None = None) -> PaymentState:
    """Of all the tries on an order: money that came in counts most, then money that may, then the last try.

    Where a bank settles with the merchant directly, Razorpay captures whatever comes in, also for an order that is
    paid: https://razorpay.com/docs/payments/payments/capture-settings
    """
    tries = sorted(payments, key=age)
    status, failure, shown = PayStatus.OPEN, "", None
    if came_in := [each for each in tries if _came_in(each)]:
        status, shown = PayStatus.PAID, came_in[0]
    elif authorized := [each for each in tries if each["status"] == "authorized"]:
        status, shown = PayStatus.AUTHORIZED, authorized[0]
    elif order and order["status"] == "paid":
        status = PayStatus.PROCESSING  # its payment is not listed yet
    elif tries and tries[-1]["status"] == "refunded":
        status, failure = PayStatus.FAILED, RETURNED_LATE
    elif tries and tries[-1]["status"] == "failed":
        failure = redacted(tries[-1]["error_description"] or "The payment failed.")
    return PaymentState(
        provider_ref=order_id,
        status=status,
        amount=Money(shown["amount"], shown["currency"]) if shown else None,
        payment_id=shown["id"] if shown else "",
        failure=failure[:300],
        fee=_fee(shown) if shown else None,
        refunded=Money(shown["amount_refunded"] or 0, shown["currency"]) if shown else None,
        created=moment((order or tries[0])["created_at"]),
        attempts=order["attempts"] if order else len(tries),
        our_ref=note(order or tries[0], "payment"),
        second_payments=tuple(payment_state(order_id, [each], order) for each in came_in[1:]),
        raw={"order": order, "payments": tries},
    )


def _came_in(payment: Entity) -> bool:
    """What was refunded had come in before, unless it never was captured and Razorpay returned it by itself."""
    return payment["status"] == "captured" or (payment["status"] == "refunded" and bool(payment["captured"]))


def left_authorized(order: Entity, payments: Sequence[Entity]) -> Entity | None:
    """The payment of an unpaid order that Razorpay should have captured by now."""
    if order["status"] == "paid" or any(_came_in(each) for each in payments):
        return None
    before = (timezone.now() - CAPTURE_GRACE).timestamp()
    for each in sorted(payments, key=age):
        in_full = (each["amount"], each["currency"]) == (order["amount"], order["currency"])
        if each["status"] == "authorized" and in_full and each["created_at"] <= before:
            return each
    return None


def _fee(payment: Entity) -> Money | None:
    """With its tax; in rupees also when the payment was not. https://razorpay.com/docs/api/payments/entity/"""
    if payment["fee"] is None:
        return None
    return Money(payment["fee"], payment.get("base_currency") or payment["currency"])


def refund_state(refund: Entity) -> RefundState:
    status = REFUND_RESULT.get(refund["status"], RefundResult.PENDING)
    return RefundState(
        refund_id=refund["id"],
        payment_id=refund["payment_id"],
        status=status,
        amount=Money(refund["amount"], refund["currency"]),
        our_ref=refund["receipt"] or "",
        failure="Razorpay could not make the refund." if status is RefundResult.FAILED else "",
    )


def dispute_state(dispute: Entity) -> DisputeState:
    deducted = dispute["amount_deducted"] or 0
    return DisputeState(
        dispute_id=dispute["id"],
        payment_id=dispute["payment_id"],
        status=DISPUTE_STATUS.get(dispute["status"], DisputeStatus.OPEN),
        amount=Money(deducted or dispute["amount"], dispute["currency"]),
        reason=dispute.get("reason_description") or dispute["reason_code"] or "",
        is_inquiry=dispute["phase"] in INQUIRIES and not deducted,
        created=moment(dispute["created_at"]),
    )


def note(entity: Entity, name: str) -> str:
    """Notes that are empty come as a list."""
    notes = entity.get("notes")
    return str(notes.get(name, "")) if isinstance(notes, dict) else ""


def age(entity: Entity) -> tuple[int, str]:
    """Of those made in the same second the ids tell: they grow with time."""
    return entity["created_at"], entity["id"]


def moment(stamp: Any) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int) else None
