"""What the staff's pages of money have in common: history is looked at, and services change it."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class HistoryAdmin:
    """Rows of money are looked at; what changes them are services."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        model = self.model  # type: ignore[attr-defined]
        return [field.name for field in model._meta.fields]


class StaffAdmin(HistoryAdmin, admin.ModelAdmin[Any]):
    """A page of one row: nothing to save, and the list's actions as buttons, which lead back to it."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        nothing_to_save = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | nothing_to_save)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:  # type: ignore[override]
        response = super().response_action(request, queryset)
        pk = request.POST.get("_selected_action", "")
        if "_back" not in request.POST or not pk.isdecimal():
            return response
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", pk)

    def report_done(self, request: HttpRequest, row: Any, words: str, change: str) -> None:
        self.log_change(request, row, change)
        self.message_user(request, f"{row}: {words}")

    def report_refused(self, request: HttpRequest, row: Any, reason: Exception) -> None:
        self.message_user(request, f"{row}: {reason}", messages.ERROR)


class NeedsAttention(admin.SimpleListFilter):
    title = "needs attention"
    parameter_name = "attention"
    WHAT: dict[str, tuple[str, Q]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.WHAT.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(self.WHAT[chosen][1]).distinct() if chosen in self.WHAT else queryset
