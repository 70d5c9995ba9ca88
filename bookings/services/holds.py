"""Holds: a time that is kept for its student to pay, until a clock runs out or another time is picked."""

from datetime import datetime
from functools import partial

from django.db import transaction

from accounts.models import User
from bookings.models import LONGEST_CLAIM, Booking, Status, TimeClaim
from bookings.services.claims import free_proposed, free_time, keep_time
from bookings.services.locking import lock_booking
from bookings.services.transitions import end, move, move_by_clock
from lib.sweeping import attempt, row_of
from mentors.models import SessionType

# The sweep's name for what lapses.
EXPIRE = "bookings.expire"


def hold(booking: Booking, until: datetime, *, now: datetime, actor: User | None) -> Booking:
    """Keep a locked request's time for its student to pay, until that instant. Raises `NotAllowed`."""
    booking.hold_expires_at = until
    keep_time(booking, until)
    return move(booking, Status.AWAITING_PAYMENT, now=now, actor=actor)


def extend_hold(booking_pk: int, *, until: datetime, now: datetime) -> Booking:
    """Let a hold that has not lapsed last until then: never past the session's start, and never shorter than it was.

    Locks the two people and the session. Safe to repeat. Raises `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        until = min(until, booking.starts_at)
        is_shorter = booking.hold_expires_at is not None and booking.hold_expires_at < until
        # Without its claims it has lapsed for somebody whose clock is ahead of ours.
        if booking.payable_at(now) and is_shorter and keep_time(booking, until):
            booking.hold_expires_at = until
            booking.save(update_fields=["hold_expires_at"])
        return booking


def release_hold(booking_pk: int, *, now: datetime) -> bool:
    """End a hold before its time. False when there is none. Raises `Booking.DoesNotExist`."""
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status != Status.AWAITING_PAYMENT:
            return False
        if not booking.is_lapsed(now):
            booking.hold_expires_at = now
            booking.save(update_fields=["hold_expires_at"])
        return expire(booking_pk, now=now)


def replace_hold(session_type: SessionType, *, student: User, now: datetime) -> None:
    """End the student's own open hold of that type, because they pick another time.

    Call it with the two people locked. The session's row is locked besides, and looked at again with that: the
    clock ends holds without locking people.
    """
    held = Booking.objects.given_up_for(session_type, student, now)
    for booking in held.with_people().select_for_update(of=("self",)):
        end(booking, Status.CANCELLED, now=now, actor=student, note="Another time was picked instead.")


def expire(booking_pk: int, *, now: datetime) -> bool:
    """End a hold or a request that has lapsed by now. False when it has not, or somebody else was first."""
    with transaction.atomic():
        return bool(move_by_clock(Booking.objects.lapsed(now), booking_pk, Status.EXPIRED, now=now))


def expire_lapsed(people: list[int], now: datetime) -> None:
    """End what has lapsed and still stands in these locked people's time, as far as it is to come: holds, requests,
    and requests to move with the times that they keep.

    One that can't be ended loses its time all the same, so that it stops nobody else; its end is left to the sweep.
    """
    lapsed = TimeClaim.objects.filter(
        person_id__in=people, starts_at__gt=now - LONGEST_CLAIM, expires_at__lte=now
    )
    for pk, reference, status in lapsed.distinct().values_list(
        "booking", "booking__reference", "booking__status"
    ):
        if status == Status.SCHEDULED:
            free_proposed(pk)
        elif attempt(EXPIRE, row_of(Booking, pk, reference), partial(expire, pk, now=now)):
            free_time(pk)
