"""When a mentor is open, on their own pages: the week, the rules, single dates and time off."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from lib.clock import format_date, format_dates
from mentors import months, panels, services
from mentors.availability import Schedule
from mentors.forms.dates import FARTHEST, DateHoursForm, TimeOffForm
from mentors.forms.rules import RulesForm
from mentors.forms.week import WeekForm, make_week_form
from mentors.models import Mentor
from mentors.schedules import MentorHours, load_hours, with_hours_on, with_time_off, with_week
from mentors.views.dashboard import own_mentor, posted, read_or_post


def _page(
    request: HttpRequest,
    name: str,
    mentor: Mentor,
    context: dict[str, Any],
    *,
    tried: MentorHours | None = None,
    status: int = 200,
) -> HttpResponse:
    """Every page here ends with what students will see, and says which sessions lie outside the hours.

    `tried` are hours to show that instead of, which nobody has saved.
    """
    hours = tried or load_hours(mentor)
    shown = panels.hours.render_one(request, hours, "availability_preview", "sessions_outside_hours")
    context |= {
        "mentor": mentor,
        "tried": tried is not None,
        # A form without an action goes to the address as it stands, with what "Preview" left behind its #.
        "path": request.get_full_path(),
        "preview": shown["availability_preview"],
        "outside": shown["sessions_outside_hours"],
    }
    return render(request, f"mentors/dashboard/{name}.html", context, status=status)


def _tried(mentor: Mentor, change: Callable[..., Schedule], *values: Any) -> MentorHours:
    """The mentor's hours as they would be after that change."""
    return MentorHours(mentor, change(load_hours(mentor).schedule, *values))


@login_required
@read_or_post
def dashboard_availability(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    week = make_week_form(request.POST) if request.method == "POST" else WeekForm.of(mentor)
    if week.is_bound and (edited := week.edited(request.POST)):
        return _page(request, "availability", mentor, {"week": edited, "is_edited": True})
    if week.is_valid():
        if "preview" in request.POST:
            tried = _tried(mentor, with_week, week.week)
            return _page(request, "availability", mentor, {"week": week}, tried=tried)
        services.set_weekly_hours(mentor=mentor, week=week.week)
        messages.success(request, "Your weekly hours are saved.")
        return redirect(request.get_full_path())
    return _page(request, "availability", mentor, {"week": week}, status=422 if week.is_bound else 200)


@login_required
@read_or_post
def dashboard_rules(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    form = RulesForm(posted(request), instance=own_mentor(request))
    if form.is_valid():
        if "preview" in request.POST:
            return _page(request, "rules", mentor, {"form": form}, tried=load_hours(form.instance))
        services.set_rules(mentor=mentor, **form.values())
        messages.success(request, "Your booking rules are saved.")
        return redirect(request.get_full_path())
    return _page(request, "rules", mentor, {"form": form}, status=422 if form.is_bound else 200)


@login_required
@read_or_post
def dashboard_dates(request: HttpRequest) -> HttpResponse:
    """A month to pick a date from, time off over a range, and what is set already."""
    mentor = own_mentor(request)
    today = _today(mentor)
    month = months.month_of(request.GET.get("month", ""), today)
    previous = (month - timedelta(days=1)).replace(day=1)
    following = (month + timedelta(days=31)).replace(day=1)
    overrides = list(mentor.date_overrides.filter(last_date__gte=today))
    form = TimeOffForm(posted(request), today=today)
    context = {
        "form": form,
        "month": month,
        "weeks": months.weeks_of(month, today, mentor.weekly_hours.all(), overrides),
        "previous": previous if month > today.replace(day=1) else None,
        "previous_url": _month_url(previous),
        "next": following,
        "next_url": _month_url(following),
        "overrides": overrides,
    }
    if form.is_valid():
        first, last = form.cleaned_data["first_date"], form.cleaned_data["last_date"]
        if "preview" in request.POST:
            return _page(request, "dates", mentor, context, tried=_tried(mentor, with_time_off, first, last))
        services.block_dates(mentor=mentor, **form.cleaned_data)
        messages.success(request, f"You are off {format_dates(first, last)}.")
        return redirect(_month_url(first))
    return _page(request, "dates", mentor, context, status=422 if form.is_bound else 200)


@login_required
@read_or_post
def dashboard_date(request: HttpRequest, day: date) -> HttpResponse:
    """One date: block it, give it other hours, or go back to the usual week."""
    mentor = own_mentor(request)
    if not _today(mentor) <= day <= _today(mentor) + FARTHEST:
        raise Http404
    action = request.POST.get("action", "")
    if action == "block":
        services.block_dates(mentor=mentor, first_date=day, last_date=day)
        messages.success(request, f"{format_date(day)} is blocked.")
        return redirect(_month_url(day))
    if action == "usual":
        services.clear_date(mentor=mentor, day=day)
        messages.success(request, f"{format_date(day)} is as every week again.")
        return redirect(_month_url(day))
    own = list(mentor.date_overrides.filter(first_date__lte=day, last_date__gte=day))
    form = DateHoursForm(posted(request), initial=DateHoursForm.showing(own))
    context = {
        "day": day,
        "form": form,
        "usual": months.usual_words(mentor.weekly_hours.all(), day),
        "overrides": own,
        "is_blocked": any(each.is_blocked for each in own),
        "month_url": _month_url(day),
    }
    if form.is_valid():
        if "preview" in request.POST:
            tried = _tried(mentor, with_hours_on, day, form.hours())
            return _page(request, "date", mentor, context, tried=tried)
        services.set_date_hours(mentor=mentor, day=day, hours=form.hours())
        messages.success(request, f"{format_date(day)} has hours of its own.")
        return redirect(_month_url(day))
    return _page(request, "date", mentor, context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def dashboard_override_removal(request: HttpRequest, pk: int) -> HttpResponse:
    if not services.remove_override(mentor=own_mentor(request), override_pk=pk):
        raise Http404
    messages.success(request, "Removed: your usual week holds again.")
    return redirect("dashboard_dates")


def _today(mentor: Mentor) -> date:
    return timezone.now().astimezone(mentor.zone).date()


def _month_url(day: date) -> str:
    return f"{reverse('dashboard_dates')}?month={day:%Y-%m}"
