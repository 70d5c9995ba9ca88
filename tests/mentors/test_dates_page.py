from datetime import date, time

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from mentors.models import DateOverride, Mentor
from tests import factories

pytestmark = pytest.mark.once

# It is Wednesday 2 December 2026, noon in Kolkata.
URL = "/dashboard/availability/dates/"
FRIDAY = f"{URL}2026-12-04/"


@pytest.fixture
def own(client: Client, mentor: Mentor) -> Client:
    client.force_login(mentor.user)
    return client


def off(mentor: Mentor, first: str, last: str = "", note: str = "") -> DateOverride:
    dates = date.fromisoformat(first), date.fromisoformat(last or first)
    return mentor.date_overrides.create(first_date=dates[0], last_date=dates[1], note=note)


def kept(mentor: Mentor) -> list[str]:
    return [
        f"{row.first_date:%m-%d}..{row.last_date:%m-%d} "
        + ("off" if row.is_blocked else f"{row.starts:%H:%M}-{row.ends:%H:%M}")
        for row in mentor.date_overrides.order_by("first_date", "starts")
    ]


def hours(*lines: tuple[str, str], action: str = "hours") -> dict[str, str]:
    data = {"action": action}
    for number, (starts, ends) in enumerate(lines, start=1):
        data |= {f"starts_{number}": starts, f"ends_{number}": ends}
    return data


def kinds(client: Client, url: str = URL) -> dict[int, str]:
    """What the month shows, by the day's number."""
    weeks = client.get(url).context["weeks"]
    return {day.date.day: f"{day.kind} {day.words}".strip() for week in weeks for day in week if day}


def test_time_off_is_taken_over_a_range(own: Client, mentor: Mentor) -> None:
    data = {"first_date": "2026-12-24", "last_date": "2027-01-01", "note": "Goa"}
    response = own.post(URL, data)
    assert (response.status_code, response["Location"]) == (302, f"{URL}?month=2026-12")
    assert kept(mentor) == ["12-24..01-01 off"]
    html = own.get(URL).content.decode()
    assert "Thu 24 Dec to Fri 1 Jan" in html
    assert "Goa" in html


def test_without_a_last_day_it_is_one_day(own: Client, mentor: Mentor) -> None:
    own.post(URL, {"first_date": "2026-12-24", "last_date": ""})
    assert kept(mentor) == ["12-24..12-24 off"]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("", "2026-12-24", "first_date"),
        ("2026-12-24", "2026-12-23", "last_date"),
        ("2026-11-02", "2026-12-01", "first_date"),
        ("2026-12-24", "2036-12-24", "last_date"),
        ("2026-02-30", "", "first_date"),
        ("soon", "", "first_date"),
        ("2026-12-24", "9999-12-31", "last_date"),
        ("0001-01-01", "", "first_date"),
    ],
)
def test_odd_time_off_is_refused_beside_its_field_and_kept(
    own: Client, mentor: Mentor, first: str, last: str, field: str
) -> None:
    response = own.post(URL, {"first_date": first, "last_date": last, "note": "Goa"})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    for value in filter(None, (first, last, "Goa")):
        assert f'value="{value}"' in html
    assert kept(mentor) == []


def test_time_off_that_has_begun_already_can_be_written_down(own: Client, mentor: Mentor) -> None:
    own.post(URL, {"first_date": "2026-11-30", "last_date": "2026-12-04"})
    assert kept(mentor) == ["11-30..12-04 off"]


def test_month_shows_each_day_as_it_is(own: Client, mentor: Mentor) -> None:
    off(mentor, "2026-12-10", "2026-12-11")
    own.post(f"{URL}2026-12-06/", hours(("18:00", "20:00")))
    found = kinds(own)
    assert found[9] == "usual 9:00 am to 5:00 pm"
    assert found[10] == found[11] == "blocked Day off"
    assert found[13] == "closed"
    assert found[6] == "other 6:00 pm to 8:00 pm"


def test_month_leaves_out_what_is_switched_off(own: Client, mentor: Mentor) -> None:
    mentor.weekly_hours.filter(weekday=2).update(is_active=False)
    assert kinds(own)[9] == "closed"


def test_month_is_the_mentors_own_calendar(own: Client, mentor: Mentor) -> None:
    Mentor.objects.filter(pk=mentor.pk).update(time_zone="Pacific/Kiritimati")
    days = [day for week in own.get(URL).context["weeks"] for day in week if day]
    assert [day.date.day for day in days if day.is_today] == [2]
    Mentor.objects.filter(pk=mentor.pk).update(time_zone="Pacific/Pago_Pago")
    days = [day for week in own.get(URL).context["weeks"] for day in week if day]
    assert [day.date.day for day in days if day.is_today] == [1]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("2027-02", date(2027, 2, 1)),
        ("2026-01", date(2026, 12, 1)),
        ("9999-12", date(2029, 11, 1)),
        ("x", date(2026, 12, 1)),
        ("2026-13", date(2026, 12, 1)),
        ("2027-02-03", date(2026, 12, 1)),
    ],
)
def test_month_of_the_url(own: Client, asked: str, shown: date) -> None:
    response = own.get(URL, {"month": asked})
    assert response.context["month"] == shown


def test_past_days_are_no_links_and_the_first_month_has_none_before(own: Client) -> None:
    html = own.get(URL).content.decode()
    assert f"{URL}2026-12-01/" not in html
    assert f"{URL}2026-12-02/" in html
    assert 'rel="prev"' not in html
    assert 'rel="prev"' in own.get(URL, {"month": "2027-01"}).content.decode()


def test_one_evening_is_given_hours_of_its_own(own: Client, mentor: Mentor) -> None:
    response = own.post(FRIDAY, hours(("18:00", "20:00"), ("", ""), ("21:00", "01:00")))
    assert (response.status_code, response["Location"]) == (302, f"{URL}?month=2026-12")
    assert kept(mentor) == ["12-04..12-04 18:00-20:00", "12-04..12-04 21:00-01:00"]
    html = own.get(FRIDAY).content.decode()
    assert 'value="18:00"' in html
    assert "hours of its own" in html


def test_a_day_is_blocked_and_as_usual_again(own: Client, mentor: Mentor) -> None:
    assert "As every week: 9:00 am to 5:00 pm" in own.get(FRIDAY).content.decode()
    own.post(FRIDAY, {"action": "block"})
    assert kept(mentor) == ["12-04..12-04 off"]
    assert "You are off on this day" in own.get(FRIDAY).content.decode()
    own.post(FRIDAY, {"action": "usual"})
    assert kept(mentor) == []


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "starts_1"),
        ([("18:00", "")], "ends_1"),
        ([("", "18:00")], "starts_1"),
        ([("18:00", "18:00")], "ends_1"),
        ([("nine", "18:00")], "starts_1"),
        ([("09:00", "12:00"), ("11:00", "13:00")], "starts_2"),
        ([("20:00", "02:00"), ("21:00", "22:00")], "starts_2"),
    ],
)
def test_odd_hours_are_refused_beside_their_field_and_kept(
    own: Client, mentor: Mentor, lines: list[tuple[str, str]], field: str
) -> None:
    response = own.post(FRIDAY, hours(*lines))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    assert all(f'value="{value}"' in html for line in lines for value in line if value)
    assert kept(mentor) == []


@pytest.mark.parametrize("day", ["2026-12-01", "2026-02-30", "0000-01-01", "9999-12-31", "2020-01-01"])
def test_days_that_are_over_or_do_not_exist_are_not_there(own: Client, mentor: Mentor, day: str) -> None:
    assert own.get(f"{URL}{day}/").status_code == 404
    assert own.post(f"{URL}{day}/", {"action": "block"}).status_code == 404
    assert kept(mentor) == []


def test_what_is_set_can_be_removed_again(own: Client, mentor: Mentor) -> None:
    override = off(mentor, "2026-12-24", "2027-01-01")
    assert own.get(f"{URL}{override.pk}/removal/").status_code == 405
    assert own.post(f"{URL}{override.pk}/removal/")["Location"] == URL
    assert kept(mentor) == []
    assert own.post(f"{URL}{override.pk}/removal/").status_code == 404


def test_another_mentors_time_off_stays(own: Client) -> None:
    other = factories.MentorFactory()
    override = off(other, "2026-12-24")
    assert own.post(f"{URL}{override.pk}/removal/").status_code == 404
    own.post(f"{URL}2026-12-24/", {"action": "usual"})
    assert kept(other) == ["12-24..12-24 off"]


@pytest.mark.parametrize("count", [1, 30])
def test_dates_cost_the_same_for_one_and_for_thirty(
    own: Client, mentor: Mentor, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.SessionTypeFactory(mentor=mentor)
    for number in range(count):
        mentor.date_overrides.create(
            first_date=date(2026, 12, 1 + number), last_date=date(2026, 12, 1 + number),
            starts=time(9), ends=time(10),
        )  # fmt: skip
    with django_assert_num_queries(9):
        own.get(URL)
