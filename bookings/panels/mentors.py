"""What bookings show on the pages of mentors: next free times, reviews, the cancellation policy."""

from collections.abc import Mapping, Sequence
from datetime import datetime
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
from bookings.models import Review
from bookings.policy import describe
from lib.clock import format_short_date, format_time, format_zone, to_param
from mentors.models import Mentor, SessionType

REVIEWS_SHOWN = 10


class MentorPanels:
    """Made once for a page, with all its mentors."""

    def __init__(self, request: HttpRequest, mentors: Sequence[Mentor]) -> None:
        self.request, self.mentors, self.now = request, mentors, timezone.now()

    def times(self) -> Mapping[int, SafeString]:
        """The next free times of each mentor's first session type, in two queries for the whole page."""
        found = next_times(self.mentors, viewer(self.request), self.now)
        rendered = {}
        for mentor in self.mentors:
            zone = viewer_zone(self.request, mentor.zone)
            session_type, starts = found.get(mentor.pk, (None, []))
            context = {
                "times": times_links(mentor, session_type, starts, zone) if session_type else [],
                "zone_label": format_zone(zone, starts[0] if starts else self.now),
            }
            rendered[mentor.pk] = SafeString(render_to_string("bookings/_mentor_times.html", context))
        return rendered

    def reviews(self) -> Mapping[int, SafeString]:
        rendered = {}
        for mentor in self.mentors:
            of_mentor = Review.objects.shown().filter(booking__mentor=mentor)
            reviews = of_mentor.select_related("booking__student")[:REVIEWS_SHOWN]
            context = {"reviews": reviews, "zone": viewer_zone(self.request, mentor.zone)}
            rendered[mentor.pk] = SafeString(render_to_string("bookings/_mentor_reviews.html", context))
        return rendered

    def policy(self) -> Mapping[int, SafeString]:
        return {mentor.pk: format_html("{}", describe(mentor.cancellation_policy)) for mentor in self.mentors}

    def policy_choices(self) -> Mapping[int, SafeString]:
        """All policies in words, for a mentor who chooses one."""
        lines = format_html_join(
            "", "<li>{}: {}</li>", [(each.label, describe(each)) for each in Mentor.Policy]
        )
        return {mentor.pk: format_html('<ul role="list">{}</ul>', lines) for mentor in self.mentors}


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
