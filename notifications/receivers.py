from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.closing import account_closed
from accounts.models import User
from bookings.models import Booking, BookingEvent, MoveRequest
from bookings.signals import (
    booking_cancelled,
    booking_declined,
    booking_expired,
    booking_moved,
    booking_scheduled,
    move_request_closed,
    move_requested,
)
from lib.enqueue import enqueue_on_commit
from notifications import services, tasks
from payments.models import Payment, Refund
from payments.signals import payment_failed, refund_requested


@receiver(booking_scheduled)
def queue_messages(*, booking: Booking, event: BookingEvent, now: datetime, **_: Any) -> None:
    for pk in services.queue_scheduled(booking, event, now=now):
        enqueue_on_commit(tasks.deliver, pk)


@receiver(booking_moved)
def queue_moved(*, booking: Booking, now: datetime, **_: Any) -> None:
    for pk in services.queue_moved(booking, now=now):
        enqueue_on_commit(tasks.deliver, pk)


@receiver(move_requested)
def queue_move_asked(*, move_request: MoveRequest, now: datetime, **_: Any) -> None:
    for pk in services.queue_move_asked(move_request, now=now):
        enqueue_on_commit(tasks.deliver, pk)


@receiver(move_request_closed)
def queue_move_closed(*, move_request: MoveRequest, now: datetime, **_: Any) -> None:
    for pk in services.queue_move_closed(move_request, now=now):
        enqueue_on_commit(tasks.deliver, pk)


@receiver(refund_requested)
def queue_refund_news(*, refund: Refund, now: datetime, **_: Any) -> None:
    for pk in services.queue_refund_news(refund, now=now):
        enqueue_on_commit(tasks.deliver, pk)


@receiver(payment_failed)
def queue_payment_failed(*, payment: Payment, now: datetime, **_: Any) -> None:
    for pk in services.queue_payment_failed(payment, now=now):
        enqueue_on_commit(tasks.deliver, pk)


@receiver([booking_cancelled, booking_declined, booking_expired])
def drop_messages(*, booking: Booking, **_: Any) -> None:
    services.drop_queued(booking)


@receiver(account_closed)
def say_farewell(*, user: User, now: datetime, **_: Any) -> None:
    for pk in services.queue_farewell(user, now=now):
        enqueue_on_commit(tasks.deliver, pk)
