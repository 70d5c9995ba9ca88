"""Disputes: the payer's bank wants the money back, and what the provider says of it decides whose the money is."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from payments.gateways import gateway
from payments.gateways.base import DisputeState, DisputeStatus
from payments.models import Dispute, Payment, PaymentStatus
from payments.services.locking import lock_payment
from payments.services.review import flag_for_review, unflag
from payments.signals import dispute_closed, dispute_opened

logger = logging.getLogger(__name__)


def sync_disputes(payment_pk: int, *, now: datetime) -> None:
    """Bring a payment's disputes to what its provider lists. The session stays as it is.

    While one is open nothing is paid out for the payment and nothing refunded; a lost one is lost money, and a
    won one as if it had never been. Safe to repeat. Raises a `GatewayError`; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if payment.status == PaymentStatus.SUCCEEDED and payment.payment_id:
        _record(payment_pk, gateway(payment.gateway).list_disputes(payment.payment_id), now)


def _record(payment_pk: int, states: Iterable[DisputeState], now: datetime) -> None:
    with transaction.atomic():
        payment = lock_payment(payment_pk)
        for state in states:
            _record_one(payment, state, now)
        rows = list(payment.disputes.all())
        payment.is_disputed = any(each.status == Dispute.Status.OPEN for each in rows)
        payment.lost_minor = sum(
            each.amount_minor for each in rows if each.status == Dispute.Status.LOST and not each.is_inquiry
        )
        payment.save(update_fields=["is_disputed", "lost_minor"])


def _record_one(payment: Payment, state: DisputeState, now: datetime) -> None:
    dispute = payment.disputes.filter(dispute_id=state.dispute_id).first()
    status = dispute.status if dispute else None
    if dispute is None:
        opened_at = state.created or now
        dispute = Dispute(payment=payment, dispute_id=state.dispute_id, opened_at=opened_at)
    dispute.is_inquiry, dispute.reason = state.is_inquiry, state.reason[:300]
    dispute.status, dispute.amount_minor = state.status.value, _amount(payment, state)
    if status != dispute.status:
        # A bank may take a case up again.
        dispute.closed_at = None if state.status is DisputeStatus.OPEN else now
    dispute.save()
    if status == dispute.status:
        return
    _tell_staff(payment, dispute)
    announced = dispute_opened if state.status is DisputeStatus.OPEN else dispute_closed
    announced.send(Dispute, dispute=dispute, now=now)


def _tell_staff(payment: Payment, dispute: Dispute) -> None:
    words = f"{'Inquiry' if dispute.is_inquiry else 'Dispute'} {dispute.dispute_id}"
    facts = {"payment": payment.reference, "dispute": dispute.dispute_id, "status": dispute.status}
    if dispute.status != Dispute.Status.WON:
        flag_for_review(payment, f"{words} is {dispute.status}: {dispute.reason or 'no reason given'}.")
        logger.error("dispute", extra=facts)
        return
    logger.info("dispute", extra=facts)
    if payment.needs_review and f" {dispute.dispute_id} is " in payment.review_reason:
        unflag(payment)


def _amount(payment: Payment, state: DisputeState) -> int:
    """In another currency, as some banks keep their books, it is all of the payment until staff know better."""
    return state.amount.minor if state.amount.currency == payment.currency else payment.amount_minor
