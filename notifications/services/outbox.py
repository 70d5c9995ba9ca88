"""The outbox: what is to be said is written in the transaction of the event that it tells of."""

import logging
from datetime import UTC, datetime, time, timedelta
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q

from accounts.models import User
from bookings.models import Booking, BookingEvent, MoveRequest
from notifications.models import (
    OF_THE_SESSION,
    Kind,
    Message,
    Status,
    moved_event,
    reminder_due_at,
    reminder_event,
)
from payments.models import Payment, Refund

logger = logging.getLogger(__name__)

# What a session at another time makes untrue.
OF_A_TIME = (Kind.REMINDER_24H, Kind.SESSION_MOVED, Kind.MOVE_ASKED)


def queue_scheduled(booking: Booking, event: BookingEvent, *, now: datetime) -> list[int]:
    """Write the confirmation and the reminder for both people; returns the rows that are due.

    Runs in the event's transaction. A repeat adds nothing.
    """
    people = (booking.student_id, booking.mentor.user_id)
    confirmation = f"booking-event:{event.pk}"
    planned = [(confirmation, Kind.SESSION_SCHEDULED, now)]
    if remind_at := reminder_due_at(booking, now):
        planned.append((reminder_event(booking), Kind.REMINDER_24H, remind_at))
    written = _write(
        booking,
        [
            Message(event=key, kind=kind, recipient_id=person, booking=booking, due_at=due_at, created_at=now)
            for key, kind, due_at in planned
            for person in people
        ],
    )
    return [message.pk for message in written if message.event == confirmation]


def queue_moved(booking: Booking, *, now: datetime) -> list[int]:
    """Write the news of another time for both people, and the reminder of it for that of the old one; returns the rows
    that are due. As `queue_scheduled`."""
    drop_queued(booking, *OF_A_TIME)
    people = _people(booking)
    if remind_at := reminder_due_at(booking, now):
        _queue(reminder_event(booking), Kind.REMINDER_24H, booking, people, now=now, due_at=remind_at)
    return _queue(moved_event(booking), Kind.SESSION_MOVED, booking, people, now=now)


def queue_move_asked(request: MoveRequest, *, now: datetime) -> list[int]:
    """Write to the one who is asked; returns the row. As `queue_scheduled`."""
    booking = request.booking
    asked = [each for each in _people(booking) if each.pk != request.asked_by_id]
    return _queue(f"move-request:{request.pk}", Kind.MOVE_ASKED, booking, asked, now=now)


def queue_move_closed(request: MoveRequest, *, now: datetime) -> list[int]:
    """Write to whoever asked that the session stays at its time; returns the row. As `queue_scheduled`.

    Nothing when they took it back themselves.
    """
    if request.status == MoveRequest.Status.TAKEN_BACK:
        return []
    booking = request.booking
    asker = [each for each in _people(booking) if each.pk == request.asked_by_id]
    return _queue(f"move-request-closed:{request.pk}", Kind.MOVE_CLOSED, booking, asker, now=now)


def queue_refund_news(refund: Refund, *, now: datetime) -> list[int]:
    """Write the news that a payment goes back by itself; returns the rows.

    Both hear of a payment that could not be used for its session, the student alone of a second one. Runs
    in the refund's transaction. A repeat adds nothing.
    """
    booking = refund.payment.booking
    if refund.reason == Refund.Reason.NOT_CONFIRMED:
        return _queue(f"refund:{refund.pk}", Kind.NOT_CONFIRMED, booking, _people(booking), now=now)
    if refund.reason == Refund.Reason.SURPLUS:
        return _queue(f"refund:{refund.pk}", Kind.PAID_TWICE, booking, [booking.student], now=now)
    return []


def queue_payment_failed(payment: Payment, *, now: datetime) -> list[int]:
    """Write the news that the bank did not pay after all; returns the row. As `queue_refund_news`."""
    booking = payment.booking
    return _queue(f"payment:{payment.pk}", Kind.PAYMENT_FAILED, booking, [booking.student], now=now)


def _people(booking: Booking) -> list[User]:
    return [booking.student, booking.mentor.user]


def _queue(
    event: str,
    kind: Kind,
    booking: Booking,
    people: list[User],
    *,
    now: datetime,
    due_at: datetime | None = None,
) -> list[int]:
    """To nobody whose account is closed; due at once, unless that is said."""
    due_at = due_at or now
    written = _write(
        booking,
        [
            Message(event=event, kind=kind, recipient=person, booking=booking, due_at=due_at, created_at=now)
            for person in people
            if person.is_active
        ],
    )
    return [message.pk for message in written]


def _write(booking: Booking, messages: list[Message]) -> list[Message]:
    """Into the outbox; what is there already is left alone. Returns those that are to be sent, with their keys.

    One student can cause one mentor so many messages on a day of the mentor's. What is more is kept back: the row
    says so to staff, who can send it, and on the session's page. Whoever announces an event holds the locks of both
    people, so no two count the same room.
    """
    to_mentor = [message for message in messages if message.recipient_id == booking.mentor.user_id]
    full = _full_days(booking, [message.due_at for message in to_mentor])
    for message in to_mentor:
        if message.due_at in full:
            message.status = Status.WITHHELD
            logger.warning("message kept back", extra={"session": booking.reference, "kind": message.kind})
    # Written over by what it is, a row that is there already tells its key.
    rows = Message.objects.bulk_create(
        messages,
        update_conflicts=True,
        unique_fields=["event", "recipient", "channel"],
        update_fields=["event"],
    )
    return [message for message in rows if message.status == Status.QUEUED]


def _full_days(booking: Booking, moments: list[datetime]) -> set[datetime]:
    """Those on a day of the mentor's on which this student may cause them no more messages: one query."""
    days = {f"of_{number}": _day_of(moment, booking.mentor.zone) for number, moment in enumerate(moments)}
    if not days:
        return set()
    caused = Message.objects.caused_by(booking.student, booking.mentor.user)
    counts = caused.filter(reduce(or_, days.values())).aggregate(
        **{name: Count("pk", filter=day) for name, day in days.items()}
    )
    most = settings.MAX_MESSAGES_A_DAY
    return {moment for moment, name in zip(moments, days, strict=True) if counts[name] >= most}


def _day_of(moment: datetime, zone: ZoneInfo) -> Q:
    day = moment.astimezone(zone).date()
    since, until = (
        datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1))
    )
    return Q(due_at__gte=since, due_at__lt=until)


def drop_queued(booking: Booking, *kinds: Kind) -> int:
    """Drop what is queued about a session that has ended, or of these kinds alone; returns how many."""
    queued = Message.objects.filter(booking=booking, status=Status.QUEUED, kind__in=kinds or OF_THE_SESSION)
    return queued.update(status=Status.DROPPED)


def queue_farewell(user: User, *, now: datetime) -> list[int]:
    """Write the farewell to somebody who closes their account, and drop all else; returns the row.

    Runs in the closing's transaction, while their address is known. It then stands in that row alone, until
    the mail has gone.
    """
    mine = Message.objects.filter(recipient=user)
    mine.filter(status__in=[Status.QUEUED, Status.SENDING]).update(status=Status.DROPPED)
    mine.update(address="", error="")
    farewell = Message.objects.create(
        event=f"account-closed:{user.pk}",
        kind=Kind.ACCOUNT_CLOSED,
        recipient=user,
        address=user.email,
        due_at=now,
        created_at=now,
    )
    return [farewell.pk]
