from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import User
from mentors.money import format_money
from payments import services
from payments.gateways.base import GatewayError
from payments.models import Dispute, Payment, Refund, WebhookEvent


class HistoryAdmin:
    """Rows of money are looked at; what changes them are services."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        model = self.model  # type: ignore[attr-defined]
        return [field.name for field in model._meta.fields]


class RefundInline(HistoryAdmin, admin.TabularInline[Refund, Payment]):
    model = Refund
    extra = 0
    fields = (
        "reference",
        "amount_minor",
        "reason",
        "status",
        "provider_id",
        "error",
        "created_at",
        "succeeded_at",
    )
    show_change_link = True


@admin.register(Payment)
class PaymentAdmin(HistoryAdmin, admin.ModelAdmin[Payment]):
    list_display = ("reference", "session", "status", "amount", "gateway", "needs_review", "created_at")
    list_filter = ("needs_review", "status", "gateway", "currency", "is_surplus")
    list_select_related = ("booking",)
    search_fields = (
        "reference",
        "booking__reference",
        "payment_id",
        "provider_ref",
        "booking__student__email",
    )
    search_help_text = "Order, session, payment or checkout ID, or the student's e-mail address"
    date_hierarchy = "created_at"
    inlines = (RefundInline,)
    actions = ("settle_again", "mark_reviewed", "give_back")

    @admin.display(description="session", ordering="booking__reference")
    def session(self, payment: Payment) -> str:
        return format_html(
            '<a href="{}">{}</a>', payment.booking.get_absolute_url(), payment.booking.reference
        )

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, payment: Payment) -> str:
        return format_money(payment.amount_minor, payment.currency, full=True)

    @admin.action(description="Settle again: ask the provider", permissions=["change"])
    def settle_again(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        for payment in payments:
            try:
                settled = services.settle(payment.pk, source="staff", now=timezone.now())
            except GatewayError as error:
                self.message_user(request, f"{payment}: {error}", messages.ERROR)
            else:
                flagged = ", needs review" if settled.needs_review else ""
                self.message_user(request, f"{payment}: {settled.get_status_display()}{flagged}")

    @admin.action(description="Mark as reviewed", permissions=["change"])
    def mark_reviewed(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        for payment in payments:
            if services.mark_reviewed(payment.pk, actor=cast(User, request.user), now=timezone.now()):
                self.log_change(request, payment, f"Reviewed: {payment.review_reason}")
                self.message_user(request, f"{payment}: marked as reviewed")

    @admin.action(description="Give back money of another amount than was asked for", permissions=["change"])
    def give_back(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        for payment in payments:
            try:
                services.give_back_unasked(payment.pk, now=timezone.now())
            except (services.NotRefundable, GatewayError) as error:
                self.message_user(request, f"{payment}: {error}", messages.ERROR)
            else:
                self.log_change(
                    request, payment, f"Gave back what was not asked for: {payment.review_reason}"
                )
                self.message_user(request, f"{payment}: all of it goes back")


@admin.register(Refund)
class RefundAdmin(HistoryAdmin, admin.ModelAdmin[Refund]):
    list_display = ("reference", "payment", "amount", "reason", "status", "attempts", "created_at")
    list_filter = ("status", "reason")
    list_select_related = ("payment",)
    search_fields = ("reference", "payment__reference", "payment__booking__reference", "provider_id")
    search_help_text = "Refund, order, session, or the provider's refund ID"
    date_hierarchy = "created_at"

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, refund: Refund) -> str:
        return format_money(refund.amount_minor, refund.payment.currency, full=True)


@admin.register(Dispute)
class DisputeAdmin(HistoryAdmin, admin.ModelAdmin[Dispute]):
    list_display = ("dispute_id", "payment", "status", "amount", "reason", "is_inquiry", "opened_at")
    list_filter = ("status", "is_inquiry")
    list_select_related = ("payment",)
    search_fields = ("dispute_id", "payment__reference", "payment__booking__reference", "payment__payment_id")
    search_help_text = "Dispute, order, session, or the provider's payment ID"
    date_hierarchy = "opened_at"

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, dispute: Dispute) -> str:
        return format_money(dispute.amount_minor, dispute.payment.currency, full=True)


class AttentionFilter(admin.SimpleListFilter):
    title = "what became of it"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("given_up", "Needs attention"), ("waiting", "Waiting"), ("done", "Done")]

    def queryset(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        match self.value():
            case "given_up":
                return events.filter(processed_at=None).exclude(gave_up_at=None)
            case "waiting":
                return events.filter(processed_at=None, gave_up_at=None)
            case "done":
                return events.exclude(processed_at=None)
        return events


@admin.register(WebhookEvent)
class WebhookEventAdmin(HistoryAdmin, admin.ModelAdmin[WebhookEvent]):
    list_display = (
        "event_id",
        "gateway",
        "type",
        "order",
        "received_at",
        "processed_at",
        "attempts",
        "error",
    )
    list_filter = (AttentionFilter, "gateway", "kind")
    list_select_related = ("order",)
    search_fields = ("event_id", "provider_ref", "payment_id", "refund_id", "order__reference")
    search_help_text = "Event, checkout, payment or refund at the provider, or our order"
    date_hierarchy = "received_at"
    actions = ("process_again",)

    @admin.action(description="Process again", permissions=["change"])
    def process_again(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        for event in events:
            done = services.retry_event(event.pk, now=timezone.now())
            event.refresh_from_db()
            level = messages.SUCCESS if done else messages.ERROR
            self.message_user(request, f"{event}: {'done' if done else event.error}", level)
