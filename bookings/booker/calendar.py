"""What the wizard's date and time steps show: a month, a week, the times of a day, and why there are none.

Times stay whole minutes since the epoch until they are words; only what a page shows becomes one.
"""

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from bookings.booker.state import Choice, Offer, monday_of
from bookings.engine.slots import Refusal, Slot, State
from lib.clock import (
    clock_change_note,
    format_date,
    format_date_of_year,
    format_month,
    format_short_date,
    format_zone_name,
    to_param,
)
from lib.wallclock import DAY_MINUTES, date_of, epoch_minute, from_epoch_minute, wall_clock
from mentors.models import Mentor

WEEKDAYS = tuple(zip(calendar.day_name, calendar.day_abbr, strict=True))
PARTS_OF_DAY = (("Morning", 0, 12 * 60), ("Afternoon", 12 * 60, 17 * 60), ("Evening", 17 * 60, 24 * 60))
WEEK_TIMES = 6  # of each day of a week; the day's own page has all
# Why a month, a week or a day has no free times; `period` is said as "in December 2026".
REASONS = {
    Refusal.PAST: "That is in the past.",
    Refusal.FROM_TOMORROW: "{name} can be booked from tomorrow on.",
    Refusal.NOTICE: "{name} needs more notice than is left {period}.",
    Refusal.WINDOW: "{name} takes bookings up to {days} ahead, until {until}.",
    Refusal.CLOSED: "{name} has no open hours {period}.",
    Refusal.DAY_FULL: "{name} takes no more sessions {period}.",
    Refusal.WEEK_FULL: "{name} takes no more sessions {period}.",
    Refusal.TAKEN: "Every time {period} is taken.",
}
# The same beside a day of the week.
SHORT_REASONS = {
    Refusal.PAST: "Past",
    Refusal.FROM_TOMORROW: "Bookable from tomorrow on",
    Refusal.NOTICE: "Too soon to book",
    Refusal.WINDOW: "Not open for booking yet",
    Refusal.CLOSED: "No open hours",
    Refusal.DAY_FULL: "No more sessions that day",
    Refusal.WEEK_FULL: "No more sessions that week",
    Refusal.TAKEN: "Fully booked",
}


def month_context(choice: Choice, offer: Offer, name: str) -> dict[str, Any]:
    """The month as weeks of cells; a day with free times is a link to its times."""
    month = (choice.month or choice.day or offer.first_free or offer.first_date).replace(day=1)
    today = offer.now.astimezone(offer.zone).date()
    base = choice.url(month=month, day=None, start=None)
    weeks = [
        [
            {
                "number": day.day,
                "free": offer.free.get(day, 0),
                "weekday": WEEKDAYS[day.weekday()][0],
                "is_today": day == today,
                "is_chosen": day == choice.day,
                "url": f"{base}&date={day.isoformat()}" if day in offer.free else "",
            }
            if day.month == month.month
            else None
            for day in week
        ]
        for week in calendar.Calendar().monthdatescalendar(month.year, month.month)
    ]
    title, last = format_month(month), _last_of(month)
    first_month, last_month = offer.first_date.replace(day=1), offer.last_date.replace(day=1)
    before, after = (month - timedelta(days=1)).replace(day=1), last + timedelta(days=1)
    return {
        "title": title,
        "weekdays": WEEKDAYS,
        "weeks": weeks,
        "previous": _month_link(choice, min(before, last_month)) if before >= first_month else None,
        "next": _month_link(choice, max(after, first_month)) if after <= last_month else None,
        "last_date": format_short_date(offer.last_date),
        "other_view": choice.url(view="week", month=None, week=None, start=None),
    } | _when_empty(choice, offer, month, last, name, f"in {title}")


def week_context(choice: Choice, offer: Offer, name: str) -> dict[str, Any]:
    """A week as a list of its days with their first free times, or why there are none; what is past is left out."""
    monday = choice.week or monday_of(choice.day or offer.first_free or offer.first_date)
    sunday = monday + timedelta(days=6)
    today = offer.now.astimezone(offer.zone).date()
    dates = [day for day in (monday + timedelta(days=n) for n in range(7)) if day >= today]
    before, after = monday - timedelta(days=7), monday + timedelta(days=7)
    first_week, last_week = monday_of(offer.first_date), monday_of(offer.last_date)
    title = f"{format_short_date(monday)} to {format_short_date(sunday)}"
    return {
        "title": title,
        "days": [_day_of_week(choice, offer, monday, day) for day in dates],
        "previous": _week_url(choice, min(before, last_week)) if before >= first_week else "",
        "next": _week_url(choice, max(after, first_week)) if after <= last_week else "",
        "last_date": format_short_date(offer.last_date),
        "other_view": choice.url(view="", month=None, week=None, start=None),
    } | _when_empty(choice, offer, monday, sunday, name, f"from {title}")


def _day_of_week(choice: Choice, offer: Offer, monday: date, day: date) -> dict[str, Any]:
    free = [slot for slot in offer.days.get(day, ()) if slot[1] is not State.TAKEN]
    why = None if free else offer.why_none(day, day)
    return {
        "label": format_short_date(day),
        "weekday": WEEKDAYS[day.weekday()][0],
        "is_chosen": day == choice.day,
        "free": len(free),
        "more": max(0, len(free) - WEEK_TIMES),
        "why": SHORT_REASONS[why] if why else "",
        "url": choice.url(week=monday, day=day, start=None) if free else "",
        "times": [
            {"label": label, "url": choice.url(week=monday, day=day, start=from_epoch_minute(minute))}
            for minute, _, label in free[:WEEK_TIMES]
        ],
    }


def _month_link(choice: Choice, month: date) -> dict[str, str]:
    return {"url": choice.url(month=month, day=None, start=None), "label": format_month(month)}


def _week_url(choice: Choice, monday: date) -> str:
    return choice.url(week=monday, day=None, start=None)


def _last_of(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _when_empty(
    choice: Choice, offer: Offer, first: date, last: date, name: str, period: str
) -> dict[str, Any]:
    """Why those dates have no free time, when they have none, and the next that has one."""
    if any(first <= day <= last for day in offer.free):
        return {"is_empty": False, "has_any": True}
    if not offer.free:  # nowhere at all: then that is what to explain
        first, last = offer.now.astimezone(offer.zone).date(), offer.last_date
        period = f"until {format_short_date(last)}"
    why = offer.why_none(first, last)
    return {
        "is_empty": True,
        "has_any": bool(offer.free),
        "why": explain(why, offer, name, period) if why else "",
        "next_free": _next_free(choice, offer, last),
    }


def _next_free(choice: Choice, offer: Offer, after: date) -> dict[str, str] | None:
    """The first day with free times after that one, or else the first there is."""
    day = next((day for day in offer.free if day > after), offer.first_free)
    if day is None:
        return None
    shown = {"week": monday_of(day)} if choice.view else {"month": day.replace(day=1)}
    return {"url": choice.url(**shown, day=day, start=None), "label": format_date(day)}


def explain(why: Refusal, offer: Offer, name: str, period: str) -> str:
    days = offer.schedule.window_days
    return REASONS[why].format(
        name=name,
        period=period,
        days=f"{days} day{'s' * (days > 1)}",
        until=format_short_date(offer.last_date),
    )


def times_context(
    choice: Choice, offer: Offer, mentor: Mentor, picked: datetime | None = None
) -> dict[str, Any]:
    """The chosen day's starts by part of the day. `picked` keeps a selection that is not confirmed yet."""
    assert choice.day is not None  # noqa: S101
    slots = offer.days.get(choice.day, ())
    chosen = epoch_minute(picked) if picked else None
    parts: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in PARTS_OF_DAY}
    if slots:
        clock = wall_clock(offer.zone, slots[0][0], slots[-1][0])
        for minute, state, label in slots:
            reading = clock.reading(minute) % DAY_MINUTES
            parts[next(name for name, _, until in PARTS_OF_DAY if reading < until)].append(
                {
                    "value": to_param(from_epoch_minute(minute)),
                    "label": label,
                    "is_free": state is State.FREE,
                    "is_taken": state is State.TAKEN,
                    "is_picked": minute == chosen and state is not State.TAKEN,
                }
            )
    free = offer.free.get(choice.day, 0)
    why = None if free else offer.why_none(choice.day, choice.day)
    name, title = mentor.user.first_name, format_date_of_year(choice.day)
    return {
        "version": sha256(f"{slots} {picked}".encode()).hexdigest()[:12],
        "title": title,
        "short_date": format_short_date(choice.day),
        "free": free,
        "why": explain(why, offer, name, f"on {title}") if why else "",
        "next_free": None if free else _next_free(choice, offer, choice.day),
        "groups": [(part, group) for part, group in parts.items() if group],
        "held": any(state is State.HELD for _, state, _ in slots),
        "lost_pick": picked is not None and offer.state_of(picked) is State.TAKEN,
        "other_date": _other_date(choice.day, slots, mentor),
        "clock_note": clock_change_note(offer.zone, offer.now, from_epoch_minute(slots[-1][0]))
        if free
        else "",
    }


def _other_date(day: date, slots: Sequence[Slot], mentor: Mentor) -> str:
    """Said when what is one date for the viewer is another, or two, for the mentor."""
    if not slots:
        return ""
    clock = wall_clock(mentor.zone, slots[0][0], slots[-1][0])
    theirs = [date_of(number) for number in sorted({clock.day(minute) for minute, _, _ in slots})]
    if theirs == [day]:
        return ""
    dates = " and ".join(format_short_date(each) for each in theirs)
    return f"For {mentor.user.first_name} in {format_zone_name(mentor.zone)} these times are on {dates}."
