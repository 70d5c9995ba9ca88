"""Nobody but the mentor reaches anything under the dashboard: every URL whose name starts with it is tried."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from mentors.models import Mentor
from tests import factories

pytestmark = pytest.mark.once

# What a URL's parts are, for the mentor whose dashboard it is.
PARTS: dict[str, Callable[[Mentor], object]] = {
    "slug": lambda mentor: mentor.session_types.get().slug,
    "day": lambda mentor: date(2026, 12, 24),
    "pk": lambda mentor: mentor.date_overrides.get().pk,
}
# Something that each form would take.
ANSWERS = {
    "form-TOTAL_FORMS": "0",
    "form-INITIAL_FORMS": "0",
    "slot_interval_minutes": "15",
    "buffer_minutes": "5",
    "minimum_notice_hours": "0",
    "window_days": "9",
    "first_date": "2026-12-24",
    "last_date": "2026-12-25",
    "action": "block",
    "to": "up",
    "active": "0",
    "name": "Mine now",
    "pricing": "fixed",
    "price": "0",
    "currency": "INR",
    "durations": "60",
    "headline": "Mine now",
    "bio": "Mine",
    "other_skills": "Mine",
    "time_zone": "Europe/London",
    "cancellation_policy": "strict",
    "is_paused": "on",
}


def dashboard_urls(patterns: list[Any]) -> dict[str, list[str]]:
    """Names with the parts that each URL asks for."""
    found: dict[str, list[str]] = {}
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= dashboard_urls(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and str(pattern.name).startswith("dashboard"):
            found[str(pattern.name)] = list(pattern.pattern.converters)
    return found


URLS = dashboard_urls(get_resolver().url_patterns)
everywhere = pytest.mark.parametrize(("name", "parts"), URLS.items(), ids=URLS)
either_way = pytest.mark.parametrize("method", ["get", "post"])


def rows() -> list[str]:
    """Everything that is stored, but for who is signed in and when."""
    apart = {"sessions.session", "accounts.user"}
    return [
        serializers.serialize("json", model._default_manager.order_by("pk"))
        for model in apps.get_models()
        if model._meta.label_lower not in apart
    ] + [str(list(User.objects.order_by("pk").values("email", "name", "time_zone", "is_mentor")))]


@pytest.fixture(autouse=True)
def theirs(mentor: Mentor) -> None:
    session_type = factories.SessionTypeFactory(mentor=mentor, slug="career", price_minor=0)
    mentor.date_overrides.create(first_date=date(2026, 12, 31), last_date=date(2026, 12, 31))
    factories.BookingFactory(session_type=session_type)


def url_of(mentor: Mentor, name: str, parts: list[str]) -> str:
    return reverse(name, kwargs={part: PARTS[part](mentor) for part in parts})


def test_the_walk_finds_the_dashboard() -> None:
    assert {"dashboard", "dashboard_availability", "dashboard_sessions", "dashboard_earnings"} <= URLS.keys()


@either_way
@everywhere
def test_who_is_signed_out_is_asked_to_sign_in(
    client: Client, mentor: Mentor, name: str, parts: list[str], method: str
) -> None:
    url, before = url_of(mentor, name, parts), rows()
    response = getattr(client, method)(url, ANSWERS)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/dashboard/")
    assert rows() == before


@either_way
@everywhere
def test_who_is_no_mentor_comes_to_nothing(
    client: Client,
    mentor: Mentor,
    student: User,
    stranger: User,
    staff: User,
    name: str,
    parts: list[str],
    method: str,
) -> None:
    url, before = url_of(mentor, name, parts), rows()
    for person in (student, stranger, staff):
        client.force_login(person)
        assert getattr(client, method)(url, ANSWERS).status_code in (404, 405)
    assert rows() == before


@either_way
@everywhere
def test_another_mentor_reaches_nothing_of_this_ones(
    client: Client, mentor: Mentor, name: str, parts: list[str], method: str
) -> None:
    """What is named in the URL is not there for them; what is not is their own."""
    other = factories.MentorFactory(user__name="Oscar Other")
    url, before = url_of(mentor, name, parts), rows()
    client.force_login(other.user)
    response = getattr(client, method)(url, ANSWERS)
    if set(parts) & {"slug", "pk"}:
        assert response.status_code in (404, 405)
        assert rows() == before
    assert "Meera" not in response.content.decode()
    mentor.refresh_from_db()
    assert (mentor.headline, mentor.weekly_hours.count(), mentor.date_overrides.count()) == (
        "Staff engineer",
        6,
        1,
    )
    assert mentor.session_types.get().is_active
    assert mentor.buffer_minutes == 0
