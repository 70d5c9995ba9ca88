"""What payments show on the pages of sessions: the state of the money in words, and the money itself."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.requests import viewer
from bookings import panels
from bookings.models import Booking, Status
from lib.money import format_money
from payments.models import LIVE, Payment, PaymentStatus, RefundStatus


@dataclass(frozen=True)
class MoneyState:
    """`status` picks the shape, `label` are the words."""

    status: str
    label: str


def register() -> None:
    panels.session_badge.register(render_badges)
    panels.session_money.register(render_money)
    panels.session_trail.register(render_trail)


def render_badges(request: HttpRequest, bookings: Sequence[Booking]) -> Mapping[int, SafeString]:
    now, payments = timezone.now(), _payments(bookings)
    return {
        booking.pk: _render(
            "payments/_session_badge.html", state=state_of(booking, payments[booking.pk], now)
        )
        for booking in bookings
    }


def render_money(request: HttpRequest, bookings: Sequence[Booking]) -> Mapping[int, SafeString]:
    now = timezone.now()
    bookings = [booking for booking in bookings if _may_see_money(request, booking)]
    payments = _payments(bookings)
    return {
        booking.pk: _render(
            "payments/_session_money.html",
            booking=booking,
            order=_order(payments[booking.pk]),
            refunds=[
                refund
                for payment in payments[booking.pk]
                for refund in payment.refunds.all()
                if refund.status != RefundStatus.DROPPED
            ],
            state=state_of(booking, payments[booking.pk], now),
            zone=getattr(request, "time_zone", None) or booking.mentor.zone,
            receipt_url=_receipt_url(request, booking, payments[booking.pk]),
        )
        for booking in bookings
    }


def render_trail(request: HttpRequest, bookings: Sequence[Booking]) -> Mapping[int, SafeString]:
    reader, now = viewer(request), timezone.now()
    if reader is None or not reader.has_perm("payments.view_payment"):
        return {}
    payments = _payments(bookings, "disputes", "refunds__actor")
    return {
        booking.pk: _render(
            "payments/_session_trail.html",
            payments=payments[booking.pk],
            state=state_of(booking, payments[booking.pk], now),
            zone=timezone.get_current_timezone(),
        )
        for booking in bookings
    }


def state_of(booking: Booking, payments: Sequence[Payment], now: datetime) -> MoneyState:
    """The session's money in words. `payments` are all of the session's, the newest first, with their refunds."""
    if booking.is_free:
        return MoneyState("free", "Free")
    order = _order(payments)
    if order and order.status == PaymentStatus.SUCCEEDED:
        return _state_of_paid(order)
    if any(each.is_being_checked for each in payments):
        return MoneyState("pending", "Payment being checked")
    if booking.payable_at(now):
        failed = order is not None and order.failure
        return MoneyState("failed", "Payment failed") if failed else MoneyState("unpaid", "Unpaid")
    if booking.status_at(now) == Status.REQUESTED:
        return MoneyState("unpaid", "Paid after approval")
    if order and order.status == PaymentStatus.FAILED:
        return MoneyState("failed", "Payment failed")
    return MoneyState("not_charged", "Nothing charged")


def _state_of_paid(order: Payment) -> MoneyState:
    if any(refund.status == RefundStatus.FAILED for refund in order.refunds.all()):
        return MoneyState("failed", "Refund failed")
    if order.reserved_minor:
        return MoneyState("pending", "Refund on its way")
    if order.lost_minor:
        return MoneyState("refunded", f"Charged back {format_money(order.lost_minor, order.currency)}")
    if order.refunded_minor == order.amount_minor:
        return MoneyState("refunded", f"Refunded {format_money(order.refunded_minor, order.currency)}")
    if order.refunded_minor:
        return MoneyState(
            "partly_refunded", f"Partly refunded {format_money(order.refunded_minor, order.currency)}"
        )
    return MoneyState("paid", f"Paid {format_money(order.amount_minor, order.currency)}")


def _order(payments: Sequence[Payment]) -> Payment | None:
    """The payment that speaks for its session: the one that counts, else the live one, else what came in and goes
    back, else the newest."""
    came_in = [each for each in payments if each.status == PaymentStatus.SUCCEEDED]
    counted = [each for each in came_in if not each.is_surplus]
    live = [each for each in payments if each.status in LIVE]
    return next(iter([*counted, *live, *came_in, *payments]), None)


def _payments(bookings: Sequence[Booking], *more: str) -> dict[int, list[Payment]]:
    found: dict[int, list[Payment]] = defaultdict(list)
    rows = Payment.objects.filter(booking__in=[booking.pk for booking in bookings])
    for payment in rows.prefetch_related("refunds", *more):
        found[payment.booking_id].append(payment)
    return found


def _may_see_money(request: HttpRequest, booking: Booking) -> bool:
    """The two people of a session, and staff who may look at payments."""
    reader = viewer(request)
    if reader is None:
        return False
    return reader.pk in (booking.student_id, booking.mentor.user_id) or reader.has_perm(
        "payments.view_payment"
    )


def _receipt_url(request: HttpRequest, booking: Booking, payments: Sequence[Payment]) -> str:
    """For whoever paid and for staff who may look at payments, once the money is in."""
    reader = viewer(request)
    if reader is None or not (reader.pk == booking.student_id or reader.has_perm("payments.view_payment")):
        return ""
    paid = any(each.status == PaymentStatus.SUCCEEDED and not each.is_surplus for each in payments)
    return reverse("session_receipt", args=[booking.reference]) if paid else ""


def _render(template: str, **context: object) -> SafeString:
    return SafeString(render_to_string(template, context))
