"""One of a session's two people closes their account."""

from datetime import datetime

from accounts.models import User
from bookings.models import HOLDING, Booking, BookingEvent, BookingQuerySet
from bookings.services.transitions import withdraw

GONE = {True: "The student closed their account.", False: "The mentor closed their account."}


def waiting_of(user: User, now: datetime) -> BookingQuerySet:
    """Their open requests and unpaid holds, as student and as mentor."""
    return Booking.objects.of(user).filter(status__in=HOLDING).exclude(pk__in=Booking.objects.lapsed(now))


def end_waiting(user: User, *, now: datetime) -> None:
    """Each in a transaction of its own, since its two people are locked lowest id first. Safe to repeat."""
    for pk, student in list(waiting_of(user, now).values_list("pk", "student")):
        withdraw(pk, actor=user, now=now, reason=GONE[student == user.pk])


def forget_words(user: User) -> None:
    """What they told mentors beforehand, and gave as reasons. Reviews stay: others read them, under no name."""
    Booking.objects.filter(student=user).update(topic="", notes="")
    BookingEvent.objects.filter(actor=user).update(note="")
