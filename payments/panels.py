"""What payments show on the pages of sessions: the state of the money in words, and the money itself."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.requests import viewer_zone
from bookings.models import Booking, Status
from bookings.panels import sessions
from bookings.permissions import is_one_of_the_two, is_student
from lib.money import format_money
from payments.being_checked import explanation
from payments.models import LIVE, Payment, PaymentStatus, Refund, RefundStatus


@dataclass(frozen=True)
class MoneyState:
    """`status` picks the shape, `label` are the words."""

    status: str
    label: str
    beside_state: str = ""

    @property
    def after_state(self) -> str:
        """How the words of a session's own state go on: `Booked` and ` and paid, ₹1,050`."""
        return self.beside_state or f", {self.label[0].lower()}{self.label[1:]}"


def register() -> None:
    sessions.register(
        MoneyPanels,
        session_state=MoneyPanels.states,
        session_checked=MoneyPanels.checked,
        session_receipt=MoneyPanels.receipts,
        session_money=MoneyPanels.money,
        session_references=MoneyPanels.references,
        session_trail=MoneyPanels.trail,
    )


class MoneyPanels:
    """Made once for a page: its panels share the payments and refunds of all its sessions, in two queries."""

    def __init__(self, request: HttpRequest, bookings: Sequence[Booking]) -> None:
        self.request, self.bookings, self.now = request, bookings, timezone.now()

    @cached_property
    def payments(self) -> Mapping[int, list[Payment]]:
        """By session, the newest first."""
        found: dict[int, list[Payment]] = defaultdict(list)
        charged = [booking.pk for booking in self.bookings if not booking.is_free]
        rows = Payment.objects.filter(booking__in=charged)
        for payment in rows.prefetch_related("refunds"):
            found[payment.booking_id].append(payment)
        return found

    def states(self) -> Mapping[int, SafeString]:
        """` and paid, ₹1,050`, to go on after `Booked`."""
        return {booking.pk: format_html("{}", self._state(booking).after_state) for booking in self.bookings}

    def checked(self) -> Mapping[int, SafeString]:
        """Why nobody should pay again, of the sessions whose money a bank or staff are checking."""
        checked = {
            booking: [each for each in self.payments[booking.pk] if each.is_being_checked]
            for booking in self.bookings
            if not booking.is_free
        }
        return {
            booking.pk: format_html("{}", explanation(booking, payments, self.now))
            for booking, payments in checked.items()
            if payments
        }

    def money(self) -> Mapping[int, SafeString]:
        """For the two people of a session, and staff who may look at payments."""
        return {
            booking.pk: _render(
                "payments/_session_money.html",
                booking=booking,
                refunds=self._refunds(booking),
                state=self._state(booking),
            )
            for booking in self._seen
        }

    def references(self) -> Mapping[int, SafeString]:
        """The numbers by which a provider and staff know the money, for the same people."""
        return {
            booking.pk: _render(
                "payments/_session_references.html",
                order=_order(self.payments[booking.pk]),
                refunds=self._refunds(booking),
                zone=viewer_zone(self.request, booking.mentor.zone),
            )
            for booking in self._seen
            if self.payments[booking.pk]
        }

    def receipts(self) -> Mapping[int, SafeString]:
        """Its address, for whoever paid and for staff who may look at payments, once the money is in."""
        return {
            booking.pk: format_html("{}", reverse("session_receipt", args=[booking.reference]))
            for booking in self.bookings
            if is_student(booking, self.request.user) or self._sees_payments
            if any(
                each.status == PaymentStatus.SUCCEEDED and not each.is_surplus
                for each in self.payments[booking.pk]
            )
        }

    def trail(self) -> Mapping[int, SafeString]:
        """Every row of money, for staff who may look at payments."""
        if not self._sees_payments:
            return {}
        rows = [payment for payments in self.payments.values() for payment in payments]
        prefetch_related_objects(rows, "disputes", "refunds__actor")
        return {
            booking.pk: _render(
                "payments/_session_trail.html",
                payments=self.payments[booking.pk],
                state=self._state(booking),
                zone=timezone.get_current_timezone(),
            )
            for booking in self.bookings
        }

    @property
    def _seen(self) -> list[Booking]:
        return [
            each
            for each in self.bookings
            if self._sees_payments or is_one_of_the_two(each, self.request.user)
        ]

    def _refunds(self, booking: Booking) -> list[Refund]:
        return [
            refund
            for payment in self.payments[booking.pk]
            for refund in payment.refunds.all()
            if refund.status != RefundStatus.DROPPED
        ]

    @property
    def _sees_payments(self) -> bool:
        return self.request.user.has_perm("payments.view_payment")

    def _state(self, booking: Booking) -> MoneyState:
        return state_of(booking, self.payments[booking.pk], self.now)


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
        if order is not None and order.failure:
            return MoneyState("failed", "Payment failed")
        return MoneyState("unpaid", "Unpaid")
    if booking.status_at(now) == Status.REQUESTED:
        return MoneyState("unpaid", "Paid after approval")
    if order and order.status == PaymentStatus.FAILED:
        return MoneyState("failed", "Payment failed")
    return MoneyState("not_charged", "Nothing charged")


def _state_of_paid(order: Payment) -> MoneyState:
    def amount(minor: int) -> str:
        return format_money(minor, order.currency)

    back = amount(order.refunded_minor)
    if any(refund.status == RefundStatus.FAILED for refund in order.refunds.all()):
        return MoneyState("failed", "Refund failed")
    if order.reserved_minor:
        words = f", {amount(order.reserved_minor)} on its way back"
        return MoneyState("pending", "Refund on its way", words)
    if order.lost_minor:
        lost = amount(order.lost_minor)
        return MoneyState("refunded", f"Charged back {lost}")
    if order.refunded_minor == order.amount_minor:
        return MoneyState("refunded", f"Refunded {back}")
    if order.refunded_minor:
        return MoneyState("partly_refunded", f"Partly refunded {back}")
    paid = amount(order.amount_minor)
    return MoneyState("paid", f"Paid {paid}", f" and paid, {paid}")


def _order(payments: Sequence[Payment]) -> Payment | None:
    """The payment that speaks for its session: the one that counts, else the live one, else what came in and goes
    back, else the newest."""
    came_in = [each for each in payments if each.status == PaymentStatus.SUCCEEDED]
    counted = [each for each in came_in if not each.is_surplus]
    live = [each for each in payments if each.status in LIVE]
    return next(iter([*counted, *live, *came_in, *payments]), None)


def _render(template: str, **context: object) -> SafeString:
    return SafeString(render_to_string(template, context))
