import errno
from datetime import timedelta
from pathlib import PurePosixPath
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.static import serve

from config import plain_pages
from config.models import PlainPage
from config.samples import sample_sessions
from mentors.photo_sizes import make_size

# Pages of one person, and of the booker its months and what it asks once a time is chosen.
NOT_FOR_ROBOTS = (
    *("/accounts/", "/admin/", "/dashboard/", "/feeds/", "/notifications/", "/payments/"),
    *("/sessions/", "/settings/", "/waiting-list/"),
    *(f"/mentors/*/book/*{name}=" for name in ("month", "start", "view")),
)
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Uploaded photos, which were decoded and encoded anew before they were kept. Nothing else leaves this folder.

    A size of one in which it stands on pages is made when it is first asked for.
    """
    photo = PurePosixPath(path)
    if photo.suffix.lower() not in PHOTO_SUFFIXES or ".." in photo.parts:
        raise Http404
    try:
        if not (settings.MEDIA_ROOT / photo).is_file():
            make_size(path)
        response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # longer than any name on a disk
            raise Http404 from None
        raise
    response["Cache-Control"] = "public, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """RFC 9309."""
    refused = (f"Disallow: {path}" for path in NOT_FOR_ROBOTS)
    return _text("User-agent: *", *refused, f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}")


@require_safe
def plain_page(request: HttpRequest, slug: str) -> HttpResponse:
    body = plain_pages.to_html(plain_pages.text_of(slug))
    return render(request, "plain_page.html", {"title": PlainPage.Slug(slug).label, "body": body})


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a hole (RFC 9116, which asks for an end less than a year away)."""
    expires = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=180)
    return _text(
        f"Contact: mailto:{settings.SUPPORT_EMAIL}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}{reverse('security_txt')}",
    )


def _text(*lines: str) -> HttpResponse:
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "public, max-age=86400"
    return response


class Sample(NamedTuple):
    """Somebody to draw, who is nobody."""

    number: int
    initials: str
    name: str
    photo_url: str = ""


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every part of the look on one page, while the site is being developed."""
    if not settings.DEBUG:
        raise Http404
    names = (
        "Imogen Thackray",
        "Farah Siddiqui",
        "Marcus Ellery",
        "Adaeze Nwosu",
        "Haruka Minegishi",
        "Meera Rao",
    )
    context = {
        "lengths": (15, 30, 45, 60, 90, 120),
        "sizes": (120, 96, 56, 36, 28),
        "people": [
            Sample(number, "".join(word[0] for word in name.split()), name)
            for number, name in enumerate(names, start=1)
        ],
        "states": [
            ("done", "Booked, ₹1,050"),
            ("waits", "Held for you, 8:42 left"),
            ("over", "Completed"),
            ("ended", "Cancelled"),
            ("failed", "Payment failed"),
        ],
        "sessions": sample_sessions(request, timezone.now()),
    }
    return render(request, "styleguide.html", context)
