"""Ending a session before it takes place, by one of its two people or by staff."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.cancellation import RefundChoice, Terms, terms_of
from bookings.models import Booking, Status
from bookings.permissions import why_not_cancel, why_staff_can_not_cancel
from bookings.services.errors import NotAllowed, QuoteChanged
from bookings.services.locking import lock_booking
from bookings.services.transitions import end


def cancel(
    booking_pk: int, *, actor: User, now: datetime, reason: str = "", quoted: str | None = None
) -> Booking:
    """End a session before its start; of what was paid goes back what its policy gives.

    `quoted` is the `Terms.token` of what the person has seen; with other terms now, `QuoteChanged` is raised.
    Raises `NotAllowed`, in words for the person. Quiet when it is cancelled already.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status == Status.CANCELLED:
            return booking
        terms = terms_of(booking, now)
        if refused := why_not_cancel(booking, actor, now) or terms.refusal:
            raise NotAllowed(refused)
        _refuse_unseen(terms, quoted, booking.currency)
        refund_minor = terms.quote.refund_minor
        return end(booking, Status.CANCELLED, now=now, actor=actor, note=reason, refund_minor=refund_minor)


def cancel_by_staff(
    booking_pk: int,
    *,
    actor: User,
    now: datetime,
    reason: str,
    give_back: RefundChoice,
    part_minor: int = 0,
    quoted: str | None = None,
) -> Booking:
    """End a session before its end, with what staff decide to give back. `quoted` is as in `cancel`.

    Raises `NotAllowed` and `QuoteChanged`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if refused := why_staff_can_not_cancel(booking, now):
            raise NotAllowed(refused)
        terms = terms_of(booking, now)
        _refuse_unseen(terms, quoted, booking.currency)
        refund_minor = terms.chosen(give_back, part_minor)
        if give_back is RefundChoice.PART and not 0 < part_minor <= terms.left_minor:
            raise NotAllowed("A part is more than nothing and at most what is left of the payment.")
        if refund_minor and terms.refusal:
            raise NotAllowed(terms.refusal)
        return end(booking, Status.CANCELLED, now=now, actor=actor, note=reason, refund_minor=refund_minor)


def _refuse_unseen(terms: Terms, quoted: str | None, currency: str) -> None:
    """Raises `QuoteChanged`."""
    if quoted is not None and (changed := terms.change_since(quoted, currency)):
        raise QuoteChanged(changed)
