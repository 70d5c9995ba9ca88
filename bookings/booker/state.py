"""The wizard's state and what there is to choose from: everything is in the URL, nothing is remembered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import (
    Busy,
    Refusal,
    Slot,
    State,
    bookable_range,
    by_date,
    free_starts,
    refusal,
    why_none,
)
from bookings.models import Booking
from lib.clock import from_param, to_param
from lib.wallclock import day_start, epoch_minute, local_date
from mentors.availability import Schedule
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules

STEPS = (("type", "Session"), ("date", "Date"), ("time", "Time"), ("confirm", "Confirm"))


@dataclass(frozen=True)
class Choice:
    """What has been chosen so far, as far as it makes sense; the first thing missing is the step.

    `month` and `week` (its Monday) are which one to look at, `view` is "week" for a list by weeks.
    `trouble` says why what was asked for leads back to the first step.
    """

    session_type: SessionType | None = None
    duration: int = 0
    month: date | None = None
    day: date | None = None
    start: datetime | None = None
    view: str = ""
    week: date | None = None
    trouble: str = ""

    @property
    def step(self) -> str:
        if self.session_type is None:
            return "type"
        if self.start is not None:
            return "confirm"
        return "date" if self.day is None else "time"

    def fields(self) -> dict[str, str]:
        """The state by parameter, as a form repeats it."""
        state: dict[str, str] = {}
        if self.session_type:
            state |= {"type": self.session_type.slug, "duration": str(self.duration)}
        if self.view:
            state["view"] = self.view
        if self.week:
            state["week"] = self.week.isoformat()
        if self.month:
            state["month"] = f"{self.month:%Y-%m}"
        if self.day:
            state["date"] = self.day.isoformat()
        if self.start:
            state["start"] = to_param(self.start)
        return state

    def url(self, **changes: Any) -> str:
        """A link, relative to the wizard, to this state with those changes."""
        return f"?{urlencode(replace(self, **changes).fields())}"


def parse(params: Mapping[str, str], types: Sequence[SessionType], zone: ZoneInfo) -> Choice:
    """Read the state; what is missing, malformed or not this mentor's counts as not chosen yet.

    A type, a length or a currency that is not on offer is never replaced by another: it is chosen anew.
    """
    wanted = params.get("type", "")
    session_type = next((each for each in types if each.slug == wanted), None)
    if session_type is None:
        gone = "The mentor doesn’t offer this session type. Please choose another."
        return Choice(trouble=gone if wanted else "")
    offered = {str(minutes): minutes for minutes in session_type.durations}
    length = params.get("duration") or next(iter(offered))
    if (duration := offered.get(length)) is None:
        said = (
            f"for {length} minutes" if re.fullmatch(r"[1-9]\d{0,3}", length, re.ASCII) else "in that length"
        )
        return Choice(trouble=f"{session_type.name} isn’t offered {said}. Please choose again.")
    if not session_type.is_payable:
        unpayable = f"Payments in {session_type.currency} can’t be taken at the moment. Please choose another session."
        return Choice(trouble=unpayable)
    return parse_when(Choice(session_type, duration), params, zone)


def parse_when(choice: Choice, params: Mapping[str, str], zone: ZoneInfo) -> Choice:
    """The same choice with the day, the start, and which month or week to look at."""
    start = from_param(params.get("start", ""))
    day = start.astimezone(zone).date() if start else _parse_date(params.get("date", ""))
    choice = replace(choice, day=day, start=start)
    if params.get("view") == "week":
        week = _parse_date(params.get("week", ""))
        return replace(choice, view="week", week=monday_of(week) if week else None)
    return replace(choice, month=_parse_date(f"{params.get('month', '')}-01"))


def _parse_date(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1 < day.year < 9999 else None  # so that its month and week are dates too


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True)
class Offer:
    """Every start that a mentor offers this viewer, by the viewer's own dates, and what it was asked with."""

    days: Mapping[date, Sequence[Slot]]
    free: Mapping[date, int]  # how many can be picked, of days that have any, in order
    first_date: date
    last_date: date
    zone: ZoneInfo
    schedule: Schedule
    busy: Busy
    duration: int
    lead: int
    now: datetime

    def state_of(self, start: datetime) -> State | None:
        """None when that start is not on offer at all."""
        minute = epoch_minute(start)
        slots = self.days.get(start.astimezone(self.zone).date(), ())
        return next((state for each, state, _ in slots if each == minute), None)

    def refusal(self, start: datetime) -> Refusal | None:
        return refusal(
            self.schedule, self.busy, epoch_minute(start), self.duration, self.now, lead_minutes=self.lead
        )

    def why_none(self, first: date, last: date) -> Refusal | None:
        """The rule that leaves no free time on those dates of the viewer's; None when there is one."""
        if first > self.last_date:
            return Refusal.WINDOW
        if last < self.now.astimezone(self.zone).date():
            return Refusal.PAST
        window = day_start(self.zone, first), day_start(self.zone, last + timedelta(days=1))
        return why_none(self.schedule, self.busy, window, self.duration, self.now, lead_minutes=self.lead)

    @property
    def first_free(self) -> date | None:
        return next(iter(self.free), None)


def load_offer(
    mentor: Mentor,
    choice: Choice,
    student: User | None,
    zone: ZoneInfo,
    now: datetime,
    *,
    schedule: Schedule | None = None,
    moving: Booking | None = None,
) -> Offer:
    """The whole booking window, in two queries; in one by a `schedule` that is given, as when one is tried.

    For a session that is `moving` its own time stands in nobody's way, and no hold is given up.
    """
    assert choice.session_type is not None  # noqa: S101
    schedule = schedule or load_schedules([mentor])[mentor.pk]
    lead = lead_minutes(choice.session_type)
    window = bookable_range(schedule, now, lead_minutes=lead)
    ignore, giving_up = ([moving.pk], None) if moving else ([], choice.session_type)
    busy = load_busy([mentor], student, window, now, giving_up=giving_up, ignore=ignore)[mentor.pk]
    starts = free_starts(schedule, busy, window, choice.duration, now, lead_minutes=lead)
    days = by_date(starts, zone)
    counts = {day: sum([state is not State.TAKEN for _, state, _ in slots]) for day, slots in days.items()}
    return Offer(
        days=days,
        free={day: count for day, count in counts.items() if count},
        first_date=local_date(zone, window[0]),
        last_date=local_date(zone, window[1] - 1),
        zone=zone,
        schedule=schedule,
        busy=busy,
        duration=choice.duration,
        lead=lead,
        now=now,
    )


def steps(choice: Choice) -> list[dict[str, Any]]:
    order = [name for name, _ in STEPS]
    at = order.index(choice.step)
    back = {
        "type": choice.url(session_type=None, month=None, week=None, view="", day=None, start=None),
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
