"""What bookings show on the pages of mentors: next free times, reviews, what is next."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.requests import viewer, viewer_zone
from bookings.engine.next_times import next_times
from bookings.models import Booking, Review, Status
from bookings.policy import describe
from bookings.sessions import SessionView
from lib.clock import format_date, format_short_date, format_time, format_zone, to_param
from mentors.models import Mentor, SessionType

REVIEWS_SHOWN = 10


def render_times(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """The next free times of each mentor's first session type, in two queries for the whole page."""
    now = timezone.now()
    found = next_times(mentors, viewer(request), now)
    rendered = {}
    for mentor in mentors:
        zone = viewer_zone(request, mentor.zone)
        session_type, starts = found.get(mentor.pk, (None, []))
        context = {
            "times": times_links(mentor, session_type, starts, zone) if session_type else [],
            "zone_label": format_zone(zone, starts[0] if starts else now),
        }
        rendered[mentor.pk] = SafeString(render_to_string("bookings/_mentor_times.html", context))
    return rendered


def times_links(
    mentor: Mentor, session_type: SessionType, starts: Sequence[datetime], zone: ZoneInfo
) -> list[dict[str, str]]:
    """Each start in words of that zone, with the wizard's state in which it is chosen."""
    book = f"{reverse('book', args=[mentor.slug])}?"
    choice = {"type": session_type.slug, "duration": session_type.durations[0]}
    return [
        {
            "url": book + urlencode(choice | {"start": to_param(start)}),
            "day": format_short_date(start.astimezone(zone).date()),
            "time": format_time(start, zone),
            "iso": start.isoformat(),
        }
        for start in starts
    ]


def render_reviews(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    rendered = {}
    for mentor in mentors:
        of_mentor = Review.objects.shown().filter(booking__mentor=mentor)
        reviews = of_mentor.select_related("booking__student")[:REVIEWS_SHOWN]
        context = {"reviews": reviews, "zone": viewer_zone(request, mentor.zone)}
        rendered[mentor.pk] = SafeString(render_to_string("bookings/_mentor_reviews.html", context))
    return rendered


def render_policy(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    return {mentor.pk: format_html("{}", describe(mentor.cancellation_policy)) for mentor in mentors}


def render_policy_choices(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """All policies in words, for a mentor who chooses one."""
    lines = format_html_join("", "<li>{}: {}</li>", [(each.label, describe(each)) for each in Mentor.Policy])
    return {mentor.pk: format_html('<ul role="list">{}</ul>', lines) for mentor in mentors}


def render_next(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """On a mentor's own dashboard: requests that wait for an answer, what is on today, and in the days after."""
    now = timezone.now()
    rendered = {}
    for mentor in mentors:
        rows = Booking.objects.for_mentor(mentor).upcoming(now).with_people().order_by("starts_at")
        zone = viewer_zone(request, mentor.zone)
        today = now.astimezone(zone).date()
        week = [
            SessionView(each, request, now)
            for each in rows.filter(status=Status.SCHEDULED, starts_at__lte=now + timedelta(days=7))
        ]
        context = {
            "requests": [SessionView(each, request, now) for each in rows.filter(status=Status.REQUESTED)],
            "today": format_date(today),
            "zone": zone,
            "sessions_today": [each for each in week if each.local_start.date() <= today],
            "sessions": [each for each in week if each.local_start.date() > today],
        }
        rendered[mentor.pk] = SafeString(
            render_to_string("bookings/_dashboard_next.html", context, request=request)
        )
    return rendered
