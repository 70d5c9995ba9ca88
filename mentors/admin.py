from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.requests import current_user
from lib.clock import format_duration
from lib.enqueue import enqueue_on_commit
from lib.staff_pages import ActionAdmin, KeptRows
from mentors import services, tasks
from mentors.models import (
    DURATIONS,
    MENTOR_TRANSITIONS,
    DateOverride,
    Field,
    Language,
    Mentor,
    MentorStatusChange,
    SessionType,
    Skill,
    WeeklyHours,
)

Decide = Callable[..., Mentor]
# The buttons on a mentor's page: an action of the list, and what it makes of the mentor.
DECISIONS = (
    {"action": "approve", "label": "Approve", "becomes": Mentor.Status.APPROVED},
    {"action": "reject", "label": "Reject…", "becomes": Mentor.Status.REJECTED},
    {"action": "suspend", "label": "Suspend…", "becomes": Mentor.Status.SUSPENDED},
)


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


class StatusChangeInline(KeptRows, admin.TabularInline[MentorStatusChange, Mentor]):
    model = MentorStatusChange
    verbose_name_plural = "What was decided"
    extra = 0
    fields = readonly_fields = ("at", "was", "became", "by", "reason")


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The mentor reads this. It is kept in their history.",
    )


@admin.register(Mentor)
class MentorAdmin(KeptRows, ActionAdmin):
    """A mentor begins with an application, on the site, and is suspended rather than deleted: sessions and money
    refer to them."""

    list_display = ("user", "status", "is_paused", "headline", "rating_mean", "session_count", "applied_at")
    list_filter = ("status", "is_paused", "skills", "languages")
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email", "headline", "=slug")
    ordering = ("-pk",)
    filter_horizontal = ("skills", "languages")
    readonly_fields = (
        *("user", "slug", "status", "photo", "rating_mean", "review_count", "session_count"),
        *("applied_at", "approved_at", "approved_by"),
    )
    inlines = [StatusChangeInline, SessionTypeInline, WeeklyHoursInline, DateOverrideInline]
    actions = ["approve", "reject", "suspend"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        services.keep(form.instance)
        services.keep_words(Mentor.objects.filter(pk=form.instance.pk))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        mentor = self.get_object(request, object_id)
        may_become = MENTOR_TRANSITIONS[mentor.status] if mentor else frozenset()
        decisions = [each for each in DECISIONS if each["becomes"] in may_become]
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | {"decisions": decisions}
        )

    @admin.action(description="Approve: list them and open them for booking", permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Mentor]) -> None:
        self._decide(request, queryset, services.approve, "Approved")

    @admin.action(description="Reject the application…", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Mentor]) -> HttpResponse | None:
        return self._decide_with_reason(request, queryset, services.reject, "reject", "Rejected")

    @admin.action(description="Suspend: no longer listed or bookable…", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Mentor]) -> HttpResponse | None:
        return self._decide_with_reason(request, queryset, services.suspend, "suspend", "Suspended")

    def _decide_with_reason(
        self, request: HttpRequest, mentors: QuerySet[Mentor], decide: Decide, action: str, word: str
    ) -> HttpResponse | None:
        """First a page that asks why, then the decision."""
        is_answered = "reason" in request.POST
        form = ReasonForm(request.POST if is_answered else None)
        if form.is_valid():
            self._decide(request, mentors, decide, word, reason=form.cleaned_data["reason"])
            return None
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"{action.title()}: why?",
            "mentors": mentors.select_related("user"),
            "form": form,
            "action": action,
            "verb": action.title(),
            "goes_back": "_back" in request.POST,
        }
        status = 422 if is_answered else 200
        return render(request, "admin/mentors/mentor/reason.html", context, status=status)

    def _decide(
        self,
        request: HttpRequest,
        mentors: QuerySet[Mentor],
        decide: Decide,
        word: str,
        **why: str,
    ) -> None:
        now, done = timezone.now(), []
        for mentor in mentors.select_related("user"):
            try:
                done.append(str(decide(mentor, by=current_user(request), now=now, **why)))
            except services.NotAllowed as error:
                messages.error(request, str(error))
            else:
                self.log_change(request, mentor, ". ".join([word, *why.values()]))
        if done:
            enqueue_on_commit(tasks.keep_figures)
            messages.success(request, f"{word}: {', '.join(done)}.")


@admin.register(Skill)
class SkillAdmin(admin.ModelAdmin[Skill]):
    """A skill's name is among the words by which its mentors are found."""

    list_display = ("name", "slug")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ["name"]}

    def save_model(self, request: HttpRequest, obj: Skill, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.keep_words(Mentor.objects.filter(skills=obj))

    def delete_model(self, request: HttpRequest, obj: Skill) -> None:
        self.delete_queryset(request, Skill.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Skill]) -> None:
        had = list(Mentor.objects.filter(skills__in=queryset).values_list("pk", flat=True))
        super().delete_queryset(request, queryset)
        services.keep_words(Mentor.objects.filter(pk__in=had))


@admin.register(Field)
class FieldAdmin(admin.ModelAdmin[Field]):
    """Groups of skills, by which visitors begin to look."""

    list_display = ("name", "position", "mentor_count")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ("skills",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        enqueue_on_commit(tasks.keep_figures)


@admin.register(Language)
class LanguageAdmin(admin.ModelAdmin[Language]):
    list_display = ("name", "code")
    search_fields = ("name",)
