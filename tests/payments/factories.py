"""Paid sessions of any price and age, as the services leave them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bookings.models import Booking, Status
from payments.models import Payment, PaymentStatus, Refund, RefundStatus
from payments.services import ReturnUrls
from tests.factories import NOW, BookingFactory

# Of the session that the fixture `booking` holds, and where its payer is sent from the provider.
STARTS_AT = datetime(2026, 12, 9, 5, 30, tzinfo=UTC)
URLS = ReturnUrls(success="https://testserver/confirmation/", cancel="https://testserver/payment/")


def paid_session(*, ended_ago: timedelta = timedelta(days=7), **changes: Any) -> Payment:
    """₹1,000 and ₹50 fee unless said otherwise; it ended a week ago."""
    ends_at = NOW - ended_ago
    fields = {"price_minor": 100_000, "fee_minor": 5_000, "currency": "INR", **changes}
    booking = BookingFactory(
        starts_at=ends_at - timedelta(hours=1),
        ends_at=ends_at,
        status=Status.COMPLETED if ends_at <= NOW else Status.SCHEDULED,
        **fields,
    )
    return payment_of(booking, paid_at=ends_at - timedelta(days=2))


def payment_of(booking: Booking, *, paid_at: datetime, **changes: Any) -> Payment:
    fields = {
        "status": PaymentStatus.SUCCEEDED,
        "amount_minor": booking.amount_minor,
        "platform_fee_minor": booking.fee_minor,
        "currency": booking.currency,
        "gateway": "mock",
        "provider_ref": f"MOCK-{booking.pk}",
        "payment_id": f"PAY-{booking.pk}",
        "created_at": paid_at,
        "succeeded_at": paid_at,
        **changes,
    }
    return Payment.objects.create(booking=booking, **fields)


def refunded(payment: Payment, amount_minor: int, *, status: RefundStatus = RefundStatus.SUCCEEDED) -> Refund:
    """With its effect on the payment."""
    refund = Refund.objects.create(
        payment=payment,
        amount_minor=amount_minor,
        reason=Refund.Reason.CANCELLED,
        status=status,
        key=f"refund-{payment.reference}-{payment.refunds.count()}",
        due_at=NOW,
        created_at=NOW,
        succeeded_at=NOW if status == RefundStatus.SUCCEEDED else None,
    )
    column = "refunded_minor" if status == RefundStatus.SUCCEEDED else "reserved_minor"
    setattr(payment, column, getattr(payment, column) + amount_minor)
    payment.save(update_fields=[column])
    return refund
