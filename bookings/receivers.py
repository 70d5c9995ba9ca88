from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.closing import Obstacle, account_closed, account_closing
from accounts.models import User
from accounts.services import CannotClose
from bookings.models import HOLDING, Booking
from bookings.permissions import MENTOR_GONE
from bookings.services import end_waiting, forget_words, withdraw
from mentors.models import Mentor
from mentors.signals import mentor_suspended


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
