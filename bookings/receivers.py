from datetime import datetime
from functools import partial
from typing import Any

from allauth.account.signals import user_logged_in
from allauth.core.exceptions import ImmediateHttpResponse
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.closing import Obstacle, account_closed, account_closing
from accounts.models import User
from accounts.services import CannotClose
from bookings import signals, tasks
from bookings.booker.guests import book_after_sign_in
from bookings.models import HOLDING, Booking
from bookings.permissions import MENTOR_GONE
from bookings.services import end_waiting, forget_words, keep_openings_of, mark_changed, withdraw
from lib.enqueue import enqueue_on_commit
from mentors.models import Mentor
from mentors.signals import mentor_changed, mentor_suspended

# Those that take somebody's time or give it back.
OF_TIME = [
    *(signals.booking_requested, signals.booking_held, signals.booking_scheduled),
    *(signals.booking_declined, signals.booking_cancelled, signals.booking_expired),
    *(signals.booking_moved, signals.move_requested, signals.move_request_closed),
]


@receiver(mentor_suspended, dispatch_uid="bookings.end_what_waits")
def end_what_waits(mentor: Mentor, by: User, now: datetime, **_: Any) -> None:
    """Nobody waits for an answer that can't come, or pays for a session that can't be had.

    After the commit, since each end locks its student too, and people are locked lowest id first.
    """
    for pk in Booking.objects.for_mentor(mentor).filter(status__in=HOLDING).values_list("pk", flat=True):
        end = partial(withdraw, pk, actor=by, now=now, reason=MENTOR_GONE)
        transaction.on_commit(end, robust=True)


@receiver(account_closing, dispatch_uid="bookings.end_waiting")
def end_waiting_of_person(user: User, now: datetime, **_: Any) -> None:
    end_waiting(user, now=now)


@receiver(account_closed, dispatch_uid="bookings.forget")
def forget(user: User, now: datetime, **_: Any) -> None:
    """Whoever books locks both people, so nothing can come in any more; what came in just before is in the way.

    Raises `CannotClose`.
    """
    if Booking.objects.of(user).waiting(now).exists():
        raise CannotClose([Obstacle("Something was booked this very moment.")])
    forget_words(user)


@receiver(OF_TIME, dispatch_uid="bookings.mark_openings")
def mark_openings(booking: Booking, **_: Any) -> None:
    mark_changed([booking.student_id, booking.mentor.user_id])
    enqueue_on_commit(tasks.refresh_openings)


@receiver(mentor_changed, dispatch_uid="bookings.keep_openings")
def keep_openings(mentor: Mentor, **_: Any) -> None:
    keep_openings_of(mentor)
    enqueue_on_commit(tasks.refresh_openings)


@receiver(user_logged_in, dispatch_uid="bookings.book_what_was_pressed")
def book_what_was_pressed(request: HttpRequest, user: User, purpose: str = "", **_: Any) -> None:
    """After the last step of signing in, whichever it is. Raises `ImmediateHttpResponse` with the way on."""
    if purpose and (answer := book_after_sign_in(request, user, purpose)):
        raise ImmediateHttpResponse(answer)
