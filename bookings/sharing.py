"""The pictures that stand beside links to the site where somebody shares them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from bookings.openings import next_openings
from lib.clock import format_city, format_short_date, format_time, hours_of_day
from lib.money import format_money
from lib.share_picture import Offered, draw_offered, draw_site
from mentors import browse
from mentors.models import Mentor

KEPT_SECONDS = 86_400
# Whoever shows it asks again after this, and is told when it is still the same.
FRESH_SECONDS = 3600
WORDS = "An hour with somebody who has been there"


@require_safe
def site_picture(request: HttpRequest) -> HttpResponseBase:
    tag = _tag(settings.SITE_NAME, WORDS)
    return _answer(request, tag, lambda: draw_site(settings.SITE_NAME, WORDS))


@require_safe
def mentor_picture(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Drawn once for what it says: name, length, price and next open times, by the mentor's clock."""
    mentors = Mentor.objects.public().select_related("user").prefetch_related("session_types")
    mentor = get_object_or_404(mentors, slug=slug)
    with hours_of_day(12):  # the same for everybody
        who = _offered(mentor, timezone.now())
    tag = _tag(settings.SITE_NAME, str(who), mentor.photo.name)

    def draw() -> bytes:
        photo = b""
        if mentor.photo:
            try:
                with mentor.photo.open() as file:
                    photo = file.read()
            except FileNotFoundError:  # replaced at this moment
                pass
        return draw_offered(settings.SITE_NAME, replace(who, photo=photo))

    return _answer(request, tag, draw)


def _offered(mentor: Mentor, now: datetime) -> Offered:
    openings = next_openings([mentor], None, now).get(mentor.pk, [])
    card = browse.card(mentor, times=SafeString(""))
    price = "Free"
    if card.cheapest:
        lowest = format_money(card.cheapest.price_minor, card.cheapest.currency)
        price = f"{'Free or from' if card.has_free else 'From'} {lowest}"
    return Offered(
        name=mentor.name,
        headline=mentor.headline,
        number=mentor.number,
        initials=mentor.initials,
        photo=b"",
        minutes=openings[0].session_type.durations[0] if openings else 60,
        price=price if card.offers else "",
        times=[
            (
                format_short_date(each.starts_at.astimezone(mentor.zone).date()),
                format_time(each.starts_at, mentor.zone),
            )
            for each in openings
        ],
        note=f"Next open times, in {format_city(mentor.zone)}" if openings else "",
    )


def _tag(*facts: str | None) -> str:
    return sha256("\0".join(fact or "" for fact in facts).encode()).hexdigest()[:32]


def _answer(request: HttpRequest, tag: str, draw: Callable[[], bytes]) -> HttpResponseBase:
    """304 for who has it; else from the cache, by its content."""
    response: HttpResponseBase | None = get_conditional_response(request, etag=f'"{tag}"')
    if response is None:
        key = f"share-picture-{tag}"
        picture = cache.get(key)
        if picture is None:
            picture = draw()
            cache.set(key, picture, KEPT_SECONDS)
        response = HttpResponse(picture, content_type="image/png")
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    response["X-Content-Type-Options"] = "nosniff"
    return response
