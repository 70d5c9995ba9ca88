"""What the wizard's date and time steps show: five weeks, a week, the times of a day, and why there are none.

Times stay whole minutes since the epoch until they are words; only what a page shows becomes one.
"""

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from django.utils.safestring import SafeString

from bookings.booker.state import Choice, Offer, monday_of
from bookings.engine.slots import Refusal, Slot, State
from lib.clock import (
    clock_change_note,
    format_city,
    format_date,
    format_date_of_year,
    format_months,
    format_offset,
    format_other_clock,
    format_short_date,
    format_time,
    minute_labels,
    to_param,
)
from lib.drawings import dots
from lib.wallclock import DAY_MINUTES, date_of, epoch_minute, from_epoch_minute, wall_clock
from mentors.models import Mentor

WEEKDAYS = tuple(zip(calendar.day_name, calendar.day_abbr, strict=True))
# In minutes of the day, which begins and ends with a night.
PARTS_OF_DAY = (
    ("Night", 0, 6 * 60),
    ("Morning", 6 * 60, 12 * 60),
    ("Afternoon", 12 * 60, 17 * 60),
    ("Evening", 17 * 60, 22 * 60),
    ("Night", 22 * 60, DAY_MINUTES),
)
PART_AT_HOUR = [at for at, (_, begin, end) in enumerate(PARTS_OF_DAY) for _ in range(begin, end, 60)]
WEEKS = 5  # that a page of the month shows
MIDDLE = 15  # the day of a month by which a page is found
FEW = 3  # open times of a day, from which on it says how many are left
WEEK_TIMES = 6  # of each day of a week; the day's own page has all
# Why a month, a week or a day has no open times; `period` is said as "in December 2026".
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
    """Five weeks, the first page of which begins with this one; a day with open times is a link to them.

    The page is that of the chosen day, or the one that has the middle of the chosen month.
    """
    today = offer.now.astimezone(offer.zone).date()
    this_week, page = monday_of(today), timedelta(weeks=WEEKS)
    month = choice.month and choice.month.replace(day=MIDDLE)
    shown = month or choice.day or offer.first_free or offer.first_date
    first = this_week + max(0, (shown - this_week) // page) * page
    last = first + page - timedelta(days=1)
    last_page = this_week + (offer.last_date - this_week) // page * page
    base = choice.url(month=None, day=None, start=None)
    days = [first + timedelta(days=number) for number in range(page.days)]
    cells = [_cell(choice, offer, day, base, today) for day in days]
    until = min(last, offer.last_date) if first <= offer.last_date else last
    return {
        "title": _page_title(first, last),
        "weekdays": WEEKDAYS,
        "weeks": [cells[at : at + 7] for at in range(0, len(cells), 7)],
        "previous": _page_link(choice, min(first - page, last_page)) if first > this_week else None,
        "next": _page_link(choice, first + page) if first + page <= offer.last_date else None,
        "last_date": format_short_date(offer.last_date),
        "other_view": choice.url(view="week", month=None, week=None, start=None),
    } | _when_empty(
        choice, offer, first, until, name, f"from {format_short_date(first)} to {format_short_date(until)}"
    )


def _cell(choice: Choice, offer: Offer, day: date, base: str, today: date) -> dict[str, Any]:
    free = offer.free.get(day, 0)
    cell = {
        "number": day.day,
        "first_of": day if day.day == 1 else None,
        "is_today": day == today,
        "is_chosen": day == choice.day,
        "url": "",
    }
    if free:
        words, mark = _open_parts(*_parts_with_open_times(offer, day))
        left = f"{free} left" if free <= FEW else ""
        count = left or f"{free} open times"
        cell |= {
            "url": f"{base}&date={day.isoformat()}#open-times",
            "name": f"{format_date_of_year(day)}, {count}, {words}",
            "mark": left or mark,
        }
    return cell


def _parts_with_open_times(offer: Offer, day: date) -> list[bool]:
    """In the order of `PARTS_OF_DAY`."""
    slots = offer.days[day]
    clock = wall_clock(offer.zone, slots[0][0], slots[-1][0])
    found = {
        PART_AT_HOUR[clock.reading(minute) % DAY_MINUTES // 60]
        for minute, state, _ in slots
        if state is not State.TAKEN
    }
    return [at in found for at in range(len(PARTS_OF_DAY))]


@cache
def _open_parts(*parts: bool) -> tuple[str, str]:
    """In words, and as dots for morning, afternoon and evening; where it is night alone, as that word."""
    names = list(
        dict.fromkeys(part[0].lower() for part, is_open in zip(PARTS_OF_DAY, parts, strict=True) if is_open)
    )
    words = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    by_day = parts[1:-1]
    return words, SafeString(dots(*by_day)) if any(by_day) else "night"


def week_context(choice: Choice, offer: Offer, name: str) -> dict[str, Any]:
    """A week as a list of its days with their first open times, or why there are none; what is past is left out."""
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
        "url": f"{choice.url(week=monday, day=day, start=None)}#open-times" if free else "",
        "times": [
            {"label": label, "url": choice.url(week=monday, day=day, start=from_epoch_minute(minute))}
            for minute, _, label in free[:WEEK_TIMES]
        ],
    }


def _page_link(choice: Choice, first: date) -> dict[str, str]:
    """Of the five weeks from that Monday on, by a month whose middle they have: none is without one."""
    last = first + timedelta(weeks=WEEKS, days=-1)
    month = (last - timedelta(days=MIDDLE - 1)).replace(day=1)
    return {"url": choice.url(month=month, day=None, start=None), "label": _page_title(first, last)}


def _page_title(first: date, last: date) -> str:
    """The months that have a Sunday of the first week's or a Monday of the last's: a few days at an end name none."""
    return format_months(first + timedelta(days=6), last - timedelta(days=6))


def _week_url(choice: Choice, monday: date) -> str:
    return choice.url(week=monday, day=None, start=None)


def _when_empty(
    choice: Choice, offer: Offer, first: date, last: date, name: str, period: str
) -> dict[str, Any]:
    """Why those dates have no open time, when they have none, and the next that has one."""
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
    """The first day with open times after that one, or else the first there is."""
    day = next((day for day in offer.free if day > after), offer.first_free)
    if day is None:
        return None
    week = monday_of(day) if choice.view else None
    return {
        "url": f"{choice.url(month=None, week=week, day=day, start=None)}#open-times",
        "label": format_date(day),
    }


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
    lost = picked is not None and offer.state_of(picked) is State.TAKEN
    free = offer.free.get(choice.day, 0)
    why = None if free else offer.why_none(choice.day, choice.day)
    name, title = mentor.user.first_name, format_date_of_year(choice.day)
    groups, differs = _groups(offer, slots, mentor, picked)
    return {
        "version": sha256(f"{slots} {picked}".encode()).hexdigest()[:12],
        "title": title,
        "short_date": format_short_date(choice.day),
        "free": free,
        "why": explain(why, offer, name, f"on {title}") if why else "",
        "next_free": None if free else _next_free(choice, offer, choice.day),
        "groups": groups,
        "their_city": format_city(mentor.zone) if differs else "",
        "lost_pick": lost,
        "picked": _picked(choice, offer, mentor, picked) if picked and not lost else None,
        "other_date": _other_date(choice.day, slots, mentor),
        "clock_note": clock_change_note(offer.zone, offer.now, from_epoch_minute(slots[-1][0]))
        if free
        else "",
    }


def _groups(
    offer: Offer, slots: Sequence[Slot], mentor: Mentor, picked: datetime | None
) -> tuple[list[tuple[str, list[dict[str, Any]]]], bool]:
    """The parts of the day that have starts, and whether the mentor's clock reads otherwise than the reader's."""
    if not slots:
        return [], False
    mine, theirs = (wall_clock(zone, slots[0][0], slots[-1][0]) for zone in (offer.zone, mentor.zone))
    differs = any(mine.reading(minute) != theirs.reading(minute) for minute, _, _ in slots)
    labels, chosen = minute_labels(), epoch_minute(picked) if picked else None
    parts: list[list[dict[str, Any]]] = [[] for _ in PARTS_OF_DAY]
    for minute, state, label in slots:
        parts[PART_AT_HOUR[mine.reading(minute) % DAY_MINUTES // 60]].append(
            {
                "value": to_param(from_epoch_minute(minute)),
                "label": label,
                "note": labels[theirs.reading(minute) % DAY_MINUTES] if differs else "",
                "is_free": state is State.FREE,
                "is_taken": state is State.TAKEN,
                "is_picked": minute == chosen and state is not State.TAKEN,
            }
        )
    named = zip(PARTS_OF_DAY, parts, strict=True)
    return [(name, part) for (name, *_), part in named if part], differs


def _picked(choice: Choice, offer: Offer, mentor: Mentor, starts_at: datetime) -> dict[str, Any] | None:
    """The time that is chosen, on both clocks; None when it is not on offer."""
    if offer.state_of(starts_at) is None:
        return None
    ends_at = starts_at + timedelta(minutes=choice.duration)
    differs = format_offset(starts_at, offer.zone) != format_offset(starts_at, mentor.zone)
    return {
        "starts_at": starts_at,
        "ends_at": ends_at,
        "starts": format_time(starts_at, offer.zone),
        "ends": format_time(ends_at, offer.zone),
        "their_clock": format_other_clock(starts_at, offer.zone, mentor.zone) if differs else "",
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
    return f"For {mentor.user.first_name} in {format_city(mentor.zone)} these times are on {dates}."
