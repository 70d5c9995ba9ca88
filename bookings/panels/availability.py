"""What bookings show where a mentor sets their hours: what students will see, and what lies outside."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.requests import viewer_zone
from bookings.booker.calendar import SHORT_REASONS
from bookings.booker.state import Choice, Offer, load_offer
from bookings.engine.slots import State
from bookings.models import Booking
from bookings.sessions import SessionView
from lib.clock import format_duration, format_short_date, format_zone
from lib.wallclock import epoch_minute, local_date
from lib.zones import find_zone
from mentors.availability import Schedule, openings
from mentors.models import SessionType
from mentors.schedules import MentorHours

PREVIEW_DAYS = timedelta(days=7)
ONE_DAY = timedelta(days=1)


class HoursPanels:
    """Made once for a page, with the hours of one mentor or several."""

    def __init__(self, request: HttpRequest, rows: Sequence[MentorHours]) -> None:
        self.request, self.rows, self.now = request, rows, timezone.now()

    def preview(self) -> Mapping[int, SafeString]:
        """A week as a student reads it: what the wizard offers somebody who is signed out.

        In the URL, `preview_zone` names a place by whose clock, `preview_type` for which session (`slug:minutes`),
        `preview_from` from which date on.
        """
        return {hours.pk: SafeString(_preview(self.request, hours, self.now)) for hours in self.rows}

    def sessions_outside(self) -> Mapping[int, SafeString]:
        """The sessions ahead that these hours would not offer. They stay as they are."""
        mentors = [hours.mentor for hours in self.rows]
        ahead = Booking.objects.filter(mentor__in=mentors, starts_at__gt=self.now).standing(self.now)
        sessions = list(ahead.with_people().order_by("starts_at"))
        rendered = {}
        for hours in self.rows:
            outside = [
                SessionView(each, self.request, self.now)
                for each in sessions
                if each.mentor_id == hours.pk and not _is_open(hours.schedule, each)
            ]
            context = {"sessions": outside, "zone": viewer_zone(self.request, hours.mentor.zone)}
            rendered[hours.pk] = SafeString(render_to_string("bookings/_outside_hours.html", context))
        return rendered


def _preview(request: HttpRequest, hours: MentorHours, now: datetime) -> str:
    mentor = hours.mentor
    options = [(each, minutes) for each in mentor.session_types.active() for minutes in each.durations]
    if not options:
        return render_to_string("bookings/_availability_preview.html")
    wanted = request.GET.get("preview_type")
    chosen = next((each for each in options if _value(*each) == wanted), options[0])
    place = request.GET.get("preview_zone", "")
    zone = find_zone(place) or mentor.zone
    offer = load_offer(mentor, Choice(*chosen), None, zone, now, schedule=hours.schedule)
    today = now.astimezone(zone).date()
    since = min(max(_date(request.GET.get("preview_from", "")) or today, today), offer.last_date)
    dates = [since + ONE_DAY * number for number in range(PREVIEW_DAYS.days)]
    context = {
        "options": [
            {"value": _value(*each), "label": _label(*each), "is_chosen": each == chosen} for each in options
        ],
        "chosen": chosen,
        "place": place or zone.key.replace("_", " "),
        "is_unknown": bool(place) and find_zone(place) is None,
        "zone_label": format_zone(zone, now),
        "title": f"{format_short_date(dates[0])} to {format_short_date(dates[-1])}",
        "days": [_day(offer, each) for each in dates if each <= offer.last_date],
        "since": since if since > today else None,
        "earlier": _link(request, max(since - PREVIEW_DAYS, today)) if since > today else "",
        "later": _link(request, since + PREVIEW_DAYS) if dates[-1] < offer.last_date else "",
        "shown_month": request.GET.get("month", ""),
    }
    return render_to_string("bookings/_availability_preview.html", context)


def _day(offer: Offer, day: date) -> dict[str, Any]:
    slots = offer.days.get(day, ())
    why = None if slots else offer.why_none(day, day)
    return {
        "title": format_short_date(day),
        "slots": [{"label": label, "is_taken": state is State.TAKEN} for _, state, label in slots],
        "why": SHORT_REASONS[why] if why else "",
    }


def _value(session_type: SessionType, minutes: int) -> str:
    return f"{session_type.slug}:{minutes}"


def _label(session_type: SessionType, minutes: int) -> str:
    return f"{session_type.name}, {format_duration(minutes)}"


def _link(request: HttpRequest, since: date) -> str:
    return f"?{urlencode({**request.GET.dict(), 'preview_from': since.isoformat()})}#preview"


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_open(schedule: Schedule, booking: Booking) -> bool:
    start, end = epoch_minute(booking.starts_at), epoch_minute(booking.ends_at)
    day = local_date(schedule.zone, start)
    near = openings(schedule, day - ONE_DAY, day)
    return any(each.start <= start < each.limit and end <= each.reach for each in near)
