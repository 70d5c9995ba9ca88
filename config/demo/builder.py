"""Fills a database with the demo: everything is relative to `now`, and the same for the same `now`."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from django.db import connection, transaction

from accounts.models import User
from bookings.models import Booking, Review
from bookings.services import rebuild_openings
from config.demo.cast import ACCOUNTS, fill_cast, fill_fields
from config.demo.money import pay_mentors
from config.demo.past import fill_past
from config.demo.plans import load_sessions
from config.demo.sessions import live_through
from mentors.services import keep_figures

SEED = 1


@dataclass(frozen=True)
class Filled:
    mentors: int
    students: int
    sessions: int
    reviews: int


def is_filled() -> bool:
    return User.objects.filter(email__in=ACCOUNTS).exists()


@transaction.atomic
def fill(now: datetime) -> Filled | None:
    """All of it, or nothing when one of its accounts is there already; None says so.

    In one transaction, so that no worker sees a message before it counts as sent, and nobody half a demo.
    References are random, as everywhere.
    """
    if is_filled():
        return None
    waiting = len(connection.run_on_commit)
    cast = fill_cast(now)
    fill_fields()
    for plan in load_sessions():
        live_through(plan, cast, now)
    fill_past(cast, Random(SEED), now)  # noqa: S311
    pay_mentors(cast, now)
    keep_figures(now)
    rebuild_openings(now)
    # Nothing is due, so no worker need be woken: not for a mail of last week, nor for any other of the demo's past.
    del connection.run_on_commit[waiting:]
    mentors = cast.mentors.values()
    return Filled(
        mentors=len(mentors),
        students=len(cast.students),
        sessions=Booking.objects.filter(mentor__in=mentors).count(),
        reviews=Review.objects.filter(booking__mentor__in=mentors).count(),
    )
