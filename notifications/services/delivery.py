"""Delivery: a message that is due is claimed, looked at again, sent, and what became of it is written down.

A worker that dies between any two lines leaves a row that the next sweep takes up.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from notifications.mail import compose
from notifications.models import Kind, Message, Status

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
    """Queue a message that was sent, has failed or was kept back. Raises `NotResendable`."""
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
