from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from bookings.models import Booking, BookingEvent, Review


class EventInline(admin.TabularInline[BookingEvent, Booking]):
    model = BookingEvent
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "kind", "actor", "note")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin[Booking]):
    """A session with its whole history. Staff read here; services change it."""

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


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin[Review]):
    list_display = ("booking", "rating", "created_at")
    list_filter = ("rating",)
    search_fields = ("booking__reference", "words")
    readonly_fields = ("booking", "rating", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
