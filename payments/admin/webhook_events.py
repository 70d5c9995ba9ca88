from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from lib.staff_pages import StaffAdmin
from payments import services
from payments.admin.filters import GatewayFilter
from payments.models import WebhookEvent


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
class WebhookEventAdmin(StaffAdmin):
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
    list_filter = (AttentionFilter, GatewayFilter, "kind")
    list_select_related = ("order",)
    search_fields = (
        "=event_id",
        "=order__provider_ref",
        "=order__payment_id",
        "=order__reference",
        "=order__booking__reference",
    )
    search_help_text = "Event, or its order's checkout or payment, at the provider; or our order or session"
    ordering = ("-pk",)
    actions = ("process_again",)

    @admin.action(description="Process again", permissions=["change"])
    def process_again(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        for event in events:
            done = services.retry_event(event.pk, now=timezone.now())
            event.refresh_from_db()
            level = messages.SUCCESS if done else messages.ERROR
            self.message_user(request, f"{event}: {'done' if done else event.error}", level)
