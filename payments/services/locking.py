"""Rows that services lock, in the order of the whole site: people, booking, payment, refund."""

from bookings.models import Booking
from bookings.services import lock_booking
from payments.models import Payment, Refund


def lock_booking_and_payment(payment_pk: int) -> tuple[Booking, Payment]:
    """The people of the session too, who are locked first. Raises `Payment.DoesNotExist`."""
    booking = lock_booking(Payment.objects.values_list("booking_id", flat=True).get(pk=payment_pk))
    return booking, lock_payment(payment_pk)


def lock_payment(payment_pk: int) -> Payment:
    """Raises `Payment.DoesNotExist`."""
    return Payment.objects.select_for_update(of=("self",)).get(pk=payment_pk)


def lock_refund(refund_pk: int) -> tuple[Refund, Payment]:
    """With its payment, which is locked first. Raises `Refund.DoesNotExist`."""
    payment = lock_payment(Refund.objects.values_list("payment_id", flat=True).get(pk=refund_pk))
    return Refund.objects.select_for_update(of=("self",)).get(pk=refund_pk), payment
