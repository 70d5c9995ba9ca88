"""What search engines may list, by the address that the site calls its own (https://www.sitemaps.org/protocol.html)."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_safe

from config.models import PlainPage
from mentors.models import Mentor, MentorQuerySet

HOUR = 3600
A_PAGE = 1000


class OurSitemap(Sitemap[Any]):
    limit = A_PAGE
    protocol = urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site: Any = None) -> str:
        return urlsplit(settings.SITE_URL).netloc


class Pages(OurSitemap):
    def items(self) -> list[str]:
        return ["landing", "mentor_list", "mentor_apply", *PlainPage.Slug.values]

    def location(self, item: str) -> str:
        return reverse(item)


class Mentors(OurSitemap):
    def items(self) -> MentorQuerySet:
        return Mentor.objects.listed(timezone.now()).order_by("pk").only("slug")


SITEMAPS: dict[str, type[Sitemap[Any]] | Sitemap[Any]] = {"pages": Pages, "mentors": Mentors}


@require_safe
@cache_page(HOUR)
def sitemap_index(request: HttpRequest) -> HttpResponse:
    """Where the pages of the sitemap are."""
    count = Paginator(Mentors().items(), A_PAGE).num_pages
    urls = [_url("pages"), *(f"{_url('mentors')}?p={number}" for number in range(1, count + 1))]
    return render(request, "sitemap_index.xml", {"urls": urls}, content_type="application/xml")


@require_safe
@cache_page(HOUR)
def sitemap_section(request: HttpRequest, section: str) -> HttpResponse:
    return sitemap(request, SITEMAPS, section)


def _url(section: str) -> str:
    return f"{settings.SITE_URL}{reverse('sitemap_section', args=[section])}"
