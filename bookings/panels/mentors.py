"""What bookings show on the pages of mentors: next open times, reviews, the cancellation policy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.requests import knows_zone, viewer, viewer_zone
from bookings.models import NextOpening, Review
from bookings.openings import next_openings
from bookings.policy import describe
from lib.clock import format_short_date, format_time, format_zone, to_param
from lib.linked_data import to_script
from mentors.models import Mentor

REVIEWS_SHOWN, REVIEWS_A_PAGE = 3, 20


class MentorPanels:
    """Made once for a page, with all its mentors."""

    def __init__(self, request: HttpRequest, mentors: Sequence[Mentor]) -> None:
        self.request, self.mentors, self.now = request, mentors, timezone.now()

    def times(self) -> Mapping[int, SafeString]:
        """The next open times of each mentor, as they are kept: one query a page, and one more signed in."""
        return self._times(on_profile=False)

    def times_on_profile(self) -> Mapping[int, SafeString]:
        return self._times(on_profile=True)

    def _times(self, *, on_profile: bool) -> Mapping[int, SafeString]:
        """With the zone, where it is the mentor's: a reader's own stands once on the page."""
        rendered = {}
        for mentor in self.mentors:
            zone_label = "" if knows_zone(self.request) else format_zone(mentor.zone, self.now)
            context = {"times": self._links[mentor.pk], "zone_label": zone_label, "on_profile": on_profile}
            rendered[mentor.pk] = SafeString(render_to_string("bookings/_mentor_times.html", context))
        return rendered

    def next_open(self) -> Mapping[int, SafeString]:
        """The first of them, in words."""
        return {
            pk: SafeString(render_to_string("bookings/_next_open.html", {"time": next(iter(times), None)}))
            for pk, times in self._links.items()
        }

    @cached_property
    def _links(self) -> dict[int, list[dict[str, str]]]:
        found = next_openings(self.mentors, viewer(self.request), self.now)
        return {
            mentor.pk: opening_links(mentor, found.get(mentor.pk, []), viewer_zone(self.request, mentor.zone))
            for mentor in self.mentors
        }

    def reviews(self) -> Mapping[int, SafeString]:
        """The latest few, or a page of all of them when the URL asks by `reviews`: two queries where there are any."""
        asked = self.request.GET.get("reviews")
        return {mentor.pk: SafeString(_reviews(self.request, mentor, asked)) for mentor in self.mentors}

    def policy(self) -> Mapping[int, SafeString]:
        return {mentor.pk: format_html("{}", describe(mentor.cancellation_policy)) for mentor in self.mentors}

    def policy_choices(self) -> Mapping[int, SafeString]:
        """All policies in words, for a mentor who chooses one."""
        lines = format_html_join(
            "", "<li>{}: {}</li>", [(each.label, describe(each)) for each in Mentor.Policy]
        )
        return {mentor.pk: format_html('<ul role="list">{}</ul>', lines) for mentor in self.mentors}


def _reviews(request: HttpRequest, mentor: Mentor, asked: str | None) -> str:
    """`asked` is the number of a page of reviews."""
    context: dict[str, Any] = {"mentor": mentor}
    if mentor.review_count:
        of_mentor = Review.objects.shown().filter(booking__mentor=mentor)
        pages = Paginator(
            of_mentor.select_related("booking__student"), REVIEWS_A_PAGE if asked else REVIEWS_SHOWN
        )
        pages.count = mentor.review_count  # kept, so it need not be asked
        given = dict(of_mentor.order_by().values_list("rating").annotate(Count("pk")))
        context |= {
            "page": pages.get_page(asked),
            "is_first": not asked,
            "stars": [
                {"stars": stars, "count": count, "percent": 100 * count // mentor.review_count}
                for stars in range(5, 0, -1)
                for count in [given.get(stars, 0)]
            ],
            "zone": viewer_zone(request, mentor.zone),
        }
        context["linked_data"] = to_script({"@graph": [_linked(each, mentor) for each in context["page"]]})
    return render_to_string("bookings/_mentor_reviews.html", context)


def _linked(review: Review, mentor: Mentor) -> dict[str, Any]:
    """A review for search engines, of the sessions that the page describes."""
    return {
        "@type": "Review",
        "itemReviewed": {"@id": f"{settings.SITE_URL}{mentor.get_absolute_url()}#sessions"},
        "author": {"@type": "Person", "name": review.booking.student.first_name},
        "datePublished": f"{review.created_at:%Y-%m-%d}",
        "reviewBody": review.words,
        "reviewRating": {"@type": "Rating", "ratingValue": review.rating, "bestRating": 5},
    }


def opening_links(mentor: Mentor, openings: Iterable[NextOpening], zone: ZoneInfo) -> list[dict[str, str]]:
    """Each in words of that zone, with the wizard's state in which it is chosen."""
    book = f"{reverse('book', args=[mentor.slug])}?"
    return [
        {
            "url": book
            + urlencode(
                {
                    "type": each.session_type.slug,
                    "duration": each.session_type.durations[0],
                    "start": to_param(each.starts_at),
                }
            ),
            "day": format_short_date(each.starts_at.astimezone(zone).date()),
            "time": format_time(each.starts_at, zone),
            "iso": each.starts_at.isoformat(),
            "type": each.session_type.name,
        }
        for each in openings
    ]
