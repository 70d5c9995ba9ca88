"""The mentor's answer to a request."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from bookings.models import Booking, BookingEvent, Status
from bookings.permissions import NOT_OPEN, why_not_accept, why_not_decline
from bookings.services.confirming import schedule
from bookings.services.errors import NotAllowed
from bookings.services.holds import hold
from bookings.services.locking import lock_booking
from bookings.services.transitions import end, record

# A hold for payment after the mentor's approval: a day, but an hour before the start at the latest.
PAY_WITHIN = timedelta(hours=24)
PAY_BEFORE_START = timedelta(hours=1)


def accept(booking_pk: int, *, actor: User, now: datetime) -> Booking:
    """The mentor says yes to a request: free ones are scheduled, paid ones held for payment.

    Quiet when it is accepted already. Raises `NotAllowed`, in words for the mentor, and `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status in (Status.SCHEDULED, Status.AWAITING_PAYMENT) and booking.requires_approval:
            return booking
        if refused := why_not_accept(booking, actor, now) or _without_time(booking):
            raise NotAllowed(refused)
        booking.respond_by = None
        record(booking, BookingEvent.Kind.ACCEPTED, now=now, actor=actor)
        if booking.is_free:
            return schedule(booking, now=now, actor=actor)
        until = min(now + PAY_WITHIN, booking.starts_at - PAY_BEFORE_START)
        return hold(booking, until, now=now, actor=actor)


def decline(booking_pk: int, *, actor: User, now: datetime, reason: str = "") -> Booking:
    """The mentor says no to a request. Quiet when it is declined already.

    Raises `NotAllowed`, in words for the mentor, and `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status == Status.DECLINED:
            return booking
        if refused := why_not_decline(booking, actor, now) or _without_time(booking):
            raise NotAllowed(refused)
        return end(booking, Status.DECLINED, now=now, actor=actor, note=reason)


def _without_time(booking: Booking) -> str:
    """It has lapsed for somebody whose clock is ahead of ours, who took its claims away."""
    return "" if booking.claims.exists() else NOT_OPEN
