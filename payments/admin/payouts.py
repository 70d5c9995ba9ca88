import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html

from accounts.requests import current_user
from lib.admin_lists import MOST_WORDS, Search
from lib.money import format_money
from lib.staff_pages import HistoryAdmin, StaffAdmin
from mentors.models import Mentor
from payments.admin.filters import CurrencyFilter
from payments.forms import SeenNumber
from payments.models import Payout, PayoutLine
from payments.reports.earnings import PayoutDue, available_earnings, payouts_due
from payments.services.payouts import AmountChanged, PayoutRefused, record_payout, return_payout

# A primary key as an address has it.
PK = re.compile(r"[0-9]{1,18}", re.ASCII)


class PayoutForm(forms.Form):
    """`amount_minor` is what whoever sends the form had on the screen, and so sent to the mentor."""

    amount_minor = SeenNumber()
    transfer_reference = forms.CharField(
        label="Reference of the bank transfer",
        max_length=100,
        help_text="As your bank states it. The mentor sees it too.",
        widget=forms.TextInput(attrs={"size": 40, "autocomplete": "off"}),
    )


class PayoutLineInline(HistoryAdmin, admin.TabularInline[PayoutLine, Payout]):
    model = PayoutLine
    extra = 0
    fields = ("session", "kind", "amount", "is_returned")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PayoutLine]:
        return super().get_queryset(request).select_related("payment__booking")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fields)

    @admin.display(description="session")
    def session(self, line: PayoutLine) -> str:
        booking = line.payment.booking
        return format_html('<a href="{}">{}</a>', booking.get_absolute_url(), booking.reference)

    @admin.display(description="amount")
    def amount(self, line: PayoutLine) -> str:
        return format_money(line.amount_minor, line.payment.currency, full=True)


@admin.register(Payout)
class PayoutAdmin(StaffAdmin):
    list_display = (
        *("reference", "mentor", "amount", "transfer_reference", "recorded_at", "recorded_by", "returned_at"),
    )
    fields = (*list_display, "returned_by")
    list_filter = (CurrencyFilter, ("returned_at", admin.EmptyFieldListFilter))
    list_select_related = ("mentor__user", "recorded_by")
    search_fields = ("=reference", "=transfer_reference", "mentor__user__name", "mentor__user__email")
    search_help_text = "Payout, reference of the transfer, or the mentor's name or e-mail address"
    ordering = ("-pk",)
    sortable_by = ("reference",)
    inlines = (PayoutLineInline,)
    actions = ("mark_returned",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fields)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Choose whom to pay, see what for, and say by which transfer it was done."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        chosen = _chosen(request)
        context = self.admin_site.each_context(request) | {"opts": self.opts, "title": "Record a payout"}
        if chosen is None:
            if "mentor" in request.GET:
                self.message_user(request, "Nothing can be paid out there at the moment.", messages.WARNING)
            status = 409 if request.method == "POST" else 200
            return render(
                request, "admin/payments/payout/choose.html", context | _choice(request), status=status
            )
        form = PayoutForm(request.POST or None, initial={"amount_minor": chosen.amount_minor})
        status = 422 if form.is_bound else 200
        try:
            if form.is_valid():
                payout = self._record(request, chosen, form)
                return redirect("admin:payments_payout_change", payout.pk)
        except PayoutRefused as refusal:
            form.add_error(None, str(refusal))
            status = 409 if isinstance(refusal, AmountChanged) else 422
        if form.is_bound:
            # What was typed stays; the amount is the present one, for another look.
            form.data = request.POST.copy()
            form.data["amount_minor"] = str(chosen.amount_minor)
        rows = available_earnings(chosen.mentor, chosen.currency, timezone.now())
        context |= {"chosen": chosen, "rows": rows, "form": form}
        return render(request, "admin/payments/payout/record.html", context, status=status)

    def _record(self, request: HttpRequest, due: PayoutDue, form: PayoutForm) -> Payout:
        payout = record_payout(
            mentor=due.mentor,
            currency=due.currency,
            amount_minor=form.cleaned_data["amount_minor"],
            transfer_reference=form.cleaned_data["transfer_reference"],
            actor=current_user(request),
            now=timezone.now(),
        )
        self.log_addition(request, payout, f"Sent by {payout.transfer_reference}")
        amount = format_money(payout.amount_minor, payout.currency, full=True)
        self.message_user(request, f"{payout}: {amount} to {due.mentor} is recorded")
        return payout

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, payout: Payout) -> str:
        return format_money(payout.amount_minor, payout.currency, full=True)

    @admin.action(description="The bank sent the transfer back", permissions=["change"])
    def mark_returned(self, request: HttpRequest, payouts: QuerySet[Payout]) -> None:
        for payout in payouts.filter(returned_at=None):
            return_payout(payout.pk, actor=current_user(request), now=timezone.now())
            self.report_done(request, payout, "its shares can be paid out again", "The transfer came back")


def _chosen(request: HttpRequest) -> PayoutDue | None:
    mentor = request.GET.get("mentor", "")
    if not PK.fullmatch(mentor):
        return None
    due = payouts_due(timezone.now(), mentors=[int(mentor)]).rows
    return next((each for each in due if each.currency == request.GET.get("currency")), None)


def _choice(request: HttpRequest) -> dict[str, Any]:
    """Whom the list offers: everybody, a page at a time, or who is looked for by name or address."""
    text, after = request.GET.get("q", ""), request.GET.get("after", "")
    mentors = None
    if words := text.split()[:MOST_WORDS]:
        named = Search(words).condition(Mentor, ("user__name", "user__email"))
        mentors = list(Mentor.objects.filter(named).values_list("pk", flat=True))
    page = payouts_due(timezone.now(), after=int(after) if PK.fullmatch(after) else 0, mentors=mentors)
    return {"page": page, "text": text}
