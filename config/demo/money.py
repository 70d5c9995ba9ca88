"""Payments of the demo: paid at the mock provider, at times that its own clock has passed."""

from datetime import datetime, timedelta

from bookings.models import Booking
from config.demo.cast import Cast
from lib.references import new_reference
from payments.gateways.base import PayStatus
from payments.models import MockCheckout, Payment, PaymentStatus
from payments.reports.earnings import payouts_due
from payments.services import settle
from payments.services.payouts import record_payout

GATEWAY = "mock"
PAYOUTS_DAYS_AGO = (61, 30)


def pay(booking: Booking, *, at: datetime) -> None:
    """As if the student had paid then: the provider's books say so, and `settle` finds it there."""
    payment = Payment.objects.live().get(booking=booking)
    checkout_at_mock(payment, at=at).save()
    payment.status = PaymentStatus.OPEN
    payment.save(update_fields=["status", "gateway", "provider_ref", "checkout_expires_at"])
    settle(payment.pk, source="demo", now=at)


def paid_payment(booking: Booking, *, asked_at: datetime, paid_at: datetime) -> tuple[Payment, MockCheckout]:
    """Unsaved rows of a payment that came in long ago: ours, and the provider's."""
    payment = Payment(
        booking=booking,
        mentor=booking.mentor,
        status=PaymentStatus.SUCCEEDED,
        amount_minor=booking.amount_minor,
        platform_fee_minor=booking.fee_minor,
        currency=booking.currency,
        created_at=asked_at,
        succeeded_at=paid_at,
    )
    checkout = checkout_at_mock(payment, at=paid_at)
    payment.payment_id = checkout.payment_id
    return payment, checkout


def unpaid_payment(booking: Booking, *, asked_at: datetime) -> Payment:
    """The order of a hold that ran out before any provider heard of it; unsaved."""
    return Payment(
        booking=booking,
        mentor=booking.mentor,
        status=PaymentStatus.CANCELED,
        amount_minor=booking.amount_minor,
        platform_fee_minor=booking.fee_minor,
        currency=booking.currency,
        created_at=asked_at,
    )


def checkout_at_mock(payment: Payment, *, at: datetime) -> MockCheckout:
    """The provider's own record of it, paid; unsaved. The payment is told which checkout it is."""
    payment.gateway, payment.provider_ref = GATEWAY, new_reference("MOCK")
    payment.checkout_expires_at = at + timedelta(minutes=10)
    return MockCheckout(
        provider_ref=payment.provider_ref,
        key=payment.idempotency_key,
        request={"ref": payment.reference},
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        status=PayStatus.PAID,
        payment_id=new_reference("PAY"),
        expires_at=payment.checkout_expires_at,
    )


def pay_mentors(cast: Cast, now: datetime) -> None:
    """Every mentor is sent what is theirs now and then; what was earned since the last time still waits."""
    staff = next(person for person in cast.people.values() if person.is_staff)
    for days in PAYOUTS_DAYS_AGO:
        at = now - timedelta(days=days)
        for number, due in enumerate(payouts_due(at).rows, start=1):
            record_payout(
                mentor=due.mentor,
                currency=due.currency,
                amount_minor=due.amount_minor,
                transfer_reference=f"NEFT-{at:%Y%m%d}-{number:03}",
                actor=staff,
                now=at,
            )
