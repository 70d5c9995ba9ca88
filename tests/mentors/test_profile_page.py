import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from bookings.services import rebuild_openings
from bookings.services.reviews import record_review
from mentors.models import Mentor
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.once

URL = "/mentors/meera-rao/"


def page(client: Client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def offers(mentor: Mentor) -> None:
    make = factories.SessionTypeFactory
    make(mentor=mentor, slug="mock", name="Mock Interview", price_minor=0)
    make(mentor=mentor, slug="career", name="Career Guidance", price_minor=100_000)
    make(
        mentor=mentor, slug="design", name="System Design", price_minor=5_000, currency="USD", pricing="hourly",
        durations=[30, 60],
    )  # fmt: skip
    make(mentor=mentor, slug="old", name="Retired", is_active=False)


def test_profile_shows_what_is_offered_and_links_each_into_the_wizard(client: Client, offers: None) -> None:
    html = page(client)
    for slug in ("mock", "career", "design"):
        assert f'href="/mentors/meera-rao/book/?type={slug}"' in html
    for words in ("Free", "₹1,000", "+ ₹50 fee", "$50", "an hour + $2.50 fee", "30 or 60 min"):
        assert words in html
    assert "Retired" not in html


def test_profile_has_one_book_session_link(client: Client, offers: None) -> None:
    html = page(client)
    assert html.count("Book Session") == 1
    assert 'href="/mentors/meera-rao/book/">Book Session' in html


def test_profile_says_who_and_where(client: Client, mentor: Mentor) -> None:
    mentor.skills.add(factories.SkillFactory(name="Python", slug="python"))
    mentor.languages.add(factories.LanguageFactory())
    html = page(client)
    for words in ("Meera Rao", "MR", "Staff engineer", "I have built things.", "English", "New here"):
        assert words in html
    assert "Asia/Kolkata (GMT+5:30)" in html
    assert "12:00 pm there now" in html
    assert 'href="/mentors/?skill=python"' in html
    assert "money back until 24 hours before" in html.lower()


def test_profile_shows_the_next_open_times_and_where_each_leads(client: Client, offers: None) -> None:
    rebuild_openings(NOW)
    html = page(client)
    assert "9:00 am" in html
    assert 'class="opentime" href="/mentors/meera-rao/book/?type=mock&amp;duration=60&amp;start=' in html
    assert "No open times" not in html


@pytest.fixture
def reviewed(mentor: Mentor, offers: None) -> None:
    """Four reviews, the latest last written."""
    for number, rating in enumerate([2, 5, 5, 4]):
        booking = factories.BookingFactory(
            session_type=mentor.session_types.get(slug="mock"),
            status="completed",
            starts_at=NOW - timedelta(days=30 - number),
            student__name=f"Lena{number} Vogel",
        )
        record_review(booking, rating=rating, words=f"Words {number}.", now=NOW + timedelta(minutes=number))


def test_profile_shows_the_latest_reviews_and_how_many_gave_how_much(client: Client, reviewed: None) -> None:
    html = page(client)
    assert [f"Words {number}." in html for number in range(4)] == [False, True, True, True]
    assert "Lena3, Mock Interview, December 2026" in html
    assert "Vogel" not in html
    counts = re.findall(r'bars__count">(\d+)<', html)
    assert counts == ["2", "1", "0", "1", "0"]
    assert re.findall(r'bars__part" width="(\d+)%', html) == ["50", "25", "25"]
    assert 'href="?reviews=1#reviews">All 4 reviews' in html


@pytest.mark.parametrize("asked", ["1", "0", "99", "x", "9" * 500])
def test_profile_shows_all_reviews_by_the_page(client: Client, reviewed: None, asked: str) -> None:
    html = page(client, f"{URL}?reviews={asked}")
    assert all(f"Words {number}." in html for number in range(4))
    assert "All 4 reviews" not in html


def test_profile_without_anything_to_book_offers_no_booking(client: Client, mentor: Mentor) -> None:
    html = page(client)
    assert "Book Session" not in html
    assert "offers no sessions at the moment" in html


def test_profile_takes_no_post(client: Client, mentor: Mentor) -> None:
    assert client.post(URL).status_code == 405


def test_profile_of_nobody_is_missing(client: Client, db: None) -> None:
    assert client.get("/mentors/nobody/").status_code == 404


def test_ones_own_profile_is_not_bookable(client: Client, offers: None, mentor: Mentor) -> None:
    client.force_login(mentor.user)
    html = page(client)
    assert "Book Session" not in html
    assert "/mentors/meera-rao/book/?type=mock" not in html
    assert 'href="/dashboard/profile/"' in html


UNLISTED: list[tuple[str, Callable[[Mentor], None]]] = [
    ("applied", lambda mentor: setattr(mentor, "status", Mentor.Status.APPLIED)),
    ("rejected", lambda mentor: setattr(mentor, "status", Mentor.Status.REJECTED)),
    ("suspended", lambda mentor: setattr(mentor, "status", Mentor.Status.SUSPENDED)),
    ("paused", lambda mentor: setattr(mentor, "is_paused", True)),
]


@pytest.mark.parametrize("unlist", [unlist for _, unlist in UNLISTED], ids=[name for name, _ in UNLISTED])
def test_an_unlisted_profile_is_seen_by_its_mentor_and_staff_only(
    client: Client,
    offers: None,
    mentor: Mentor,
    stranger: User,
    staff: User,
    unlist: Callable[[Mentor], None],
) -> None:
    unlist(mentor)
    mentor.save()
    assert client.get(URL).status_code == 404
    client.force_login(stranger)
    assert client.get(URL).status_code == 404
    for user, words in (
        (mentor.user, "Only you and our staff see this page"),
        (staff, "Only staff and the mentor see this page"),
    ):
        client.force_login(user)
        html = page(client)
        assert words in html
        assert "Book Session" not in html


@pytest.mark.parametrize("count", [1, 30])
def test_profile_costs_the_same_for_one_and_for_thirty(
    client: Client, mentor: Mentor, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        factories.SessionTypeFactory(mentor=mentor)
        mentor.skills.add(factories.SkillFactory())
        mentor.languages.add(factories.LanguageFactory(code=f"x{number}"))
    with django_assert_num_queries(5):
        page(client)
