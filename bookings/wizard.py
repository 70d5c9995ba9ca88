"""The wizard's state and what its steps show: everything is in the URL, nothing is remembered."""

import calendar
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from accounts.clock import (
    format_date,
    format_minute,
    format_offset,
    format_short_date,
    from_param,
    to_param,
)
from accounts.models import User
from bookings.busy import load_busy
from bookings.services import lead_minutes
from bookings.slots import State, bookable_range, free_starts
from mentors.availability import from_epoch_minute
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules

STEPS = (("type", "Session"), ("date", "Date"), ("time", "Time"), ("confirm", "Confirm"))
WEEKDAYS = tuple(zip(calendar.day_name, calendar.day_abbr, strict=True))
PARTS_OF_DAY = (("Morning", 0, 12 * 60), ("Afternoon", 12 * 60, 17 * 60), ("Evening", 17 * 60, 24 * 60))


@dataclass(frozen=True)
class Choice:
    """What has been chosen so far, as far as it makes sense; the first thing missing is the step."""

    session_type: SessionType | None = None
    duration: int = 0
    month: date | None = None
    day: date | None = None
    start: datetime | None = None

    @property
    def step(self) -> str:
        if self.session_type is None:
            return "type"
        if self.start is not None:
            return "confirm"
        return "date" if self.day is None else "time"

    def query(self) -> str:
        state: dict[str, str | int] = {}
        if self.session_type:
            state |= {"type": self.session_type.slug, "duration": self.duration}
        if self.month:
            state["month"] = f"{self.month:%Y-%m}"
        if self.day:
            state["date"] = self.day.isoformat()
        if self.start:
            state["start"] = to_param(self.start)
        return urlencode(state)

    def url(self, **changes: Any) -> str:
        """A link, relative to the wizard, to this state with those changes."""
        return f"?{replace(self, **changes).query()}"


def parse(params: Mapping[str, str], types: Sequence[SessionType], zone: ZoneInfo) -> Choice:
    """Read the state; what is missing, malformed or not this mentor's counts as not chosen yet."""
    session_type = next((each for each in types if each.slug == params.get("type")), None)
    if session_type is None:
        return Choice()
    wanted = params.get("duration", "")
    duration = int(wanted) if wanted.isdecimal() and len(wanted) < 5 else 0
    if duration not in session_type.durations:
        duration = session_type.durations[0]
    start = from_param(params.get("start", ""))
    day = start.astimezone(zone).date() if start else _parse_date(params.get("date", ""))
    month = _parse_date(f"{params.get('month', '')}-01") or (day.replace(day=1) if day else None)
    return Choice(session_type, duration, month, day, start)


def _parse_date(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Offer:
    """Every start that a mentor offers this viewer, by the viewer's own dates."""

    days: Mapping[date, Sequence[tuple[datetime, State]]]
    first_date: date
    last_date: date

    def free_count(self, day: date) -> int:
        return sum(state is not State.TAKEN for _, state in self.days.get(day, ()))

    def state_of(self, start: datetime, zone: ZoneInfo) -> State | None:
        """None when that start is not on offer at all."""
        return dict(self.days.get(start.astimezone(zone).date(), ())).get(start)

    @property
    def first_free(self) -> date | None:
        return next((day for day in sorted(self.days) if self.free_count(day)), None)


def load_offer(mentor: Mentor, choice: Choice, student: User | None, zone: ZoneInfo, now: datetime) -> Offer:
    """The whole booking window, in three queries."""
    assert choice.session_type is not None  # noqa: S101
    schedule = load_schedules([mentor])[mentor.pk]
    lead = lead_minutes(choice.session_type)
    window = bookable_range(schedule, now, lead_minutes=lead)
    busy = load_busy([mentor], student, window, now, giving_up=choice.session_type)[mentor.pk]
    days: dict[date, list[tuple[datetime, State]]] = defaultdict(list)
    for minute, state in free_starts(schedule, busy, window, choice.duration, now, lead_minutes=lead):
        at = from_epoch_minute(minute)
        days[at.astimezone(zone).date()].append((at, state))
    first, last = (from_epoch_minute(minute).astimezone(zone).date() for minute in (window[0], window[1] - 1))
    return Offer(days, first, last)


def steps(choice: Choice) -> list[dict[str, Any]]:
    order = [name for name, _ in STEPS]
    at = order.index(choice.step)
    back = {
        "type": choice.url(session_type=None, month=None, day=None, start=None),
        "date": choice.url(day=None, start=None),
        "time": choice.url(start=None),
        "confirm": "",
    }
    return [
        {
            "number": number,
            "label": label,
            "url": back[name] if number <= at else "",
            "state": "current" if number == at + 1 else "done" if number <= at else "todo",
        }
        for number, (name, label) in enumerate(STEPS, start=1)
    ]


def month_context(choice: Choice, offer: Offer, today: date) -> dict[str, Any]:
    """The month as weeks of cells; a day with free times is a link to its times."""
    shown = choice.month or offer.first_free or offer.first_date
    shown = min(max(shown.replace(day=1), offer.first_date.replace(day=1)), offer.last_date.replace(day=1))
    weeks = []
    for week in calendar.Calendar().monthdatescalendar(shown.year, shown.month):
        cells: list[dict[str, Any] | None] = []
        for day in week:
            if day.month != shown.month:
                cells.append(None)
                continue
            free = offer.free_count(day)
            cells.append(
                {
                    "number": day.day,
                    "free": free,
                    "weekday": f"{day:%A}",
                    "rest": f"{day:%B %Y}",
                    "is_today": day == today,
                    "is_chosen": day == choice.day,
                    "url": choice.url(day=day, month=shown, start=None) if free else "",
                }
            )
        weeks.append(cells)
    before, after = shown - timedelta(days=1), (shown + timedelta(days=31)).replace(day=1)
    return {
        "title": f"{shown:%B %Y}",
        "weekdays": WEEKDAYS,
        "weeks": weeks,
        "previous": _month_link(choice, before) if before >= offer.first_date.replace(day=1) else None,
        "next": _month_link(choice, after) if after <= offer.last_date else None,
        "is_empty": not any(cell and cell["free"] for week in weeks for cell in week),
        "last_date": format_short_date(offer.last_date),
        "next_free": _next_free(choice, offer, after),
    }


def _month_link(choice: Choice, month: date) -> dict[str, str]:
    return {"url": choice.url(month=month.replace(day=1), day=None, start=None), "label": f"{month:%B %Y}"}


def _next_free(choice: Choice, offer: Offer, since: date) -> dict[str, str] | None:
    """The first free day from `since` on, or else the first there is."""
    free = [day for day in sorted(offer.days) if offer.free_count(day)]
    day = next((day for day in free if day >= since), free[0] if free else None)
    if day is None:
        return None
    return {"url": choice.url(day=day, month=day.replace(day=1), start=None), "label": format_date(day)}


def times_context(
    choice: Choice, offer: Offer, zone: ZoneInfo, picked: datetime | None = None
) -> dict[str, Any]:
    """The chosen day's starts by part of the day. `picked` keeps a selection that is not confirmed yet."""
    assert choice.day is not None  # noqa: S101
    starts = offer.days.get(choice.day, ())
    local = [(at, at.astimezone(zone), state) for at, state in starts]
    readings = Counter((each.hour, each.minute) for _, each, _ in local)
    slots: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in PARTS_OF_DAY}
    for at, wall, state in local:
        minute = wall.hour * 60 + wall.minute
        label = format_minute(minute)
        if readings[wall.hour, wall.minute] > 1:  # the hour that happens twice when clocks go back
            label += f" ({format_offset(at, zone)})"
        part = next(name for name, since, until in PARTS_OF_DAY if since <= minute < until)
        slots[part].append(
            {
                "value": to_param(at),
                "label": label,
                "state": str(state),
                "is_picked": at == picked and state != State.TAKEN,
            }
        )
    held = next((slot for group in slots.values() for slot in group if slot["state"] == State.HELD), None)
    seen = "".join(f"{to_param(at)}{state}" for at, _, state in local) + str(picked)
    return {
        "version": sha256(seen.encode()).hexdigest()[:12],
        "title": f"{choice.day:%A} {choice.day.day} {choice.day:%B}",
        "short_date": format_short_date(choice.day),
        "free": offer.free_count(choice.day),
        "groups": [(name, group) for name, group in slots.items() if group],
        "held": held,
        "lost_pick": picked is not None and offer.state_of(picked, zone) is State.TAKEN,
    }
