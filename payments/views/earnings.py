from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import viewer_zone
from bookings.models import Booking
from lib.clock import format_day
from lib.money import format_money
from mentors.models import Mentor
from payments.models import Payout, PayoutLine
from payments.reports.earnings import (
    Earning,
    Month,
    State,
    Totals,
    earnings_of,
    make_earnings,
    months_of,
    totals_of,
)
from payments.reports.earnings_chart import Plot, plot_months

PAGE_SIZE = 20
PAYOUTS_SHOWN = 12


@dataclass(frozen=True)
class InCurrency:
    totals: Totals
    months: list[Month]
    plot: Plot | None

    @property
    def sessions(self) -> int:
        return sum(month.sessions for month in self.months)


@dataclass(frozen=True)
class EarningRow:
    """One session's money. `payout` is the one that paid its share, if any did."""

    earning: Earning
    payout: Payout | None
    zone: ZoneInfo

    @property
    def booking(self) -> Booking:
        return self.earning.payment.booking

    @property
    def badge(self) -> tuple[str, str]:
        """Shape and words."""
        state = self.earning.state
        if state is State.PENDING and self.earning.payment.is_disputed:
            return "pending", "Held: the payment is in dispute"
        if state is State.PENDING:
            return "pending", f"Pending until {self._day(self.earning.available_at)}"
        if state is State.PAID_OUT and self.payout:
            return "completed", f"Paid out {self._day(self.payout.recorded_at)}"
        return {
            State.AVAILABLE: ("scheduled", "Available"),
            State.PAID_OUT: ("completed", "Paid out"),
            State.NOTHING: ("refunded", "Refunded"),
        }[state]

    @property
    def note(self) -> str:
        """What the next payout makes good."""
        due, currency = self.earning.due, self.earning.payment.currency
        if due < 0:
            return f"{format_money(-due, currency)} comes off the next payout"
        if due > 0 and self.payout:
            return f"{format_money(due, currency)} more comes with the next payout"
        return ""

    def _day(self, at: datetime) -> str:
        return format_day(at.astimezone(self.zone).date())


@never_cache
@login_required
@require_safe
def dashboard_earnings(request: HttpRequest) -> HttpResponse:
    mentor = get_object_or_404(Mentor.objects.with_dashboard(), user_id=request.user.pk)
    now, zone = timezone.now(), viewer_zone(request, mentor.zone)
    rows = earnings_of(mentor, now).select_related("booking__student")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "mentor": mentor,
        "zone": zone,
        "currencies": _by_currency(mentor, zone, now),
        "rows": _rows(make_earnings(page, now), zone),
        "page_obj": page,
        "payouts": mentor.payouts.all()[:PAYOUTS_SHOWN],
    }
    return render(request, "payments/earnings.html", context)


def _by_currency(mentor: Mentor, zone: ZoneInfo, now: datetime) -> list[InCurrency]:
    totals = totals_of(mentor.user, now)
    months = months_of(mentor, [each.currency for each in totals], zone, now)
    return [
        InCurrency(each, months[each.currency], plot_months(months[each.currency], each.currency))
        for each in totals
    ]


def _rows(earnings: Sequence[Earning], zone: ZoneInfo) -> list[EarningRow]:
    lines = PayoutLine.objects.standing().filter(
        payment__in=[each.payment.pk for each in earnings], kind=PayoutLine.Kind.SHARE
    )
    payouts = {line.payment_id: line.payout for line in lines.select_related("payout")}
    return [EarningRow(each, payouts.get(each.payment.pk), zone) for each in earnings]
