"""The outbox: what is to be said is written with the event that it tells of, and delivered from the row.

A worker that dies between any two lines leaves a row that the next sweep takes up.
"""

import logging
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.models import User
from bookings.models import Booking, BookingEvent
from notifications.mail import compose
from notifications.models import OF_THE_SESSION, Kind, Message, Status, reminder_due_at, reminder_event
from payments.models import Payment, Refund

logger = logging.getLogger(__name__)

RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
)
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
SWEEP_LIMIT = 500


class NotResendable(Exception):
    """The message is on its way already, or no longer true. Its text is for staff."""


def queue_scheduled(booking: Booking, event: BookingEvent, *, now: datetime) -> list[int]:
    """Write the confirmation and the reminder for both people; returns the rows that are due.

    Runs in the event's transaction. A repeat adds nothing.
    """
    people = (booking.student_id, booking.mentor.user_id)
    confirmation = f"booking-event:{event.pk}"
    planned = [(confirmation, Kind.SESSION_SCHEDULED, now)]
    if remind_at := reminder_due_at(booking, now):
        planned.append((reminder_event(booking), Kind.REMINDER_24H, remind_at))
    _write(
        booking,
        [
            Message(event=key, kind=kind, recipient_id=person, booking=booking, due_at=due_at, created_at=now)
            for key, kind, due_at in planned
            for person in people
        ],
    )
    return list(Message.objects.due(now).filter(event=confirmation).values_list("pk", flat=True))


def queue_given_back(refund: Refund, *, now: datetime) -> list[int]:
    """Write the news that money goes back by itself; returns the rows.

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
    """Write the news that the bank did not pay after all; returns the row. As `queue_given_back`."""
    booking = payment.booking
    return _queue(f"payment:{payment.pk}", Kind.PAYMENT_FAILED, booking, [booking.student], now=now)


def _people(booking: Booking) -> list[User]:
    return [booking.student, booking.mentor.user]


def _queue(event: str, kind: Kind, booking: Booking, people: list[User], *, now: datetime) -> list[int]:
    """To nobody whose account is closed."""
    _write(
        booking,
        [
            Message(event=event, kind=kind, recipient=person, booking=booking, due_at=now, created_at=now)
            for person in people
            if person.is_active
        ],
    )
    return list(Message.objects.due(now).filter(event=event).values_list("pk", flat=True))


def _write(booking: Booking, messages: list[Message]) -> None:
    """Into the outbox; what is there already is left alone.

    One student can cause one mentor so many messages on a day of the mentor's. What is more is kept back: the row
    says so to staff, who can send it, and on the session's page. Whoever announces an event holds the locks of both
    people, so no two count the same room.
    """
    for message in messages:
        if message.recipient_id == booking.mentor.user_id and _is_one_too_many(booking, message.due_at):
            message.status = Status.WITHHELD
            logger.warning("message kept back", extra={"session": booking.reference, "kind": message.kind})
    Message.objects.bulk_create(messages, ignore_conflicts=True)


def _is_one_too_many(booking: Booking, due_at: datetime) -> bool:
    zone = booking.mentor.zone
    day = due_at.astimezone(zone).date()
    since, until = (
        datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1))
    )
    caused = Message.objects.caused_by(booking.student, booking.mentor.user, since, until)
    return caused.count() >= settings.MAX_MESSAGES_A_DAY


def drop(booking: Booking) -> int:
    """What was still to be said of a session that has ended is not said."""
    queued = Message.objects.filter(booking=booking, status=Status.QUEUED, kind__in=OF_THE_SESSION)
    return queued.update(status=Status.DROPPED)


def part(user: User, *, now: datetime) -> list[int]:
    """Say farewell to somebody who closes their account, and nothing else any more; returns the row.

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


def due(now: datetime) -> list[int]:
    """What the sweep should wake workers for, the longest waiting first."""
    return [pk for _, pk in Message.objects.longest_due(now, SWEEP_LIMIT)]


def claim(pk: int, *, now: datetime) -> Message | None:
    """The message, if it is due and this caller alone may send it now."""
    claimed = (
        Message.objects.due(now)
        .filter(pk=pk)
        .update(status=Status.SENDING, claimed_at=now, attempts=F("attempts") + 1)
    )
    return Message.objects.with_session().get(pk=pk) if claimed else None


def deliver(pk: int, *, now: datetime) -> None:
    """Send one message, unless it is not due, claimed by another, or no longer true. Safe to repeat.

    Call it outside any transaction: the claim must be seen by everyone before the mail leaves.
    """
    message = claim(pk, now=now)
    if message is None:
        return
    try:
        if not message.applies_at(now):
            _record(message, status=Status.DROPPED)
            return
        if message.attempts > MAX_ATTEMPTS:  # the last attempt took its worker down
            _give_up(message, "The worker stopped while sending.")
            return
        compose(message, now=now).send()
    except Exception as error:  # whatever a row or a mail provider's client raises is a failed attempt
        _record_failure(message, error, now=now)
    else:
        kept = "" if message.kind == Kind.ACCOUNT_CLOSED else message.sent_to
        _record(message, status=Status.SENT, sent_at=now, address=kept, error="")
        logger.info("message sent", extra={"outbox": message.pk, "kind": message.kind})


def resend(pk: int, *, now: datetime) -> None:
    """Queue a message that was sent, has failed or was kept back. Raises NotResendable."""
    with transaction.atomic():
        # no_key: rows that point here must not wait for staff.
        message = (
            Message.objects.select_for_update(of=("self",), no_key=True)
            .select_related("booking", "recipient")
            .get(pk=pk)
        )
        if message.status not in (Status.SENT, Status.FAILED, Status.WITHHELD):
            raise NotResendable(f"It is not sent again while it is “{message.get_status_display()}”.")
        if not message.applies_at(now):
            raise NotResendable("What it says is no longer true.")
        message.status, message.due_at, message.attempts = Status.QUEUED, now, 0
        message.resends += 1
        message.error = ""
        message.save(update_fields=["status", "due_at", "attempts", "resends", "error"])


def _record_failure(message: Message, error: Exception, *, now: datetime) -> None:
    reason = f"{type(error).__name__}: {error}"[:500]
    if message.attempts >= MAX_ATTEMPTS:
        _give_up(message, reason)
        return
    due_at = now + RETRY_AFTER[message.attempts - 1]
    _record(message, status=Status.QUEUED, due_at=due_at, error=reason)
    logger.warning(
        "message not sent, will be tried again",
        extra={"outbox": message.pk, "kind": message.kind, "attempts": message.attempts, "error": reason},
    )


def _give_up(message: Message, reason: str) -> None:
    if message.kind == Kind.ACCOUNT_CLOSED:  # nobody's address is kept for a mail that does not arrive
        _record(message, status=Status.FAILED, error="It could not be delivered.", address="")
    else:
        _record(message, status=Status.FAILED, error=reason)
    logger.error(
        "message could not be delivered",
        extra={"outbox": message.pk, "kind": message.kind, "attempts": message.attempts, "error": reason},
    )


def _record(message: Message, **outcome: Any) -> None:
    """Only while the claim is still ours: a worker that was taken for dead must not overwrite its successor's."""
    mine = Message.objects.filter(pk=message.pk, status=Status.SENDING, claimed_at=message.claimed_at)
    if not mine.update(**outcome):
        logger.warning("message was claimed by another worker", extra={"outbox": message.pk})
