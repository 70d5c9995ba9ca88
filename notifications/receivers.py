import logging
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from bookings.models import Booking, BookingEvent
from bookings.signals import booking_cancelled, booking_declined, booking_expired, booking_scheduled
from notifications import services, tasks
from payments.models import Refund
from payments.signals import refund_requested

logger = logging.getLogger(__name__)


@receiver(booking_scheduled)
def queue_messages(*, booking: Booking, event: BookingEvent, now: datetime, **_: Any) -> None:
    for pk in services.queue_scheduled(booking, event, now=now):
        wake_worker_on_commit(pk)


@receiver(refund_requested)
def queue_given_back(*, refund: Refund, now: datetime, **_: Any) -> None:
    for pk in services.queue_given_back(refund, now=now):
        wake_worker_on_commit(pk)


@receiver([booking_cancelled, booking_declined, booking_expired])
def drop_messages(*, booking: Booking, **_: Any) -> None:
    services.drop(booking)


def wake_worker_on_commit(pk: int) -> None:
    transaction.on_commit(partial(_wake_worker, pk))


def _wake_worker(pk: int) -> None:
    """Never fails: without the queue, the schedule finds the row within a minute."""
    try:
        # One more try covers a connection that went stale; more would keep a person waiting.
        tasks.deliver.apply_async((pk,), retry_policy={"max_retries": 1, "interval_start": 0})
    except Exception as error:  # a broker's client raises what it likes
        logger.error("no worker could be woken", extra={"outbox": pk, "error": repr(error)})
