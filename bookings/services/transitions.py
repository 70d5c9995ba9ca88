"""The one place that gives a session a status: it writes the history row and announces the change with it.

For the services beside it only. Call everything here inside the transaction that holds the session's locks.
"""

from datetime import datetime

from django.dispatch import Signal

from accounts.models import User
from bookings import signals
from bookings.models import (
    BOOKING_TRANSITIONS,
    ENDED,
    Booking,
    BookingEvent,
    BookingQuerySet,
    MoveRequest,
    Status,
)
from bookings.services.claims import claim_time, free_time
from bookings.services.errors import NotAllowed

Kind = BookingEvent.Kind

# What reaching a status is called in a session's history, and what announces it.
REACHED: dict[Status, tuple[BookingEvent.Kind, Signal]] = {
    Status.REQUESTED: (Kind.REQUESTED, signals.booking_requested),
    Status.AWAITING_PAYMENT: (Kind.HELD, signals.booking_held),
    Status.SCHEDULED: (Kind.SCHEDULED, signals.booking_scheduled),
    Status.COMPLETED: (Kind.COMPLETED, signals.booking_completed),
    Status.DECLINED: (Kind.DECLINED, signals.booking_declined),
    Status.EXPIRED: (Kind.EXPIRED, signals.booking_expired),
    Status.CANCELLED: (Kind.CANCELLED, signals.booking_cancelled),
}


def begin(booking: Booking, status: Status, *, until: datetime | None, now: datetime, actor: User) -> Booking:
    """Save a session that is made just now, and claim its time until that instant, or for good.

    Raises `IntegrityError` when one of its two people has something else then.
    """
    booking.status = status
    booking.save()
    claim_time(booking, until)
    _announce(booking, now=now, actor=actor)
    return booking


def move(
    booking: Booking, status: Status, *, now: datetime, actor: User | None, note: str = "", **told: object
) -> Booking:
    """Give a locked session another status. `told` is sent with the signal, besides what always is.

    Raises `NotAllowed` when the table has no such step.
    """
    if status not in BOOKING_TRANSITIONS[Status(booking.status)]:
        raise NotAllowed(
            f"A session that is {booking.get_status_display().lower()} can't become {status.label.lower()}."
        )
    booking.status = status
    booking.save(update_fields=["status", "hold_expires_at", "respond_by", "sequence"])
    _announce(booking, now=now, actor=actor, note=note, **told)
    return booking


def end(
    booking: Booking, status: Status, *, now: datetime, actor: User | None, note: str, refund_minor: int = 0
) -> Booking:
    """Cancel or decline a locked session, of which calendars hear. `refund_minor` of what was paid goes back.

    Raises `NotAllowed` when the table has no such step.
    """
    if booking.status == Status.SCHEDULED:
        booking.move_requests.filter(status=MoveRequest.Status.OPEN).update(
            status=MoveRequest.Status.ENDED, answered_at=now
        )
    booking.sequence += 1
    return move(booking, status, now=now, actor=actor, note=note, refund_minor=refund_minor)


def move_by_clock(due: BookingQuerySet, booking_pk: int, status: Status, *, now: datetime) -> Booking | None:
    """Compare and set: give the session that status if it is `due` at the moment of writing, and only once.

    None when it is not due, or no longer. Locks the session's row and nobody else. Safe to repeat.
    """
    if not due.filter(pk=booking_pk).update(status=status):
        return None
    booking = Booking.objects.with_people().get(pk=booking_pk)
    _announce(booking, now=now, actor=None)
    return booking


def record(
    booking: Booking,
    kind: BookingEvent.Kind,
    *,
    now: datetime,
    actor: User | None,
    note: str = "",
    moved_from: datetime | None = None,
) -> BookingEvent:
    """Add a row to the session's history."""
    return BookingEvent.objects.create(
        booking=booking, kind=kind, at=now, actor=actor, note=note, moved_from=moved_from
    )


def _announce(booking: Booking, *, now: datetime, actor: User | None, note: str = "", **told: object) -> None:
    """What has ended gives its time back, whichever way it ended."""
    if booking.status in ENDED:
        free_time(booking.pk)
    kind, signal = REACHED[Status(booking.status)]
    event = record(booking, kind, now=now, actor=actor, note=note)
    signal.send(Booking, booking=booking, event=event, now=now, **told)
