from typing import Any

import pytest
from django.test import Client

from mentors.models import Mentor

pytestmark = pytest.mark.once

URL = "/dashboard/availability/rules/"
ANSWERS = {
    "slot_interval_minutes": "15",
    "buffer_minutes": "10",
    "minimum_notice_hours": "24",
    "allows_same_day": "on",
    "window_days": "30",
    "max_per_day": "2",
    "max_per_week": "",
}


@pytest.fixture
def own(client: Client, mentor: Mentor) -> Client:
    client.force_login(mentor.user)
    return client


def rules(mentor: Mentor) -> dict[str, Any]:
    return Mentor.objects.values(*ANSWERS).get(pk=mentor.pk)


def test_rules_are_shown_and_saved(own: Client, mentor: Mentor) -> None:
    html = own.get(URL).content.decode()
    assert '<option value="60" selected>60 minutes' in html
    response = own.post(URL, ANSWERS)
    assert (response.status_code, response["Location"]) == (302, URL)
    assert rules(mentor) == {
        "slot_interval_minutes": 15,
        "buffer_minutes": 10,
        "minimum_notice_hours": 24,
        "allows_same_day": True,
        "window_days": 30,
        "max_per_day": 2,
        "max_per_week": None,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slot_interval_minutes", "20"),
        ("slot_interval_minutes", ""),
        ("buffer_minutes", "241"),
        ("buffer_minutes", "-1"),
        ("buffer_minutes", ""),
        ("minimum_notice_hours", "721"),
        ("minimum_notice_hours", "a day"),
        ("window_days", "0"),
        ("window_days", "61"),
        ("max_per_day", "0"),
        ("max_per_week", "-3"),
        ("max_per_week", "1.5"),
        ("max_per_day", "99999999"),
    ],
)
def test_odd_rules_are_refused_beside_their_field_and_kept(
    own: Client, mentor: Mentor, field: str, value: str
) -> None:
    before = rules(mentor)
    response = own.post(URL, {**ANSWERS, field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    assert 'value="10"' in html or field == "buffer_minutes"
    if value and field != "slot_interval_minutes":
        assert f'value="{value}"' in html
    assert rules(mentor) == before


def test_the_page_shows_what_is_saved_while_the_form_keeps_what_was_typed(
    own: Client, mentor: Mentor
) -> None:
    response = own.post(URL, {**ANSWERS, "window_days": "0"})
    assert response.context["mentor"].slot_interval_minutes == 60
    assert response.context["form"]["slot_interval_minutes"].value() == "15"


def test_other_fields_of_a_mentor_are_not_taken(own: Client, mentor: Mentor) -> None:
    own.post(URL, {**ANSWERS, "status": "applied", "slug": "mine", "rating_mean": "5", "is_paused": "on"})
    mentor.refresh_from_db()
    assert (mentor.status, mentor.slug, mentor.rating_mean, mentor.is_paused) == (
        "approved",
        "meera-rao",
        None,
        False,
    )
