"""When a mentor is open, on their own pages: the week, the rules, single dates and time off."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.clock import format_date
from mentors import months, panels, services
from mentors.forms.dates import FARTHEST, DateHoursForm, TimeOffForm
from mentors.forms.rules import RulesForm
from mentors.forms.week import WeekForm, make_week_form
from mentors.models import Mentor
from mentors.views.dashboard import own_mentor, posted, read_or_post


def _page(
    request: HttpRequest, name: str, mentor: Mentor, context: dict[str, Any], *, refused: bool = False
) -> HttpResponse:
    """Every page here ends with what students will see, and says which sessions lie outside the hours."""
    context |= {
        "mentor": mentor,
        "preview": panels.availability_preview.render(request, [mentor])[mentor.pk],
        "outside": panels.sessions_outside_hours.render(request, [mentor])[mentor.pk],
    }
    return render(request, f"mentors/dashboard/{name}.html", context, status=422 if refused else 200)


@login_required
@read_or_post
def dashboard_availability(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    week = make_week_form(request.POST) if request.method == "POST" else WeekForm.of(mentor)
    if week.is_bound:
        if edited := week.edited(request.POST):
            return _page(request, "availability", mentor, {"week": edited})
        if week.is_valid():
            services.set_weekly_hours(mentor=mentor, week=week.week)
            messages.success(request, "Your weekly hours are saved.")
            return redirect("dashboard_availability")
    return _page(request, "availability", mentor, {"week": week}, refused=week.is_bound)


@login_required
@read_or_post
def dashboard_rules(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    form = RulesForm(posted(request), instance=own_mentor(request))
    if form.is_valid():
        services.set_rules(mentor=mentor, **form.values())
        messages.success(request, "Your booking rules are saved.")
        return redirect("dashboard_rules")
    return _page(request, "rules", mentor, {"form": form}, refused=form.is_bound)


@login_required
@read_or_post
def dashboard_dates(request: HttpRequest) -> HttpResponse:
    """A month to pick a date from, time off over a range, and what is set already."""
    mentor = own_mentor(request)
    today = _today(mentor)
    form = TimeOffForm(posted(request), today=today)
    if form.is_valid():
        services.block_dates(mentor=mentor, **form.cleaned_data)
        messages.success(request, f"You are off from {format_date(form.cleaned_data['first_date'])}.")
        return redirect(_month_url(form.cleaned_data["first_date"]))
    month = months.month_of(request.GET.get("month", ""), today)
    overrides = list(mentor.date_overrides.filter(last_date__gte=today))
    context = {
        "form": form,
        "month": month,
        "weeks": months.weeks_of(month, today, mentor.weekly_hours.all(), overrides),
        "previous": (month - timedelta(days=1)).replace(day=1) if month > today.replace(day=1) else None,
        "next": (month + timedelta(days=31)).replace(day=1),
        "overrides": overrides,
    }
    return _page(request, "dates", mentor, context, refused=form.is_bound)


@login_required
@read_or_post
def dashboard_date(request: HttpRequest, day: date) -> HttpResponse:
    """One date: block it, give it other hours, or go back to the usual week."""
    mentor = own_mentor(request)
    if not _today(mentor) <= day <= _today(mentor) + FARTHEST:
        raise Http404
    own = mentor.date_overrides.filter(first_date__lte=day, last_date__gte=day)
    form = DateHoursForm.showing([(each.starts, each.ends) for each in own if each.starts and each.ends])
    action = request.POST.get("action", "")
    if request.method == "POST" and action == "block":
        services.block_dates(mentor=mentor, first_date=day, last_date=day)
        messages.success(request, f"{format_date(day)} is blocked.")
        return redirect(_month_url(day))
    if request.method == "POST" and action == "usual":
        services.clear_date(mentor=mentor, day=day)
        messages.success(request, f"{format_date(day)} is as every week again.")
        return redirect(_month_url(day))
    if request.method == "POST":
        form = DateHoursForm(request.POST)
        if form.is_valid():
            services.set_date_hours(mentor=mentor, day=day, hours=form.hours())
            messages.success(request, f"{format_date(day)} has hours of its own.")
            return redirect(_month_url(day))
    usual = [
        months.hours_words(each)
        for each in mentor.weekly_hours.all()
        if each.weekday == day.weekday() and each.is_active and each.kind == each.Kind.OPEN
    ]
    context = {
        "day": day,
        "form": form,
        "usual": usual,
        "overrides": list(own),
        "is_blocked": any(each.is_blocked for each in own),
        "month_url": _month_url(day),
    }
    return _page(request, "date", mentor, context, refused=form.is_bound)


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
