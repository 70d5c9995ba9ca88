"""A session takes place: who came, and that it is over."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.models import Booking, BookingEvent, Status
from bookings.permissions import why_not_join
from bookings.services.errors import NotAllowed
from bookings.services.locking import lock_booking
from bookings.services.transitions import move_by_clock, record
from mentors.mentor_stats import count_session

JOINED = BookingEvent.Kind.JOINED


def join(booking_pk: int, *, actor: User, now: datetime) -> None:
    """Record that this person came, once: it is evidence when somebody says the other did not.

    Only the student and the mentor arrive. Raises `NotAllowed`, in words for the person.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if refused := why_not_join(booking, actor, now):
            raise NotAllowed(refused)
        if not booking.events.filter(kind=JOINED, actor=actor).exists():
            record(booking, JOINED, now=now, actor=actor)


def complete(booking_pk: int, *, now: datetime) -> bool:
    """Complete a scheduled session whose end has passed. False when it has not, or somebody else was first."""
    with transaction.atomic():
        booking = move_by_clock(Booking.objects.over(now), booking_pk, Status.COMPLETED, now=now)
        if booking is None:
            return False
        count_session(booking.mentor_id)
        return True
