from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from accounts.clock import format_moment, format_zone
from accounts.requests import person
from bookings import panels
from bookings.cancellation import GiveBack, Terms, terms_of
from bookings.forms import StaffCancelForm
from bookings.models import HOLDING, Booking, BookingEvent, Review, Status
from bookings.services import NotAllowed, QuoteChanged, cancel_by_staff
from mentors.money import format_money


class EventInline(admin.TabularInline[BookingEvent, Booking]):
    model = BookingEvent
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "kind", "actor", "note")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin[Booking]):
    """A session with its whole history and the trail of its money. Staff read here; services change it."""

    list_display = ("reference", "type_name", "mentor", "student", "starts_at", "status")
    list_filter = ("status", "starts_at")
    search_fields = (
        "reference",
        "student__email",
        "student__name",
        "mentor__user__email",
        "mentor__user__name",
    )
    date_hierarchy = "starts_at"
    list_select_related = ("mentor__user", "student")
    inlines = (EventInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Booking | None = None) -> list[str]:
        return [field.name for field in Booking._meta.fields if field.name != "room"]

    def get_exclude(self, request: HttpRequest, obj: Booking | None = None) -> list[str]:
        return ["room"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Booking | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        cancel = path(
            "<int:pk>/cancel/", self.admin_site.admin_view(self.cancel_view), name="bookings_booking_cancel"
        )
        return [cancel, *super().get_urls()]

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
                "session_trail": panels.session_trail.render(request, [booking])[booking.pk],
                "can_cancel": self.has_change_permission(request, booking) and _is_cancellable(booking),
            }
        nothing_to_save = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, more | nothing_to_save)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What goes back is chosen, confirmed, and then done for what was shown."""
        booking = get_object_or_404(Booking.objects.with_people(), pk=pk)
        now = timezone.now()
        terms = terms_of(booking, now)
        if not self._may_cancel(request, booking, terms):
            raise PermissionDenied
        if not _is_cancellable(booking):
            self.message_user(request, f"{booking} can't be cancelled any more.", messages.WARNING)
            return redirect("admin:bookings_booking_change", pk)
        form = StaffCancelForm(
            request.POST if request.method == "POST" else None, booking=booking, terms=terms
        )
        if request.method != "POST" or not form.is_valid():
            return self._cancel_page(request, booking, form, terms, 422 if form.is_bound else 200)
        try:
            cancel_by_staff(
                pk,
                actor=person(request),
                now=now,
                reason=form.cleaned_data["reason"],
                give_back=GiveBack(form.cleaned_data.get("give_back", GiveBack.NONE)),
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
            return self._cancel_page(request, booking, form, terms, 422)
        self.log_change(request, booking, f"Cancelled: {form.cleaned_data['reason']}")
        self.message_user(request, f"{booking} is cancelled.", messages.SUCCESS)
        return redirect("admin:bookings_booking_change", pk)

    def _may_cancel(self, request: HttpRequest, booking: Booking, terms: Terms) -> bool:
        """Deciding about money is a permission of its own."""
        may_refund = not terms.is_paid or request.user.has_perm("payments.add_refund")
        return self.has_change_permission(request, booking) and may_refund

    def _cancel_page(
        self, request: HttpRequest, booking: Booking, form: StaffCancelForm, terms: Terms, status: int
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "original": booking,
            "title": "Cancel session",
            "facts": _facts(booking, terms),
            "form": form,
            "verb": "Cancel session",
        }
        return render(request, "admin/staff_action.html", context, status=status)


def _is_cancellable(booking: Booking) -> bool:
    return booking.status_at(timezone.now()) in (*HOLDING, Status.SCHEDULED)


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


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin[Review]):
    list_display = ("booking", "rating", "created_at")
    list_filter = ("rating",)
    search_fields = ("booking__reference", "words")
    readonly_fields = ("booking", "rating", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
