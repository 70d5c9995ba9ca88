"""A month of a mentor's own calendar, for the page on which days off and other hours are set."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.clock import format_minute
from mentors.models import DateOverride, WeeklyHours
from mentors.schedules import span


@dataclass(frozen=True)
class Day:
    date: date
    words: str  # "9:00 am to 5:00 pm", "Day off", or nothing
    kind: str  # "usual", "other", "blocked", "closed"
    is_today: bool
    is_past: bool


def weeks_of(
    month: date, today: date, week: Iterable[WeeklyHours], overrides: Iterable[DateOverride]
) -> list[list[Day | None]]:
    """Whole weeks from Monday; days of other months are None."""
    week, overrides = list(week), list(overrides)
    return [
        [_day(each, today, week, overrides) if each.month == month.month else None for each in row]
        for row in calendar.Calendar().monthdatescalendar(month.year, month.month)
    ]


def _day(day: date, today: date, week: list[WeeklyHours], overrides: list[DateOverride]) -> Day:
    found = [each for each in overrides if each.first_date <= day <= each.last_date]
    usual = [
        each
        for each in week
        if each.weekday == day.weekday() and each.is_active and each.kind == WeeklyHours.Kind.OPEN
    ]
    if any(each.is_blocked for each in found):
        kind, words = "blocked", "Day off"
    elif found:
        kind, words = "other", ", ".join(hours_words(each) for each in found)
    else:
        kind, words = ("usual" if usual else "closed"), ", ".join(hours_words(each) for each in usual)
    return Day(day, words, kind, day == today, day < today)


def hours_words(hours: WeeklyHours | DateOverride) -> str:
    """`9:00 am to 5:00 pm`."""
    assert hours.starts is not None  # noqa: S101
    assert hours.ends is not None  # noqa: S101
    start, end = span(hours.starts, hours.ends)
    return f"{format_minute(start)} to {format_minute(end % (24 * 60))}"


def month_of(text: str, today: date) -> date:
    """The month of a `2026-12` in a URL, between this one and three years on; this one for anything else."""
    first = today.replace(day=1)
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return first
    return min(max(asked, first), (first + timedelta(days=3 * 365)).replace(day=1))
