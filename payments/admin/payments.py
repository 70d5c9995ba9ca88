from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from accounts.requests import current_user
from lib.money import format_money
from lib.staff_pages import HistoryAdmin, NeedsAttention, StaffAdmin
from payments import services
from payments.admin.filters import CurrencyFilter, GatewayFilter
from payments.forms import StaffRefundForm
from payments.gateways.base import GatewayError
from payments.models import Dispute, Payment, PaymentStatus, Refund, RefundStatus, WebhookEvent
from payments.services import NotRefundable, RefundsChanged

FAILED_REFUNDS = Refund.objects.filter(payment=OuterRef("pk"), status=RefundStatus.FAILED)
EVENTS_NOT_PROCESSED = WebhookEvent.objects.unprocessed().filter(order=OuterRef("pk"))


class PaymentAttention(NeedsAttention):
    WHAT = {
        "review": ("Anything to review", Q(needs_review=True)),
        "mismatch": ("Amount mismatch", Q(needs_review=True) & ~Q(status=PaymentStatus.SUCCEEDED)),
        "refund": ("Refund failed", Q(Exists(FAILED_REFUNDS))),
        "dispute": ("In dispute", Q(is_disputed=True)),
        "event": ("Event not processed", Q(Exists(EVENTS_NOT_PROCESSED))),
    }


class RefundInline(HistoryAdmin, admin.TabularInline[Refund, Payment]):
    model = Refund
    extra = 0
    fields = (
        *("reference", "amount", "reason", "status", "actor", "provider_id", "error", "created_at"),
        "succeeded_at",
    )
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refund]:
        return super().get_queryset(request).select_related("actor", "payment")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "amount"]

    def amount(self, refund: Refund) -> str:
        return format_money(refund.amount_minor, refund.payment.currency, full=True)


class DisputeInline(HistoryAdmin, admin.TabularInline[Dispute, Payment]):
    model = Dispute
    extra = 0


@admin.register(Payment)
class PaymentAdmin(StaffAdmin):
    list_display = ("reference", "session", "status", "amount", "gateway", "needs_review", "created_at")
    list_filter = (
        *(PaymentAttention, "needs_review", "status", GatewayFilter, CurrencyFilter),
        *("is_surplus", "is_disputed"),
    )
    list_select_related = ("booking",)
    search_fields = (
        "=reference",
        "=booking__reference",
        "=payment_id",
        "=provider_ref",
        "booking__student__email",
    )
    search_help_text = "Order, session, payment or checkout ID, or the student's e-mail address"
    sortable_by = ("reference", "created_at")
    inlines = (RefundInline, DisputeInline)
    actions = ("settle_again", "mark_reviewed", "give_back")

    @admin.display(description="session", ordering="booking__reference")
    def session(self, payment: Payment) -> str:
        url = reverse("admin:bookings_booking_change", args=[payment.booking_id])
        return format_html('<a href="{}">{}</a>', url, payment.booking.reference)

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, payment: Payment) -> str:
        return format_money(payment.amount_minor, payment.currency, full=True)

    def get_urls(self) -> list[URLPattern]:
        return [self.decision_url("refund", self.refund_view), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        payment = self.get_object(request, object_id)
        can_refund = payment is not None and self.has_refund_permission(request) and _is_refundable(payment)
        more = (extra_context or {}) | {"can_refund": can_refund}
        return super().change_view(request, object_id, form_url, more)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def refund_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Any part, with a reason, once for the page that was seen."""
        if not self.has_refund_permission(request):
            raise PermissionDenied
        payment = get_object_or_404(self.get_queryset(request), pk=pk)
        form = StaffRefundForm(request.POST if request.method == "POST" else None, payment=payment)
        if request.method != "POST" or not form.is_valid():
            return self._refund_page(request, payment, form)
        try:
            refund = services.refund_by_staff(
                pk,
                amount_minor=form.cleaned_data["amount"],
                seen_refunds=form.cleaned_data["seen_refunds"],
                actor=current_user(request),
                note=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except RefundsChanged as changed:
            payment.refresh_from_db()
            typed = {name: form.data.get(name) for name in ("amount", "reason")}
            self.message_user(request, str(changed), messages.WARNING)
            return self._refund_page(request, payment, StaffRefundForm(payment=payment, typed=typed), 409)
        except NotRefundable as refusal:
            form.add_error(None, str(refusal))
            return self._refund_page(request, payment, form)
        amount = format_money(refund.amount_minor, payment.currency)
        self.report_done(request, payment, f"{amount} goes back as {refund}", f"{refund}: {refund.note}")
        return self.back_to(pk)

    def _refund_page(
        self, request: HttpRequest, payment: Payment, form: StaffRefundForm, status: int | None = None
    ) -> HttpResponse:
        paid, left = (
            format_money(minor, payment.currency)
            for minor in (payment.amount_minor, payment.refundable_minor)
        )
        facts = [
            f"Order {payment} for session {payment.booking}: {payment.get_status_display().lower()}.",
            f"Paid {paid}, of which {left} can go back. The session stays as it is.",
        ]
        return self.decision_page(request, payment, form, verb="Refund", facts=facts, status=status)

    def has_refund_permission(self, request: HttpRequest) -> bool:
        """Deciding about money is a permission of its own."""
        return request.user.has_perm("payments.add_refund") and self.has_view_permission(request)

    @admin.action(description="Settle again: ask the provider", permissions=["change"])
    def settle_again(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        for payment in payments:
            try:
                settled = _settle_again(payment)
            except GatewayError as error:
                self.report_refused(request, payment, error)
            else:
                flagged = ", needs review" if settled.needs_review else ""
                words = f"{settled.get_status_display()}{flagged}"
                self.report_done(request, payment, words, f"Settled again: {words}")

    @admin.action(description="Mark as reviewed", permissions=["change"])
    def mark_reviewed(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        for payment in payments:
            if services.mark_payment_reviewed(payment.pk, actor=current_user(request), now=timezone.now()):
                self.report_done(request, payment, "marked as reviewed", f"Reviewed: {payment.review_reason}")

    @admin.action(description="Give back money of another amount than was asked for", permissions=["refund"])
    def give_back(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        for payment in payments:
            try:
                services.refund_mismatched_payment(payment.pk, now=timezone.now())
            except (services.NotRefundable, GatewayError) as error:
                self.message_user(request, f"{payment}: {error}", messages.ERROR)
            else:
                self.log_change(
                    request, payment, f"Gave back what was not asked for: {payment.review_reason}"
                )
                self.message_user(request, f"{payment}: all of it goes back")


def _is_refundable(payment: Payment) -> bool:
    return (
        payment.status == PaymentStatus.SUCCEEDED and payment.refundable_minor > 0 and not payment.is_disputed
    )


def _settle_again(payment: Payment) -> Payment:
    """Everything that its provider knows of it, refunds and disputes included."""
    now = timezone.now()
    services.settle(payment.pk, source="staff", now=now)
    services.record_second_payments(payment.pk, now=now)
    services.sync_refunds(payment.pk, now=now)
    services.sync_disputes(payment.pk, now=now)
    return Payment.objects.get(pk=payment.pk)
