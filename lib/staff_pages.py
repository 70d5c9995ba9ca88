"""What pages of Django's admin have in common here: staff look, and what changes rows are services."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from lib.admin_lists import BoundedListAdmin


class KeptRows:
    """Rows that are neither added nor deleted in the admin. For pages and for the tables on them."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False


class ReadOnlyRows(KeptRows):
    """Rows that are not changed either."""

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False


class HistoryAdmin(KeptRows):
    """Rows that are looked at. Whoever may change them does so by the page's buttons, which call services."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        model = self.model  # type: ignore[attr-defined]
        return [field.name for field in model._meta.fields]


class ActionAdmin(BoundedListAdmin):
    """A list whose actions stand as buttons on a row's page too, and decisions that have a page of their own."""

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:  # type: ignore[override]
        """From a button on one row's page back to it, unless the action answers with a page."""
        response = super().response_action(request, queryset)
        pk = request.POST.get("_selected_action", "")
        if "_back" not in request.POST or not pk.isdecimal() or (response and response.status_code != 302):
            return response
        return self.back_to(pk)

    def back_to(self, pk: int | str) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", pk)

    def decision_url(self, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        """The address of a decision about one row, named `<app>_<model>_<name>`."""
        full_name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=full_name)

    def decision_page(
        self,
        request: HttpRequest,
        row: Any,
        form: forms.Form,
        *,
        verb: str,
        facts: Iterable[str],
        status: int | None = None,
    ) -> HttpResponse:
        """A page that asks before something is done: what is known, a form, and a button that says `verb`.

        Answers 200, or 422 for a form that is refused, unless `status` says otherwise.
        """
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "original": row,
            "title": verb,
            "facts": facts,
            "form": form,
            "verb": verb,
        }
        status = status or (422 if form.is_bound else 200)
        return render(request, "admin/staff_action.html", context, status=status)

    def report_done(self, request: HttpRequest, row: Any, words: str, change: str) -> None:
        """Tell whoever pressed, and write `change` into the admin's log."""
        self.log_change(request, row, change)
        self.message_user(request, f"{row}: {words}")

    def report_refused(self, request: HttpRequest, row: Any, reason: Exception) -> None:
        self.message_user(request, f"{row}: {reason}", messages.ERROR)


class StaffAdmin(HistoryAdmin, ActionAdmin):
    """Rows that are looked at, on pages with nothing to save."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        nothing_to_save = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | nothing_to_save)


class NeedsAttention(admin.SimpleListFilter):
    """A list's rows that staff should look at, by what is wrong: `WHAT` is a label and a condition by name."""

    title = "needs attention"
    parameter_name = "attention"
    WHAT: dict[str, tuple[str, Q]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.WHAT.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(self.WHAT[chosen][1]) if chosen in self.WHAT else queryset
