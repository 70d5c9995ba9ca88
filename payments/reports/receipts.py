"""What a receipt says, on paper and on the screen: the facts of one payment, in the student's own time zone."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import User
from bookings.models import Booking
from lib.clock import format_date, format_duration, format_range, format_zone
from lib.money import format_money
from payments.models import Payment, PaymentQuerySet, Refund, RefundStatus


@dataclass(frozen=True)
class Party:
    """`contact` tells the person apart also where the name can't be printed."""

    name: str
    contact: str


@dataclass(frozen=True)
class RefundLine:
    reference: str
    reason: str
    label: str
    date: str
    amount: str


@dataclass(frozen=True)
class Receipt:
    number: str
    site_name: str
    site_url: str
    support_email: str
    tax_line: str
    paid_at: datetime
    paid_date: str
    paid_zone: str
    student: Party
    mentor: Party
    session_name: str
    session_date: str
    session_hours: str
    session_duration: str
    session_reference: str
    order: str
    gateway: str
    payment_id: str
    price: str
    fee: str
    total: str
    refunds: tuple[RefundLine, ...]
    refunded: str
    charged_back: str
    kept: str


def payments_with_receipt(user: User) -> PaymentQuerySet:
    """The payments for which this person gets a receipt: their own that came in, and for staff who may look at
    payments everybody's."""
    payments = Payment.objects.counted()
    rows = payments if user.has_perm("payments.view_payment") else payments.filter(booking__student=user)
    return rows.select_related("booking__student", "booking__mentor__user").prefetch_related("refunds")


def receipt_number(payment: Payment) -> str:
    """One payment, one receipt: `ORDER-7KQ2M9XA` has `RECEIPT-7KQ2M9XA`."""
    return payment.reference.replace("ORDER", "RECEIPT")


def make_receipt(payment: Payment) -> Receipt:
    """Needs the people and the refunds loaded, and a payment that came in."""
    booking = payment.booking
    zone = booking.student.zone or booking.mentor.zone
    paid_at = payment.succeeded_at or payment.created_at
    refunds = [each for each in payment.refunds.all() if each.status != RefundStatus.DROPPED]
    refunds.sort(key=lambda refund: refund.pk)

    def money(minor: int) -> str:
        return format_money(minor, payment.currency, full=True)

    return Receipt(
        number=receipt_number(payment),
        site_name=settings.SITE_NAME,
        site_url=settings.SITE_URL,
        support_email=settings.SUPPORT_EMAIL,
        tax_line=settings.TAX_LINE,
        paid_at=paid_at,
        paid_date=format_date(paid_at.astimezone(zone).date()),
        paid_zone=format_zone(zone, paid_at),
        student=Party(booking.student.name, "" if booking.student.closed_at else booking.student.email),
        mentor=Party(booking.mentor.user.name, _profile(booking)),
        session_name=booking.type_name,
        session_date=format_date(booking.starts_at.astimezone(zone).date()),
        session_hours=f"{format_range(booking.starts_at, booking.ends_at, zone)}, "
        f"{format_zone(zone, booking.starts_at)}",
        session_duration=format_duration(booking.duration_minutes),
        session_reference=booking.reference,
        order=payment.reference,
        gateway=payment.gateway.title(),
        payment_id=payment.payment_id,
        price=money(payment.price_minor),
        fee=money(payment.platform_fee_minor),
        total=money(payment.amount_minor),
        refunds=tuple(_refund_line(refund, payment.currency, zone) for refund in refunds),
        refunded=money(payment.refunded_minor) if payment.refunded_minor else "",
        charged_back=money(payment.lost_minor) if payment.lost_minor else "",
        kept=money(max(payment.amount_minor - payment.refunded_minor - payment.lost_minor, 0)),
    )


def _profile(booking: Booking) -> str:
    """The mentor's address on the site, while they have a page; their e-mail address is not the student's to know."""
    if booking.mentor.user.closed_at:
        return ""
    return f"{settings.SITE_URL}{booking.mentor.get_absolute_url()}"


def _refund_line(refund: Refund, currency: str, zone: ZoneInfo) -> RefundLine:
    labels = {RefundStatus.SUCCEEDED: "Refunded", RefundStatus.FAILED: "Refund delayed"}
    at = refund.succeeded_at or refund.created_at
    return RefundLine(
        reference=refund.reference,
        reason=refund.get_reason_display(),
        label=labels.get(RefundStatus(refund.status), "Refund on its way"),
        date=format_date(at.astimezone(zone).date()),
        amount=format_money(refund.amount_minor, currency, full=True),
    )
