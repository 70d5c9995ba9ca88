"""One of a session's two people is gone, or is about to be: what waits for them ends."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.models import HOLDING, Booking, BookingEvent, MoveRequest, Status
from bookings.services.locking import lock_booking
from bookings.services.transitions import end

GONE = {True: "The student closed their account.", False: "The mentor closed their account."}


def withdraw(booking_pk: int, *, actor: User | None, now: datetime, reason: str) -> bool:
    """End a hold or a request because one of its two people is gone. False when it is neither any more.

    A session that was agreed or paid meanwhile stays. Raises `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status not in HOLDING or booking.is_lapsed(now):
            return False
        end(booking, Status.CANCELLED, now=now, actor=actor, note=reason)
        return True


def end_waiting(user: User, *, now: datetime) -> None:
    """End the person's open requests and unpaid holds, as student and as mentor.

    Each in a transaction of its own, since its two people are locked lowest id first. Safe to repeat.
    """
    waiting = Booking.objects.of(user).waiting(now)
    for pk, student in list(waiting.values_list("pk", "student")):
        withdraw(pk, actor=user, now=now, reason=GONE[student == user.pk])


def forget_words(user: User) -> None:
    """What they told mentors beforehand, and gave as reasons. Reviews stay: others read them, under no name."""
    Booking.objects.filter(student=user).update(topic="", notes="")
    BookingEvent.objects.filter(actor=user).update(note="")
    MoveRequest.objects.filter(asked_by=user).update(reason="")
