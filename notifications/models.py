from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import User
from bookings.models import Booking, MoveRequest
from bookings.models import Status as BookingStatus

# Longer than a task may run: whoever claimed a row and has said nothing since is dead.
STALE_AFTER = timedelta(minutes=10)


REMIND_BEFORE = timedelta(hours=24)
# A reminder that would go out on the heels of the confirmation says nothing new.
REMINDER_GAP = timedelta(minutes=10)


class Kind(models.TextChoices):
    SESSION_SCHEDULED = "session_scheduled", "Confirmation"
    REMINDER_24H = "reminder_24h", "Reminder"
    SESSION_MOVED = "session_moved", "News of another time"
    MOVE_ASKED = "move_asked", "Request to move the session"
    MOVE_CLOSED = "move_closed", "Answer to your request to move the session"
    NOT_CONFIRMED = "not_confirmed", "News of a payment that could not be used"
    PAID_TWICE = "paid_twice", "News of a second payment"
    ACCOUNT_CLOSED = "account_closed", "Farewell"
    PAYMENT_FAILED = "payment_failed", "News of a payment that failed"


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"


class Status(models.TextChoices):
    QUEUED = "queued", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Could not be delivered"
    DROPPED = "dropped", "No longer needed"
    WITHHELD = "withheld", "Kept back: too many in a day by one student"


# Those that somebody may still have to see to.
UNDELIVERED = (Status.QUEUED, Status.SENDING, Status.FAILED, Status.WITHHELD)

# Of a session that takes place; what tells of money is said whatever becomes of the session.
OF_THE_SESSION = (
    Kind.SESSION_SCHEDULED,
    Kind.REMINDER_24H,
    Kind.SESSION_MOVED,
    Kind.MOVE_ASKED,
    Kind.MOVE_CLOSED,
)
# With an invitation to the calendar.
INVITING = (Kind.SESSION_SCHEDULED, Kind.SESSION_MOVED)

# Unless it is paid in another way by then, or its student has ended it.
AFTER_A_FAILURE = (BookingStatus.AWAITING_PAYMENT, BookingStatus.EXPIRED)

MESSAGE_TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.SENDING, Status.DROPPED}),
    # Claimed anew when the worker died; back to the queue after a failure.
    Status.SENDING: frozenset({Status.SENDING, Status.SENT, Status.QUEUED, Status.FAILED, Status.DROPPED}),
    Status.SENT: frozenset({Status.QUEUED}),  # staff send it again
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.DROPPED: frozenset(),
    Status.WITHHELD: frozenset({Status.QUEUED}),
}


def reminder_event(booking: Booking) -> str:
    """Another for every time the session is moved to, so that a reminder of the old time is not the new one's."""
    return f"reminder-24h:{booking.pk}:{booking.sequence}"


def moved_event(booking: Booking) -> str:
    """Of a session that is moved again before the mail has left only the last time is told."""
    return f"moved:{booking.pk}:{booking.sequence}"


def reminder_due_at(booking: Booking, now: datetime) -> datetime | None:
    """When the reminder of a session that is confirmed now goes out; None when it is too late for one."""
    due_at = booking.starts_at - REMIND_BEFORE
    return due_at if due_at > now + REMINDER_GAP else None


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: datetime) -> Self:
        """What a worker should take up: queued and due, or claimed by a worker that died."""
        return self.queued_due(now) | self.abandoned(now)

    def queued_due(self, now: datetime) -> Self:
        return self.filter(status=Status.QUEUED, due_at__lte=now)

    def abandoned(self, now: datetime) -> Self:
        return self.filter(status=Status.SENDING, claimed_at__lte=now - STALE_AFTER)

    def longest_due(self, now: datetime, most: int) -> list[tuple[datetime, int]]:
        """When each was due, and which it is, the longest waiting first: two queries.

        One that asks for either makes PostgreSQL read all that were ever sent.
        """
        found: list[tuple[datetime, int]] = []
        for rows in (self.queued_due(now), self.abandoned(now)):
            found += rows.order_by("due_at", "pk").values_list("due_at", "pk")[:most]
        return sorted(found)[:most]

    def oldest_due(self, now: datetime) -> datetime | None:
        """Since when the message that is waiting longest should have been on its way."""
        return next((due_at for due_at, _ in self.longest_due(now, 1)), None)

    def caused_by(self, student: User, mentor: User) -> Self:
        """What went or goes out to a mentor because of one student."""
        unsent = (Status.DROPPED, Status.WITHHELD)
        return self.filter(recipient=mentor, booking__student=student).exclude(status__in=unsent)

    def with_session(self) -> Self:
        return self.select_related("recipient", "booking__mentor__user", "booking__student")


class Message(models.Model):
    """The record of one message to one person on one channel; the queue only wakes a worker up."""

    event = models.CharField(max_length=80, help_text="What it tells of.")
    kind = models.CharField(max_length=24, choices=Kind)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.CASCADE, related_name="messages"
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    # Where it went: the recipient's address may be another by now. A farewell has its own, until it went.
    address = models.EmailField(blank=True)
    error = models.CharField(max_length=500, blank=True)
    resends = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["status", "due_at", "id"],
                condition=Q(status__in=UNDELIVERED),
                name="message_undelivered",
            ),
            models.Index(fields=["recipient", "due_at"], name="message_by_recipient"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "recipient", "channel"], name="message_is_sent_once_an_event"
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.ACCOUNT_CLOSED, booking=None)
                | (~Q(kind=Kind.ACCOUNT_CLOSED) & Q(booking__isnull=False)),
                name="message_is_of_a_session_or_a_farewell",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.recipient_id}"

    @property
    def message_id(self) -> str:
        """The same however often a crash repeats a delivery; another when staff send it again."""
        return f"<message-{self.pk}-{self.resends}.{self.created_at:%Y%m%d%H%M%S%f}@{settings.SITE_HOST}>"

    def applies_at(self, now: datetime) -> bool:
        """Whether it is still worth saying, to somebody who is still here. Needs recipient and booking loaded."""
        if self.kind == Kind.ACCOUNT_CLOSED:
            return bool(self.address)
        if not self.recipient.is_active:
            return False
        if self.kind == Kind.PAYMENT_FAILED:
            return self.session.status in AFTER_A_FAILURE
        if self.kind not in OF_THE_SESSION:
            return True
        if self.session.status != BookingStatus.SCHEDULED:
            return False
        if self.kind == Kind.REMINDER_24H:
            return self.event == reminder_event(self.session) and self.session.starts_at > now
        if self.kind == Kind.SESSION_MOVED:
            return self.event == moved_event(self.session) and self.session.ends_at > now
        if self.kind == Kind.MOVE_ASKED:
            return MoveRequest.objects.open_at(now).filter(pk=self.told_of).exists()
        return self.session.ends_at > now

    @property
    def told_of(self) -> int:
        """The primary key of the row that its event names: `move-request:7`."""
        return int(self.event.rpartition(":")[2])

    @property
    def session(self) -> Booking:
        """What every message but a farewell tells of. Raises `ValueError` for a farewell."""
        if self.booking is None:
            raise ValueError("A farewell is of no session")
        return self.booking

    @property
    def sent_to(self) -> str:
        return self.address if self.kind == Kind.ACCOUNT_CLOSED else self.recipient.email
