"""Payments that staff have to look at: flagged with a reason, and marked as reviewed when they have."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from payments.models import Payment
from payments.services.locking import lock_payment


def flag_for_review(payment: Payment, reason: str) -> None:
    """Show the payment to staff, with this reason in place of an older one. The row is locked."""
    payment.needs_review, payment.review_reason = True, reason[:300]
    payment.save(update_fields=["needs_review", "review_reason"])


def flag_for_review_once(payment_pk: int, reason: str) -> bool:
    """Show the payment to staff, unless they have been told of this before: then False.

    Reasons that staff have not reviewed yet stay beside the new one. Locks the payment.
    """
    with transaction.atomic():
        payment = lock_payment(payment_pk)
        if reason in payment.review_reason:
            return False
        older = payment.review_reason if payment.needs_review else ""
        flag_for_review(payment, f"{reason} {older}".strip())
        return True


def unflag(payment: Payment) -> None:
    """What staff were to look at has come right by itself. The row is locked."""
    payment.needs_review = False
    payment.save(update_fields=["needs_review"])


def mark_payment_reviewed(payment_pk: int, *, actor: User, now: datetime) -> bool:
    """Staff have looked at it. The reason stays as history. False when there was nothing to review."""
    flagged = Payment.objects.filter(pk=payment_pk, needs_review=True)
    return bool(flagged.update(needs_review=False, reviewed_at=now, reviewed_by=actor))
