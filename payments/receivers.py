from datetime import datetime
from typing import Any

from django.dispatch import receiver

from bookings.models import Booking
from bookings.signals import booking_cancelled, booking_declined, booking_expired, booking_held
from payments import services, tasks
from payments.models import Refund
from payments.signals import refund_requested


@receiver(booking_held, dispatch_uid="payments.ask_for_payment")
def ask_for_payment(booking: Booking, now: datetime, **kwargs: Any) -> None:
    services.ensure_payment(booking, now)


@receiver([booking_cancelled, booking_declined, booking_expired], dispatch_uid="payments.stop_asking")
def stop_asking(booking: Booking, **kwargs: Any) -> None:
    if services.release_payments(booking):
        tasks.wake(tasks.sweep)


@receiver(refund_requested, dispatch_uid="payments.send_money_back")
def send_money_back(refund: Refund, **kwargs: Any) -> None:
    tasks.wake(tasks.send_refund, refund.pk)
