from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from accounts.requests import current_user
from bookings import panels
from bookings.cancellation import RefundChoice, Terms, terms_of
from bookings.forms import HideReviewForm, StaffCancelForm
from bookings.models import Booking, BookingEvent, Review
from bookings.permissions import why_staff_can_not_cancel
from bookings.services import (
    NotAllowed,
    QuoteChanged,
    cancel_by_staff,
    delete_review,
    hide_review,
    show_review,
)
from lib.clock import format_moment, format_zone
from lib.money import format_money
from lib.staff_pages import KeptRows, StaffAdmin


class EventInline(KeptRows, admin.TabularInline[BookingEvent, Booking]):
    model = BookingEvent
    extra = 0
    fields = readonly_fields = ("at", "kind", "actor", "note")


@admin.register(Booking)
class BookingAdmin(StaffAdmin):
    """A session with its whole history and the trail of its money. Staff read here; services change it."""

    list_display = ("reference", "type_name", "mentor", "student", "starts_at", "status")
    list_filter = ("status", "starts_at")
    search_fields = (
        "=reference",
        "student__email",
        "student__name",
        "mentor__user__email",
        "mentor__user__name",
    )
    search_help_text = "A session's reference, or a student's or mentor's name or e-mail address"
    ordering = ("-starts_at",)
    sortable_by = ("reference", "starts_at")
    list_select_related = ("mentor__user", "student")
    inlines = (EventInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Booking | None = None) -> list[str]:
        """Not the room's name, with which anybody can enter."""
        return [name for name in super().get_readonly_fields(request, obj) if name != "room"]

    def get_exclude(self, request: HttpRequest, obj: Booking | None = None) -> list[str]:
        return ["room"]

    def get_urls(self) -> list[URLPattern]:
        return [self.decision_url("cancel", self.cancel_view), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        more = extra_context or {}
        booking = self.get_object(request, object_id)
        if booking is not None and self.has_view_permission(request, booking):
            more |= {
                **panels.sessions.render_one(request, booking, "session_trail"),
                "can_cancel": self.has_change_permission(request, booking)
                and not why_staff_can_not_cancel(booking, timezone.now()),
            }
        return super().change_view(request, object_id, form_url, more)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What goes back is chosen, confirmed, and then done for what was shown."""
        booking = get_object_or_404(Booking.objects.with_people(), pk=pk)
        now = timezone.now()
        terms = terms_of(booking, now)
        if not self._may_cancel(request, booking, terms):
            raise PermissionDenied
        if why_staff_can_not_cancel(booking, now):
            self.message_user(request, f"{booking} can't be cancelled any more.", messages.WARNING)
            return self.back_to(pk)
        form = StaffCancelForm(
            request.POST if request.method == "POST" else None, booking=booking, terms=terms
        )
        if request.method != "POST" or not form.is_valid():
            return self._cancel_page(request, booking, form, terms)
        try:
            cancel_by_staff(
                pk,
                actor=current_user(request),
                now=now,
                reason=form.cleaned_data["reason"],
                give_back=RefundChoice(form.cleaned_data.get("give_back", RefundChoice.NONE)),
                part_minor=form.cleaned_data["part_minor"],
                quoted=form.cleaned_data["quoted"],
            )
        except QuoteChanged as changed:
            booking.refresh_from_db()
            terms, typed = terms_of(booking, now), {"reason": form.cleaned_data["reason"]}
            fresh = StaffCancelForm(booking=booking, terms=terms, initial=typed)
            self.message_user(request, str(changed), messages.WARNING)
            return self._cancel_page(request, booking, fresh, terms, 409)
        except NotAllowed as refusal:
            form.add_error(None, str(refusal))
            return self._cancel_page(request, booking, form, terms)
        self.log_change(request, booking, f"Cancelled: {form.cleaned_data['reason']}")
        self.message_user(request, f"{booking} is cancelled.", messages.SUCCESS)
        return self.back_to(pk)

    def _may_cancel(self, request: HttpRequest, booking: Booking, terms: Terms) -> bool:
        """Deciding about money is a permission of its own."""
        may_refund = not terms.is_paid or request.user.has_perm("payments.add_refund")
        return self.has_change_permission(request, booking) and may_refund

    def _cancel_page(
        self,
        request: HttpRequest,
        booking: Booking,
        form: StaffCancelForm,
        terms: Terms,
        status: int | None = None,
    ) -> HttpResponse:
        facts = _facts(booking, terms)
        return self.decision_page(request, booking, form, verb="Cancel session", facts=facts, status=status)


def _facts(booking: Booking, terms: Terms) -> list[str]:
    zone = booking.mentor.zone
    facts = [
        f"{booking.type_name}: {booking.student.name} with {booking.mentor.user.name}",
        f"{format_moment(booking.starts_at, zone)}, {format_zone(zone, booking.starts_at)}",
    ]
    if not terms.is_paid:
        return [*facts, "Nothing was paid, so nothing goes back."]
    paid = format_money(booking.amount_minor, booking.currency)
    left = format_money(terms.left_minor, booking.currency)
    return [*facts, f"Paid {paid}, of which {left} can go back.", *([terms.refusal] if terms.refusal else [])]


STARS = ("1", "2", "3", "4", "5")


class StarsFilter(admin.SimpleListFilter):
    """Of a number Django would ask which there are, of all rows."""

    title = "rating"
    parameter_name = "rating"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(stars, stars) for stars in STARS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Review]) -> QuerySet[Review]:
        chosen = self.value()
        return queryset.filter(rating=int(chosen)) if chosen in STARS else queryset


@admin.register(Review)
class ReviewAdmin(StaffAdmin):
    """Words and stars are their student's. Staff can hide a review, or delete it; the mentor's mean follows."""

    list_display = ("booking", "rating", "created_at", "is_hidden")
    list_filter = (StarsFilter, ("hidden_at", admin.EmptyFieldListFilter))
    list_select_related = ("booking",)
    search_fields = ("=booking__reference", "words")
    ordering = ("-pk",)

    @admin.display(boolean=True, description="hidden")
    def is_hidden(self, review: Review) -> bool:
        return review.hidden_at is not None

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, *args)

    def get_urls(self) -> list[URLPattern]:
        return [self.decision_url("visibility", self.visibility_view), *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def visibility_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Hides a review that is shown, with the reason; shows one that is hidden."""
        review = get_object_or_404(Review.objects.select_related("booking__mentor__user"), pk=pk)
        if not self.has_change_permission(request, review):
            raise PermissionDenied
        is_hiding = review.hidden_at is None
        form = HideReviewForm(request.POST if request.method == "POST" else None, is_hiding=is_hiding)
        if form.is_valid():
            if form.cleaned_data["shown"] != is_hiding:
                self.message_user(request, "Somebody else was quicker. Please look again.", messages.WARNING)
            elif is_hiding:
                reason = form.cleaned_data["reason"]
                hide_review(pk, by=current_user(request), reason=reason, now=timezone.now())
                self.log_change(request, review, f"Hidden: {reason}")
                self.message_user(request, "The review is hidden and doesn’t count.", messages.SUCCESS)
            else:
                show_review(pk)
                self.log_change(request, review, "Shown again")
                self.message_user(request, "The review is shown and counts again.", messages.SUCCESS)
            return self.back_to(pk)
        verb = "Hide review" if is_hiding else "Show review again"
        return self.decision_page(request, review, form, verb=verb, facts=_review_facts(review))

    def delete_model(self, request: HttpRequest, obj: Review) -> None:
        delete_review(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        for pk in list(queryset.values_list("pk", flat=True)):
            delete_review(pk)


def _review_facts(review: Review) -> list[str]:
    stars = f"{review.rating} of 5 for {review.booking.mentor}, session {review.booking.reference}"
    hidden = f"Hidden because: {review.hidden_reason}" if review.hidden_at else ""
    effect = "Hidden, it is seen by staff alone and doesn’t count in the mentor’s rating."
    return [words for words in (stars, review.words, hidden or effect) if words]
