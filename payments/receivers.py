from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.closing import account_closed
from accounts.models import User
from bookings.models import Booking, BookingEvent
from bookings.services import NotAllowed
from bookings.signals import booking_cancelled, booking_declined, booking_expired, booking_held
from lib.enqueue import enqueue_on_commit
from payments import services, tasks
from payments.models import Payment, Refund
from payments.services.closed_accounts import erase_personal_data
from payments.services.refunds import NotRefundable, refund_cancelled
from payments.signals import payment_succeeded, refund_requested


@receiver(booking_held, dispatch_uid="payments.ask_for_payment")
def ask_for_payment(booking: Booking, now: datetime, **kwargs: Any) -> None:
    services.create_payment(booking, now)


@receiver([booking_cancelled, booking_declined, booking_expired], dispatch_uid="payments.stop_asking")
def stop_asking(booking: Booking, **kwargs: Any) -> None:
    if services.cancel_open_payments(booking):
        enqueue_on_commit(tasks.sweep)


@receiver(payment_succeeded, dispatch_uid="payments.close_other_checkouts")
def close_other_checkouts(payment: Payment, **kwargs: Any) -> None:
    """Nobody pays a paid session again: what is open for it elsewhere is closed by the worker at once."""
    if payment.is_surplus and not Payment.objects.counted().filter(booking=payment.booking).exists():
        return
    if services.cancel_open_payments(payment.booking):
        for pk in Payment.objects.at_provider().filter(booking=payment.booking).values_list("pk", flat=True):
            enqueue_on_commit(tasks.close_checkout, pk)


@receiver(booking_cancelled, dispatch_uid="payments.give_back")
def give_back(
    booking: Booking, event: BookingEvent, now: datetime, refund_minor: int = 0, **kwargs: Any
) -> None:
    """In the transaction that cancels. Raises `NotAllowed` when the refund is refused, which undoes the cancelling."""
    try:
        refund_cancelled(booking, amount_minor=refund_minor, actor=event.actor, note=event.note, now=now)
    except NotRefundable as refusal:
        raise NotAllowed(str(refusal)) from refusal


@receiver(refund_requested, dispatch_uid="payments.send_money_back")
def send_money_back(refund: Refund, **kwargs: Any) -> None:
    enqueue_on_commit(tasks.send_refund, refund.pk)


@receiver(account_closed, dispatch_uid="payments.forget")
def forget(user: User, now: datetime, **kwargs: Any) -> None:
    erase_personal_data(user, now=now)
    enqueue_on_commit(tasks.clean_up_closed_accounts)
