"""Refunds' rows follow what a provider says of them, under the payment's lock, and the payment's sums with them."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from payments.gateways import gateway
from payments.gateways.base import Money, RefundResult, RefundState
from payments.models import OWED, UNSETTLED, Payment, PaymentStatus, Refund, RefundStatus
from payments.services.locking import lock_payment, lock_refund
from payments.services.review import flag_for_review, unflag
from payments.signals import refund_failed, refund_succeeded

logger = logging.getLogger(__name__)


def sync_refunds(payment_pk: int, *, now: datetime) -> None:
    """Bring a payment's refunds to what its provider lists: also what failed after all, and what was refunded there.

    Safe to repeat. Raises a `GatewayError` when the list can't be had; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if payment.status == PaymentStatus.SUCCEEDED and payment.payment_id:
        record_refunds(payment_pk, gateway(payment.gateway).list_refunds(payment.payment_id), now=now)


def record_refunds(
    payment_pk: int, states: Sequence[RefundState], *, now: datetime, refused: int | None = None
) -> None:
    """Write down what the provider says of these refunds. What is nobody's was made at the provider itself.

    `refused` is the refund of ours that the provider has just said no to, and so does not have. Locks the payment
    and its refunds. Safe to repeat.
    """
    with transaction.atomic():
        payment = lock_payment(payment_pk)
        rows = list(payment.refunds.select_for_update(of=("self",)).order_by("pk"))
        # Ours first: what is left over may take their reserved money.
        unknown = [state for state in states if not _record_known(payment, rows, state, now)]
        for state in unknown:
            if state.status is not RefundResult.FAILED:
                _record_external(payment, rows, state, states, now=now, refused=refused)


def record_refund_failure(refund_pk: int, error: str, *, now: datetime) -> None:
    """The provider has none of it, and said why. Locks payment and refund; what is settled stays as it is."""
    with transaction.atomic():
        refund, payment = lock_refund(refund_pk)
        if refund.status in UNSETTLED:
            _fail(refund, payment, error, now)


def renew_refund(refund_pk: int, status: RefundStatus) -> bool:
    """Let a refund be sent under a new key, if it is still in that status: the provider certainly has none of it."""
    with transaction.atomic():
        refund, payment = lock_refund(refund_pk)
        if refund.status != status:
            return False
        refund.renewals, refund.provider_id, refund.error = refund.renewals + 1, "", ""
        refund.save(update_fields=["renewals", "provider_id", "error"])
        _change_status(refund, payment, RefundStatus.REQUESTED)
        return True


def mark_refund_succeeded(refund: Refund, payment: Payment, now: datetime) -> None:
    """The one door to a refund's `succeeded`. Both rows are locked; a second call changes nothing."""
    if not refund.may_become(RefundStatus.SUCCEEDED):
        return
    refund.succeeded_at = now
    _change_status(refund, payment, RefundStatus.SUCCEEDED)
    if payment.needs_review and payment.review_reason.startswith(f"{refund.reference} failed"):
        unflag(payment)
    refund_succeeded.send(Refund, refund=refund, now=now)


def _change_status(refund: Refund, payment: Payment, status: RefundStatus) -> bool:
    """Both rows are locked. False, and nothing happens, where that status doesn't follow from the present one.

    A refund succeeds by `mark_refund_succeeded` alone.
    """
    if not refund.may_become(status):
        return False
    _count(refund, payment, -1)
    refund.status = status
    _count(refund, payment, 1)
    payment.save(update_fields=["reserved_minor", "refunded_minor"])
    refund.save(update_fields=["status", "provider_id", "error", "succeeded_at"])
    return True


def _count(refund: Refund, payment: Payment, sign: int) -> None:
    payment.reserved_minor += sign * refund.amount_minor * (refund.status in OWED)
    payment.refunded_minor += sign * refund.amount_minor * (refund.status == RefundStatus.SUCCEEDED)


def _record_known(payment: Payment, rows: Sequence[Refund], state: RefundState, now: datetime) -> bool:
    """False when it is none of our refunds."""
    for refund in rows:
        if refund.provider_id == state.refund_id:
            _record(refund, payment, state, now)
            return True
    for refund in rows:
        if state.our_ref not in refund.sent_refs or refund.provider_id:
            continue
        if state.our_ref == refund.sent_ref or state.status is not RefundResult.FAILED:
            _record(refund, payment, state, now)
        return True
    return False


def _record(refund: Refund, payment: Payment, state: RefundState, now: datetime) -> None:
    if refund.status == RefundStatus.FAILED and refund.provider_id == state.refund_id:
        return  # for a provider that is the end of it, whatever an older answer says
    refund.provider_id = state.refund_id
    if state.status is RefundResult.FAILED:
        _fail(refund, payment, state.failure or "The provider could not refund it.", now)
        return
    refund.error = ""
    if state.status is RefundResult.PENDING:
        _change_status(refund, payment, RefundStatus.PENDING)
    else:
        mark_refund_succeeded(refund, payment, now)


def _fail(refund: Refund, payment: Payment, error: str, now: datetime) -> None:
    """The amount stays reserved, since it is still owed; staff are told by the flag on the payment."""
    refund.error, refund.succeeded_at = error[:300], None
    if not _change_status(refund, payment, RefundStatus.FAILED):
        return
    flag_for_review(payment, f"{refund.reference} failed: {error}")
    refund_failed.send(Refund, refund=refund, now=now)
    logger.error("refund failed", extra={"refund": refund.reference, "reason": error})


def _record_external(
    payment: Payment,
    rows: Sequence[Refund],
    state: RefundState,
    states: Sequence[RefundState],
    *,
    now: datetime,
    refused: int | None,
) -> None:
    if state.amount.currency != payment.currency:
        _flag_refund_mismatch(
            payment, f"{state.refund_id}: {state.amount.currency} went back at the provider."
        )
        return
    unsent = [refund for refund in rows if _is_unsent(refund, refused)]
    same = [each for each in unsent if Money(each.amount_minor, payment.currency) == state.amount]
    if same and _leaves_no_room(payment, same[0], states):
        _record(same[0], payment, state, now)  # somebody was faster, at the provider
        return
    for refund in unsent:
        _shorten(refund, payment, state.amount.minor - _room(payment))
    if state.amount.minor > _room(payment):
        _flag_refund_mismatch(
            payment,
            f"{state.refund_id}: more went back at the provider than was paid and not yet refunded.",
        )
        return
    payment.reserved_minor += state.amount.minor
    refund = Refund.objects.create(
        payment=payment,
        amount_minor=state.amount.minor,
        reason=Refund.Reason.EXTERNAL,
        key=f"external-{payment.reference}-{state.refund_id}"[:100],
        due_at=now,
        created_at=now,
    )
    _record(refund, payment, state, now)


def _flag_refund_mismatch(payment: Payment, reason: str) -> None:
    if payment.review_reason != reason:
        flag_for_review(payment, reason)
        logger.error("refund mismatch", extra={"payment": payment.reference, "reason": reason})


def _room(payment: Payment) -> int:
    return payment.amount_minor - payment.refunded_minor - payment.reserved_minor


def _is_unsent(refund: Refund, refused: int | None) -> bool:
    """Whether the provider certainly has none of it."""
    if refund.status == RefundStatus.REQUESTED:
        return refund.pk == refused or not refund.attempts
    return refund.status == RefundStatus.FAILED


def _leaves_no_room(payment: Payment, refund: Refund, states: Sequence[RefundState]) -> bool:
    gone = sum(state.amount.minor for state in states if state.status is not RefundResult.FAILED)
    return gone + refund.amount_minor > payment.amount_minor


def _shorten(refund: Refund, payment: Payment, excess: int) -> None:
    """What went back at the provider is no longer owed."""
    if excess <= 0:
        return
    if excess >= refund.amount_minor:
        refund.error = "It went back at the payment provider."
        _change_status(refund, payment, RefundStatus.DROPPED)
        return
    refund.amount_minor -= excess
    payment.reserved_minor -= excess
    payment.save(update_fields=["reserved_minor"])
    refund.save(update_fields=["amount_minor"])
