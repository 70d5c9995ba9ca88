from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.models import User
from bookings.models import HOLDING, Booking
from bookings.services import withdraw
from mentors.models import Mentor
from mentors.signals import mentor_suspended

MENTOR_GONE = "The mentor takes no sessions at the moment."


@receiver(mentor_suspended, dispatch_uid="bookings.end_what_waits")
def end_what_waits(mentor: Mentor, by: User, now: datetime, **_: Any) -> None:
    """Nobody waits for an answer that can't come, or pays for a session that can't be had.

    After the commit, since each end locks its student too, and people are locked lowest id first.
    """
    for pk in Booking.objects.for_mentor(mentor).filter(status__in=HOLDING).values_list("pk", flat=True):
        end = partial(withdraw, pk, actor=by, now=now, reason=MENTOR_GONE)
        transaction.on_commit(end, robust=True)
