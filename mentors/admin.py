from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.clock import format_duration
from mentors import services
from mentors.models import DURATIONS, DateOverride, Language, Mentor, SessionType, Skill, WeeklyHours

Decide = Callable[..., Mentor]


class WeeklyHoursInline(admin.TabularInline[WeeklyHours, Mentor]):
    model = WeeklyHours
    extra = 0


class DateOverrideInline(admin.TabularInline[DateOverride, Mentor]):
    model = DateOverride
    extra = 0


class SessionTypeAdminForm(forms.ModelForm[SessionType]):
    durations = forms.TypedMultipleChoiceField(
        coerce=int,
        choices=[(minutes, format_duration(minutes)) for minutes in DURATIONS],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = SessionType
        fields = "__all__"  # noqa: DJ007


class SessionTypeInline(admin.StackedInline[SessionType, Mentor]):
    model = SessionType
    form = SessionTypeAdminForm
    prepopulated_fields = {"slug": ["name"]}
    can_delete = False
    extra = 0


@admin.register(Mentor)
class MentorAdmin(admin.ModelAdmin[Mentor]):
    list_display = ("user", "status", "is_paused", "headline", "rating_mean", "session_count", "applied_at")
    list_filter = ("status", "is_paused", "skills", "languages")
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email", "headline", "slug")
    ordering = ("-applied_at",)
    filter_horizontal = ("skills", "languages")
    readonly_fields = (
        *("user", "slug", "status", "photo", "rating_mean", "review_count", "session_count"),
        *("applied_at", "approved_at", "approved_by"),
    )
    inlines = [SessionTypeInline, WeeklyHoursInline, DateOverrideInline]
    actions = ["approve", "reject", "suspend"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A mentor begins with an application, on the site."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Mentor | None = None) -> bool:
        """Suspending is the way: sessions and money refer to a mentor."""
        return False

    @admin.action(description="Approve: list them and open them for booking", permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Mentor]) -> None:
        self._decide(request, queryset, services.approve, "Approved")

    @admin.action(description="Reject the application", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Mentor]) -> None:
        self._decide(request, queryset, services.reject, "Rejected")

    @admin.action(description="Suspend: no longer listed or bookable", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Mentor]) -> None:
        self._decide(request, queryset, services.suspend, "Suspended")

    def _decide(self, request: HttpRequest, mentors: QuerySet[Mentor], decide: Decide, word: str) -> None:
        now, done = timezone.now(), []
        for mentor in mentors.select_related("user"):
            try:
                done.append(str(decide(mentor, by=request.user, now=now)))
            except services.NotAllowed as error:
                messages.error(request, str(error))
        if done:
            messages.success(request, f"{word}: {', '.join(done)}.")


@admin.register(Skill)
class SkillAdmin(admin.ModelAdmin[Skill]):
    list_display = ("name", "slug")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Language)
class LanguageAdmin(admin.ModelAdmin[Language]):
    list_display = ("name", "code")
    search_fields = ("name",)
