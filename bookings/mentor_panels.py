"""What bookings show on the pages of mentors: next free times, reviews, what is next."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.clock import format_short_date, format_time, format_zone, to_param
from accounts.models import User
from accounts.requests import viewer, viewer_zone
from bookings.busy import load_busy
from bookings.models import Booking, Review, Status
from bookings.policy import describe
from bookings.services import lead_minutes, takes_currency
from bookings.sessions import SessionView
from bookings.slots import Busy, State, free_starts
from mentors.availability import DAY_MINUTES, Interval, Schedule, epoch_minute, from_epoch_minute
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules

TIMES_SHOWN = 3
REVIEWS_SHOWN = 10
LOOK_AHEAD_DAYS = 61


def render_times(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """The next free times of each mentor's first session type, in three queries for the whole page."""
    now = timezone.now()
    found = next_times(mentors, viewer(request), now)
    rendered = {}
    for mentor in mentors:
        zone = viewer_zone(request, mentor.zone)
        session_type, starts = found.get(mentor.pk, (None, []))
        times = [
            {
                "url": f"{reverse('book', args=[mentor.slug])}?{_state(session_type, start)}",
                "day": format_short_date(start.astimezone(zone).date()),
                "time": format_time(start, zone),
                "iso": start.isoformat(),
            }
            for start in starts
            if session_type
        ]
        context = {"times": times, "zone_label": format_zone(zone, starts[0] if starts else now)}
        rendered[mentor.pk] = SafeString(render_to_string("bookings/_mentor_times.html", context))
    return rendered


def next_times(
    mentors: Sequence[Mentor], student: User | None, now: datetime
) -> dict[int, tuple[SessionType, list[datetime]]]:
    """For each mentor the first session type that can be booked and its next free starts."""
    first_types: dict[int, SessionType] = {}
    for each in SessionType.objects.active().filter(mentor__in=mentors).order_by("position", "pk"):
        if takes_currency(each):
            first_types.setdefault(each.mentor_id, each)
    present = epoch_minute(now)
    window = (present, present + LOOK_AHEAD_DAYS * DAY_MINUTES)
    schedules, busy = load_schedules(mentors), load_busy(mentors, student, window, now)
    found = {}
    for mentor in mentors:
        if (session_type := first_types.get(mentor.pk)) is None or not mentor.is_bookable:
            continue
        starts = _first_free(schedules[mentor.pk], busy[mentor.pk], window, session_type, now)
        found[mentor.pk] = (session_type, [from_epoch_minute(minute) for minute in starts])
    return found


def _first_free(
    schedule: Schedule, busy: Busy, window: Interval, session_type: SessionType, now: datetime
) -> list[int]:
    """Week by week, since most mentors have a free time in the first."""
    free: list[int] = []
    start = window[0]
    while start < window[1] and len(free) < TIMES_SHOWN:
        part = (start, min(start + 7 * DAY_MINUTES, window[1]))
        starts = free_starts(
            schedule, busy, part, session_type.durations[0], now, lead_minutes=lead_minutes(session_type)
        )
        free += [minute for minute, state in starts if state is not State.TAKEN]
        start = part[1]
    return free[:TIMES_SHOWN]


def render_reviews(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    rendered = {}
    for mentor in mentors:
        reviews = Review.objects.filter(booking__mentor=mentor).select_related("booking__student")[
            :REVIEWS_SHOWN
        ]
        rendered[mentor.pk] = SafeString(
            render_to_string("bookings/_mentor_reviews.html", {"reviews": reviews})
        )
    return rendered


def render_policy(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    return {mentor.pk: format_html("{}", describe(mentor.cancellation_policy)) for mentor in mentors}


def render_policy_choices(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """All policies in words, for a mentor who chooses one."""
    lines = format_html_join("", "<li>{}: {}</li>", [(each.label, describe(each)) for each in Mentor.Policy])
    return {mentor.pk: format_html('<ul role="list">{}</ul>', lines) for mentor in mentors}


def render_next(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """On a mentor's own dashboard: requests that wait for an answer, and the sessions of the next seven days."""
    now = timezone.now()
    rendered = {}
    for mentor in mentors:
        rows = Booking.objects.for_mentor(mentor).upcoming(now).with_people().order_by("starts_at")
        week = rows.filter(status=Status.SCHEDULED, starts_at__lte=now + timedelta(days=7))
        context = {
            "requests": [SessionView(each, request, now) for each in rows.filter(status=Status.REQUESTED)],
            "sessions": [SessionView(each, request, now) for each in week],
        }
        rendered[mentor.pk] = SafeString(
            render_to_string("bookings/_dashboard_next.html", context, request=request)
        )
    return rendered


def _state(session_type: SessionType, start: datetime) -> str:
    """The wizard's state with that start chosen: the time step of its date."""
    return urlencode(
        {"type": session_type.slug, "duration": session_type.durations[0], "start": to_param(start)}
    )
