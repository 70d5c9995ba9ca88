"""Stripe's objects as the values of `payments.gateways.base`, and amounts as Stripe writes them.

https://docs.stripe.com/api
"""

from datetime import UTC, datetime
from typing import Any

from lib.money import step
from lib.redaction import redacted
from payments.gateways.base import (
    DisputeState,
    DisputeStatus,
    GatewayRejected,
    Money,
    PaymentMethod,
    PaymentState,
    PayStatus,
    RefundResult,
    RefundState,
)

# What Stripe may add to these is neither done nor failed, and asked after again.
INTENT_STATUS = {
    "requires_payment_method": PayStatus.OPEN,
    "requires_confirmation": PayStatus.OPEN,
    "requires_action": PayStatus.OPEN,
    "processing": PayStatus.PROCESSING,
    "requires_capture": PayStatus.AUTHORIZED,
    "succeeded": PayStatus.PAID,
    "canceled": PayStatus.CANCELED,
}
REFUND_STATUS = {
    "pending": RefundResult.PENDING,
    "requires_action": RefundResult.PENDING,
    "succeeded": RefundResult.SUCCEEDED,
    "failed": RefundResult.FAILED,
    "canceled": RefundResult.FAILED,
}
DISPUTE_STATUS = {
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
BRANDS = {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "diners": "Diners Club"}


def to_wire(money: Money) -> int:
    """Raises `GatewayRejected` for thousandths whose last digit is not 0, which Stripe would refuse."""
    if money.minor % step(money.currency):
        raise GatewayRejected(f"{money} is finer than Stripe takes")
    return money.minor


def from_wire(minor: int, currency: str) -> Money:
    """In Stripe's own minor units, also of a currency that is not traded here."""
    return Money(minor, currency.upper())


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def session_state(session: dict[str, Any]) -> PaymentState:
    """Of a Checkout session with its intent and charge. Raises `GatewayRejected` for one that takes no payment."""
    if session["mode"] != "payment":
        raise GatewayRejected(f"{session['id']} is no payment")
    intent = session["payment_intent"] or {}
    return PaymentState(
        provider_ref=session["id"],
        status=(status := _session_status(session, intent)),
        created=moment(session["created"]),
        our_ref=session["client_reference_id"] or "",
        failure=_failure(intent) if status is not PayStatus.PAID else "",
        **_money(status, session["amount_total"], session["currency"], intent),
    )


def _session_status(session: dict[str, Any], intent: dict[str, Any]) -> PayStatus:
    if session["payment_status"] == "paid":
        return PayStatus.PAID
    if session["status"] != "complete":
        return PayStatus(session["status"])
    # A delayed way of paying: completed, and then the money comes or not.
    status = INTENT_STATUS.get(intent["status"], PayStatus.PROCESSING)
    return PayStatus.FAILED if status is PayStatus.OPEN else status


def intent_state(intent: dict[str, Any]) -> PaymentState:
    status = INTENT_STATUS.get(intent["status"], PayStatus.PROCESSING)
    return PaymentState(
        provider_ref=intent["id"],
        status=status,
        created=moment(intent["created"]),
        our_ref=intent["metadata"].get("payment", ""),
        failure=_failure(intent) if status is not PayStatus.PAID else "",
        **_money(
            status,
            intent["amount_received" if status is PayStatus.PAID else "amount"],
            intent["currency"],
            intent,
        ),
    )


def _money(status: PayStatus, minor: int, currency: str, intent: dict[str, Any]) -> dict[str, Any]:
    """What is known once a payer has gone through with it."""
    if status not in (PayStatus.PAID, PayStatus.PROCESSING, PayStatus.AUTHORIZED):
        return {}
    charge = intent.get("latest_charge") or {}
    booked = charge.get("balance_transaction") or {}
    return {
        "payment_id": intent.get("id", ""),
        "amount": from_wire(minor, currency),
        "fee": from_wire(booked["fee"], booked["currency"]) if booked else None,
        "refunded": from_wire(charge["amount_refunded"], charge["currency"]) if charge else None,
        "disputed": bool(charge.get("disputed")),
    }


def _failure(intent: dict[str, Any]) -> str:
    """Only what a bank says is written for payers."""
    error = intent.get("last_payment_error")
    if not error:
        return ""
    return redacted(error["message"]) if error["type"] == "card_error" else "The payment did not go through."


def refund_state(refund: dict[str, Any]) -> RefundState:
    status = REFUND_STATUS.get(refund["status"], RefundResult.PENDING)
    reason = (refund.get("failure_reason") or refund["status"]).replace("_", " ")
    return RefundState(
        refund_id=refund["id"],
        payment_id=refund["payment_intent"] or "",
        status=status,
        amount=from_wire(refund["amount"], refund["currency"]),
        our_ref=(refund["metadata"] or {}).get("refund", ""),
        failure=f"Stripe could not refund it: {reason}" if status is RefundResult.FAILED else "",
    )


def dispute_state(dispute: dict[str, Any]) -> DisputeState:
    return DisputeState(
        dispute_id=dispute["id"],
        payment_id=dispute["payment_intent"] or "",
        status=DISPUTE_STATUS.get(dispute["status"], DisputeStatus.OPEN),
        amount=from_wire(dispute["amount"], dispute["currency"]),
        reason=dispute["reason"].replace("_", " "),
        is_inquiry=dispute["status"].startswith("warning_"),
        created=moment(dispute["created"]),
    )


def payment_method(method: dict[str, Any]) -> PaymentMethod:
    card = method["card"]
    brand = BRANDS.get(card["brand"], str(card["brand"]).replace("_", " ").title())
    return PaymentMethod(method["id"], brand, card["last4"], card["exp_month"], card["exp_year"])
