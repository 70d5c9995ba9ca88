"""The front page: who is open soon, each row a link into the wizard, and what it all costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from bookings.models import Status
from bookings.services import rebuild_openings
from bookings.services.reviews import record_review
from mentors.models import Field, Mentor, Skill
from mentors.services import keep_figures
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Make = Callable[..., Mentor]
WORDS = "I came with two offers and a spreadsheet, and left without the spreadsheet."


@pytest.fixture
def make() -> Make:
    """`make("asha", field="Law", price_minor=0, …)`: a mentor with one type of session, open every day."""

    def make(slug: str, *, field: str = "", **offer: object) -> Mentor:
        mentor = factories.MentorFactory(
            slug=slug, user__name=slug.title(), hours=[(day, "09:00", "17:00") for day in range(7)]
        )
        factories.SessionTypeFactory(mentor=mentor, **offer)
        if field:
            mentor.skills.add(Skill.objects.get_or_create(name=field, slug=field.lower())[0])
            made, _ = Field.objects.get_or_create(name=field, slug=field.lower())
            made.skills.set(mentor.skills.all())
        return mentor

    return make


def page(client: Client, query: str = "") -> str:
    """The page once what it shows has been kept."""
    rebuild_openings(NOW)
    keep_figures(NOW)
    return page_as_kept(client, query)


def page_as_kept(client: Client, query: str = "") -> str:
    response = client.get(f"/?{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def rows(html: str) -> list[str]:
    return re.findall(r'class="board__row" href="/mentors/([\w-]+)/', html)


def test_board_shows_whoever_is_open_soon_and_leads_to_the_confirming_step(
    client: Client, make: Make
) -> None:
    for number in range(5):
        make(f"mentor-{number}")
    html = page(client)
    assert "Open in the next 48 hours" in html
    assert sorted(rows(html)) == [f"mentor-{number}" for number in range(5)]
    link = re.findall(r'class="board__row" href="([^"]+)"', html)[0]
    asked = parse_qs(urlsplit(link).query)
    assert asked.keys() == {"type", "duration", "start"}
    assert "What would you like to talk about?" in client.get(link).content.decode()


def test_board_looks_a_week_ahead_when_few_are_open(client: Client, make: Make) -> None:
    make("asha")
    assert "Open in the next seven days" in page(client)


def test_board_names_each_price_with_its_fee(client: Client, make: Make) -> None:
    make("fixed", price_minor=100_000, currency="INR")
    make("hourly", price_minor=5_000, currency="USD", pricing="hourly", durations=[30, 120])
    make("free", price_minor=0)
    html = page(client)
    for words in ("₹1,000", "+ ₹50 fee", "$25", "+ $1.25 fee", "30–120 min", ">Free<"):
        assert words in html, words


def test_board_by_field_and_of_free_sessions_only(client: Client, make: Make) -> None:
    make("lawyer", field="Law")
    make("writer", field="Writing", price_minor=0)
    assert rows(page(client, "field=law")) == ["lawyer"]
    assert rows(page(client, "free=on")) == ["writer"]
    assert rows(page(client, "field=law&free=on")) == []
    assert "Nothing like that is open" in page(client, "field=law&free=on")
    assert sorted(rows(page(client, "field=nonsense&free=maybe"))) == ["lawyer", "writer"]


def test_home_without_anybody_is_a_page_too(client: Client) -> None:
    html = page(client)
    assert "Nobody has an open time" in html
    assert "By field" not in html
    assert 'action="/mentors/"' in html
    assert 'href="/become-a-mentor/"' in html


def test_home_names_the_fields_with_faces_and_the_lowest_price(client: Client, make: Make) -> None:
    make("lawyer", field="Law", price_minor=100_000, currency="INR")
    make("writer", field="Writing", price_minor=0)
    html = page(client)
    assert 'href="/mentors/?field=law"' in html
    assert re.search(r"from <strong[^>]*>₹1,050</strong> with fee<br>1 mentor<", html)
    assert re.search(r"<strong[^>]*>Free</strong><br>1 mentor<", html)


def test_home_quotes_a_review_that_says_something(client: Client, make: Make) -> None:
    mentor = make("lawyer", field="Law")
    for number, (rating, words) in enumerate([(5, WORDS), (5, "Good."), (3, WORDS + " Really.")]):
        booking = factories.BookingFactory(
            session_type=mentor.session_types.get(),
            status="completed",
            starts_at=NOW - timedelta(days=9 - number),
            student__name="Bianca Rossi",
        )
        record_review(booking, rating=rating, words=words, now=NOW + timedelta(minutes=number))
    html = page(client)
    assert f"“{WORDS}”" in html
    assert "Bianca</strong>, after" in html
    assert "Rossi" not in html


def test_home_says_what_cancelling_costs_and_what_a_mentor_gets(client: Client) -> None:
    html = page(client)
    table = html[html.index("What cancelling costs") :]
    shares = re.findall(r'<th scope="row">(\w+)</th>(.*?)</tr>', table, re.S)
    assert {name: re.findall(r">([\w ]+)</td>", cells) for name, cells in shares} == {
        "Flexible": ["All back", "All back", "All back", "Nothing"],
        "Moderate": ["All back", "All back", "Half back", "Nothing"],
        "Strict": ["Half back", "Nothing", "Nothing", "Nothing"],
    }
    assert "You ask ₹1,000, you get" in html
    assert "₹1,050" in html


def test_home_takes_no_post(client: Client) -> None:
    assert client.post("/").status_code == 405


@pytest.mark.parametrize("count", [1, 20])
def test_home_costs_five_queries_for_one_mentor_and_for_many(
    client: Client, make: Make, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        mentor = make(f"mentor-{number}", field="Law")
        booking = factories.BookingFactory(
            session_type=mentor.session_types.get(), status="completed", starts_at=NOW - timedelta(days=9)
        )
        record_review(booking, rating=5, words=WORDS, now=NOW)
    page(client)
    with django_assert_num_queries(5):
        client.get("/")


def test_home_of_a_student_shows_their_next_session_a_hold_and_whom_to_book_again(
    client: Client, make: Make, student: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    asha, ravi = make("asha", price_minor=0), make("ravi")
    gone = make("gone")
    client.force_login(student)
    assert "Your next hour" not in page(client)
    for day, mentor in enumerate([asha, asha, ravi, gone], start=1):
        factories.BookingFactory(
            session_type=mentor.session_types.get(),
            student=student,
            status=Status.COMPLETED,
            starts_at=NOW - timedelta(days=day),
        )
    Mentor.objects.filter(pk=gone.pk).update(is_paused=True)
    again = page(client)
    assert re.findall(r'class="strong" href="/mentors/(\w+)/"', again) == ["asha", "ravi"]
    assert "/mentors/asha/book/?type=" in again
    kind = ravi.session_types.get()
    for day in (1, 2):
        factories.BookingFactory(session_type=kind, student=student, starts_at=NOW + timedelta(days=day))
    factories.BookingFactory(
        session_type=kind,
        student=student,
        status=Status.AWAITING_PAYMENT,
        starts_at=NOW + timedelta(days=3),
    )
    with django_assert_max_num_queries(13):
        own = page_as_kept(client)
    assert own.count('class="ticket"') == 1
    assert "is held for you" in own
    assert rows(own)
