from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import current_user, viewer_zone
from bookings.models import Booking
from payments import services
from payments.being_checked import being_checked
from payments.models import AT_PROVIDER, Payment, PaymentQuerySet, PaymentStatus, Refund, RefundStatus
from payments.panels import MoneyState, state_of

PAGE_SIZE = 20
SHOWN = (*AT_PROVIDER, PaymentStatus.SUCCEEDED, PaymentStatus.FAILED)


@dataclass(frozen=True)
class PaymentRow:
    """One order on the list, with what went back of it."""

    payment: Payment
    now: datetime
    zone: ZoneInfo
    checked: bool = False

    @property
    def booking(self) -> Booking:
        return self.payment.booking

    @property
    def at(self) -> datetime:
        return self.payment.succeeded_at or self.payment.created_at

    @property
    def state(self) -> MoneyState:
        return state_of(self.booking, [self.payment], self.now)

    @property
    def refunds(self) -> list[Refund]:
        return [each for each in self.payment.refunds.all() if each.status != RefundStatus.DROPPED]

    @property
    def has_receipt(self) -> bool:
        return self.payment.status == PaymentStatus.SUCCEEDED and not self.payment.is_surplus

    @property
    def can_pay(self) -> bool:
        """Not while money for the same session is being checked, nor for a mentor who has left."""
        if self.checked or self.booking.mentor_is_gone or self.payment.status == PaymentStatus.SUCCEEDED:
            return False
        return self.booking.payable_at(self.now)


@never_cache
@login_required
@require_safe
def payment_list(request: HttpRequest) -> HttpResponse:
    """What its student paid, got back, and has still to pay."""
    now = timezone.now()
    rows = (
        _shown(current_user(request), now).select_related("booking__mentor__user").prefetch_related("refunds")
    )
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    payable = [payment.booking for payment in page if payment.booking.payable_at(now)]
    checked = being_checked(payable, now) if payable else {}
    payments = [
        PaymentRow(
            payment,
            now,
            viewer_zone(request, payment.booking.mentor.zone),
            checked=payment.booking_id in checked,
        )
        for payment in page
    ]
    context = {
        "payments": payments,
        "page_obj": page,
        "keeps_cards": services.payment_method_gateway() is not None,
    }
    return render(request, "payments/payment_list.html", context)


def _shown(student: User, now: datetime) -> PaymentQuerySet:
    """Not the orders that came to nothing before anybody tried to pay them."""
    payable = Q(status=PaymentStatus.CREATED, booking__in=Booking.objects.open_holds(now))
    shown = Q(status__in=SHOWN) | Q(needs_review=True) | payable
    return Payment.objects.filter(shown, booking__student=student)
