"""A month of a mentor's own calendar, for the page on which days off and other hours are set."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta

from lib.clock import format_minute
from lib.wallclock import DAY_MINUTES
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
    if any(each.is_blocked for each in found):
        kind, words = "blocked", "Day off"
    elif found:
        kind, words = "other", ", ".join(hours_words(each.starts, each.ends) for each in found)
    else:
        words = usual_words(week, day)
        kind = "usual" if words else "closed"
    return Day(day, words, kind, day == today, day < today)


def usual_words(week: Iterable[WeeklyHours], day: date) -> str:
    """The open hours of that date's weekday, without those that are switched off; empty for none."""
    hours = [each for each in week if each.weekday == day.weekday() and each.is_active]
    return ", ".join(hours_words(each.starts, each.ends) for each in hours if each.kind == each.Kind.OPEN)


def hours_words(starts: time | None, ends: time | None) -> str:
    """`9:00 am to 5:00 pm`; empty for what has no times."""
    if starts is None or ends is None:
        return ""
    start, end = span(starts, ends)
    return f"{format_minute(start)} to {format_minute(end % DAY_MINUTES)}"


def month_of(text: str, today: date) -> date:
    """The month of a `2026-12` in a URL, between this one and three years on; this one for anything else."""
    first = today.replace(day=1)
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return first
    return min(max(asked, first), (first + timedelta(days=3 * 365)).replace(day=1))
