from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from mentors.models import Mentor, SessionType
from tests import factories

pytestmark = pytest.mark.once

LIST, NEW = "/dashboard/session-types/", "/dashboard/session-types/new/"
ANSWERS = {
    "name": "Mock Interview",
    "description": "As I would run it at work.",
    "pricing": "fixed",
    "price": "1000",
    "currency": "INR",
    "durations": ["60"],
}


@pytest.fixture
def own(client: Client, mentor: Mentor) -> Client:
    client.force_login(mentor.user)
    return client


def test_a_session_type_is_made_and_listed(own: Client, mentor: Mentor) -> None:
    response = own.post(NEW, ANSWERS, follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    made = mentor.session_types.get()
    assert (made.slug, made.price_minor, made.durations, made.is_active) == (
        "mock-interview",
        100_000,
        [60],
        True,
    )
    assert "₹1,000" in response.content.decode()


def test_an_hourly_one_with_approval_and_several_lengths(own: Client, mentor: Mentor) -> None:
    hourly = {"pricing": "hourly", "price": "49.50", "currency": "USD", "durations": ["120", "30"]}
    own.post(NEW, {**ANSWERS, **hourly, "requires_approval": "on"})
    made = mentor.session_types.get()
    assert (made.pricing, made.price_minor, made.currency) == ("hourly", 4_950, "USD")
    assert (made.durations, made.requires_approval) == ([30, 120], True)


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [("0", "USD", 0), ("4500", "JPY", 4_500), ("1.50", "KWD", 1_500), ("0.50", "EUR", 50)],
)
def test_prices_are_kept_in_minor_units(
    own: Client, mentor: Mentor, price: str, currency: str, minor: int
) -> None:
    own.post(NEW, {**ANSWERS, "price": price, "currency": currency})
    assert mentor.session_types.get().price_minor == minor


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 81}),
        ("price", {"price": ""}),
        ("price", {"price": "-1"}),
        ("price", {"price": "ten"}),
        ("price", {"price": "1,000"}),
        ("price", {"price": "NaN"}),
        ("price", {"price": "Infinity"}),
        ("price", {"price": "1e300"}),
        ("price", {"price": "99999999999"}),
        ("price", {"price": "1.999", "currency": "USD"}),
        ("price", {"price": "0.49", "currency": "USD"}),
        ("price", {"price": "0.49", "currency": "GBP"}),
        ("price", {"price": "0.99", "currency": "INR"}),
        ("price", {"price": "0.99", "currency": "USD", "pricing": "hourly", "durations": ["30", "120"]}),
        ("price", {"price": "4500.5", "currency": "JPY"}),
        ("price", {"price": "1.505", "currency": "KWD"}),
        ("currency", {"currency": "XXX"}),
        ("pricing", {"pricing": "daily"}),
        ("durations", {"durations": []}),
        ("durations", {"durations": ["45"]}),
        ("durations", {"durations": ["x"]}),
    ],
)
def test_bad_answers_are_refused_and_kept(
    own: Client, mentor: Mentor, field: str, changes: dict[str, Any]
) -> None:
    response = own.post(NEW, {**ANSWERS, **changes})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    assert "As I would run it at work." in html
    if price := changes.get("price"):
        assert f'value="{price}"' in html
    assert not mentor.session_types.exists()


def test_editing_shows_and_changes_what_there_is(own: Client, mentor: Mentor) -> None:
    session_type = factories.SessionTypeFactory(
        mentor=mentor, slug="career", price_minor=4_950, currency="USD"
    )
    url = f"{LIST}career/"
    assert 'value="49.50"' in own.get(url).content.decode()
    own.post(url, {**ANSWERS, "name": "Renamed"})
    session_type.refresh_from_db()
    assert (session_type.name, session_type.slug, session_type.price_minor) == ("Renamed", "career", 100_000)


def test_editing_with_an_error_changes_nothing(own: Client, mentor: Mentor) -> None:
    session_type = factories.SessionTypeFactory(mentor=mentor, slug="career")
    response = own.post(f"{LIST}career/", {**ANSWERS, "price": "1.999"})
    assert response.status_code == 422
    assert 'value="1.999"' in response.content.decode()
    session_type.refresh_from_db()
    assert session_type.name == "Career Guidance"


def test_switching_off_and_on(own: Client, mentor: Mentor) -> None:
    session_type = factories.SessionTypeFactory(mentor=mentor, slug="career")
    for active, expected in (("0", False), ("1", True), ("", False)):
        assert own.post(f"{LIST}career/switch/", {"active": active}).status_code == 302
        session_type.refresh_from_db()
        assert session_type.is_active == expected


def test_an_empty_list_leads_to_the_first(own: Client) -> None:
    assert f'href="{NEW}">New session type' in own.get(LIST).content.decode()


def test_a_price_in_the_form_of_someone_elses_type_is_nothing(own: Client) -> None:
    other = factories.SessionTypeFactory(slug="theirs")
    assert own.post(f"{LIST}theirs/", ANSWERS).status_code == 404
    assert SessionType.objects.get(pk=other.pk).name == "Career Guidance"


@pytest.mark.parametrize("count", [1, 30])
def test_list_costs_the_same_for_one_and_for_thirty(
    own: Client, mentor: Mentor, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.SessionTypeFactory.create_batch(count, mentor=mentor)
    with django_assert_num_queries(4):
        own.get(LIST)


def test_session_types_are_put_in_order(own: Client, mentor: Mentor) -> None:
    for slug in ("first", "second", "third"):
        factories.SessionTypeFactory(mentor=mentor, slug=slug, name=slug.title())
    assert own.post(f"{LIST}third/move/", {"to": "up"})["Location"] == LIST
    assert own.post(f"{LIST}first/move/", {"to": "down"}).status_code == 302
    assert [each.slug for each in mentor.session_types.all()] == ["third", "first", "second"]
    html = own.get(LIST).content.decode()
    assert 'aria-label="Move Third up" disabled' in html
    assert 'aria-label="Move Second down" disabled' in html
    assert own.get(f"{LIST}third/move/").status_code == 405


def test_a_single_session_type_has_nowhere_to_move(own: Client, mentor: Mentor) -> None:
    factories.SessionTypeFactory(mentor=mentor)
    assert "Move " not in own.get(LIST).content.decode()
