from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html

from config import plain_pages
from config.models import FailingRow, PlainPage, Sweep
from lib.staff_pages import ReadOnlyRows


class OpenFirst(admin.SimpleListFilter):
    title = "what became of it"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Still fails"), ("resolved", "Resolved")]

    def queryset(self, request: HttpRequest, rows: QuerySet[FailingRow]) -> QuerySet[FailingRow]:
        match self.value():
            case "open":
                return rows.filter(resolved_at=None)
            case "resolved":
                return rows.exclude(resolved_at=None)
        return rows


@admin.register(FailingRow)
class FailingRowAdmin(ReadOnlyRows, admin.ModelAdmin[FailingRow]):
    list_display = ("row", "sweep", "count", "error", "first_at", "last_at", "resolved_at", "page")
    list_filter = (OpenFirst, "sweep")
    search_fields = ("row", "error")
    search_help_text = "A session's or an order's reference, or words of the error"
    actions = ("resolve",)

    @admin.display(description="page")
    def page(self, failing: FailingRow) -> str:
        try:
            url = reverse(f"admin:{failing.model.replace('.', '_')}_change", args=[failing.object_id])
        except NoReverseMatch:
            return "-"
        return format_html('<a href="{}">Open</a>', url)

    @admin.action(description="Mark as resolved, until it fails again", permissions=["resolve"])
    def resolve(self, request: HttpRequest, rows: QuerySet[FailingRow]) -> None:
        resolved = rows.filter(resolved_at=None).update(resolved_at=timezone.now())
        noun = "row" if resolved == 1 else "rows"
        self.message_user(request, f"{resolved} {noun} marked as resolved.", messages.SUCCESS)

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("config.change_failingrow")


@admin.register(Sweep)
class SweepAdmin(ReadOnlyRows, admin.ModelAdmin[Sweep]):
    list_display = ("name", "finished_at", "holder", "held_until")


@admin.register(PlainPage)
class PlainPageAdmin(admin.ModelAdmin[PlainPage]):
    """The four pages are there from the start: none is added or removed."""

    list_display = ("slug", "whose_words")
    fields = ("text",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, page: PlainPage | None = None) -> bool:
        return False

    @admin.display(description="text")
    def whose_words(self, page: PlainPage) -> str:
        return "Yours" if page.text else "As it comes with the site"

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> PlainPage | None:
        """With the text that is shown, to be changed from there."""
        page = super().get_object(request, object_id, from_field)
        if page is not None:
            page.text = page.text or plain_pages.default_text(page.slug)
        return page

    def save_model(self, request: HttpRequest, page: PlainPage, form: Any, change: bool) -> None:
        """What is as it comes with the site stays so when that changes."""
        written = "\n".join(page.text.split("\r\n")).strip()
        page.text = "" if written == plain_pages.default_text(page.slug).strip() else written
        super().save_model(request, page, form, change)
