"""How the site is found and shared: what pages say of themselves to search engines, and their pictures."""

import json
import re
from datetime import timedelta
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from bookings.models import Review
from config import sitemaps
from mentors import services
from mentors.models import Mentor
from mentors.photos import read_photo
from tests import factories
from tests.factories import NOW
from tests.mentors import pictures

pytestmark = [pytest.mark.once, pytest.mark.django_db]

SITE = "http://localhost:8000"
PROFILE = f"{SITE}/mentors/meera-rao/"
PICTURE = "/mentors/meera-rao/picture.png"


@pytest.fixture
def offering(mentor: Mentor) -> Mentor:
    factories.SessionTypeFactory(mentor=mentor, slug="career")
    return mentor


def meta(html: str) -> dict[str, str]:
    found = dict(re.findall(r'<meta (?:name|property)="([\w:]+)" content="([^"]*)">', html))
    found["canonical"] = re.findall(r'<link rel="canonical" href="([^"]*)">', html)[0]
    return found


def linked(html: str) -> list[dict[str, Any]]:
    scripts = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    return [thing for script in scripts for thing in json.loads(script)["@graph"]]


def locations(client: Client, path: str) -> list[str]:
    response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (200, "application/xml")
    return [
        str(each.text) for each in ElementTree.fromstring(response.content).iter() if each.tag.endswith("loc")
    ]


def test_public_pages_describe_themselves_by_the_address_of_the_site(
    client: Client, settings: Settings, offering: Mentor
) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = SITE, ["elsewhere.example"]
    for path, picture in (
        ("/", "/picture.png"),
        ("/mentors/", "/picture.png"),
        ("/mentors/meera-rao/", PICTURE),
    ):
        found = meta(client.get(path, headers={"host": "elsewhere.example"}).text)
        assert found["canonical"] == found["og:url"] == SITE + path
        assert found["og:image"] == SITE + picture
        assert len(found["description"]) > 15
        assert found["twitter:card"] == "summary_large_image"


def test_every_page_says_what_the_site_is(client: Client, offering: Mentor) -> None:
    for path in ("/terms/", "/accounts/login/", "/mentors/meera-rao/book/", "/mentors/meera-rao/"):
        assert client.get(path).text.count('<meta name="description"') == 1


def test_a_profile_names_the_person_what_is_offered_and_what_was_said(
    client: Client, offering: Mentor, student: User
) -> None:
    booking = factories.BookingFactory(
        session_type=offering.session_types.get(),
        student=student,
        status="completed",
        starts_at=NOW - timedelta(9),
    )
    Review.objects.create(booking=booking, rating=5, words="</script><b>Kind & wise", created_at=NOW)
    Mentor.objects.update(review_count=1, rating_mean=5, headline="Said <so>")
    html = client.get("/mentors/meera-rao/").text
    page, person, service, review = linked(html)
    assert page["mainEntity"]["@id"] == person["@id"] == service["provider"]["@id"]
    assert (person["name"], person["description"]) == ("Meera Rao", "Said <so>")
    assert service["offers"][0]["priceSpecification"]["price"] == "1000.00"
    assert service["aggregateRating"]["reviewCount"] == 1
    assert review["itemReviewed"]["@id"] == service["@id"]
    assert (review["author"]["name"], review["reviewBody"]) == ("Arjun", "</script><b>Kind & wise")
    assert "<b>" not in html


def test_the_picture_of_a_mentor_is_drawn_once_for_what_it_says(client: Client, offering: Mentor) -> None:
    response = client.get(PICTURE)
    picture = Image.open(BytesIO(response.content))
    assert (picture.format, picture.size) == ("PNG", (1200, 630))
    assert len(response.content) < 150_000
    assert response["Cache-Control"] == "public, max-age=3600"
    assert len([key for key in (f"share-picture-{response['ETag'][1:-1]}",) if cache.get(key)]) == 1
    assert client.get(PICTURE, headers={"if-none-match": response["ETag"]}).status_code == 304
    assert client.get(PICTURE, headers={"accept-language": "de"})["ETag"] == response["ETag"]
    Mentor.objects.update(headline="Now a gardener")
    assert client.get(PICTURE)["ETag"] != response["ETag"]
    content = pictures.plain()
    services.set_photo(mentor=offering, photo=read_photo(BytesIO(content), len(content)))
    assert client.get(PICTURE).status_code == 200
    offering.photo.storage.delete(offering.photo.name)
    cache.clear()
    assert client.get(PICTURE).status_code == 200


def test_a_mentor_without_open_times_or_sessions_has_a_picture_too(client: Client, mentor: Mentor) -> None:
    assert client.get(PICTURE).status_code == 200
    User.objects.filter(pk=mentor.user_id).update(name="W" * 110)
    Mentor.objects.update(headline="Long words " * 10)
    assert client.get(PICTURE).status_code == 200
    assert client.get("/picture.png").status_code == 200


def test_who_is_not_public_has_no_picture_and_nobody_posts_to_one(client: Client, mentor: Mentor) -> None:
    assert client.post(PICTURE).status_code == 405
    Mentor.objects.update(is_paused=True)
    assert client.get(PICTURE).status_code == 404
    assert client.get("/mentors/nobody/picture.png").status_code == 404


def test_sitemap_names_listed_mentors_in_pages(
    client: Client, monkeypatch: pytest.MonkeyPatch, offering: Mentor
) -> None:
    factories.MentorFactory(status="applied")
    factories.SessionTypeFactory(mentor__slug="second")
    monkeypatch.setattr(sitemaps, "A_PAGE", 1)
    monkeypatch.setattr(sitemaps.Mentors, "limit", 1)
    assert locations(client, "/sitemap.xml") == [
        f"{SITE}/sitemap-pages.xml",
        f"{SITE}/sitemap-mentors.xml?p=1",
        f"{SITE}/sitemap-mentors.xml?p=2",
    ]
    assert locations(client, "/sitemap-mentors.xml?p=1") == [PROFILE]
    assert locations(client, "/sitemap-mentors.xml?p=2") == [f"{SITE}/mentors/second/"]
    assert f"{SITE}/terms/" in locations(client, "/sitemap-pages.xml")
    assert f"{SITE}/" in locations(client, "/sitemap-pages.xml")


def test_odd_parts_of_a_sitemap_are_not_there_and_the_rest_is_kept_for_an_hour(
    client: Client, mentor: Mentor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for path in ("/sitemap-nothing.xml", "/sitemap-mentors.xml?p=99", "/sitemap-mentors.xml?p=x"):
        assert client.get(path).status_code == 404
    client.get("/sitemap.xml")
    with django_assert_num_queries(0):
        client.get("/sitemap.xml")
    assert client.post("/sitemap.xml").status_code == 405
