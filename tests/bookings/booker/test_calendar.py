"""The student's side of time: weeks as well as months, whose date it is, and why there is nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from benchmarks import database, workloads
from bookings.services import rebuild_openings
from mentors.models import DateOverride, Mentor, SessionType, WeeklyHours
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, SkillFactory

pytestmark = pytest.mark.once

# Thursday 10 December 2026, 10:00 in Kolkata.
START = datetime(2026, 12, 10, 4, 30, tzinfo=UTC)


def url(session_type: SessionType, **state: object) -> str:
    query = {"type": session_type.slug, "duration": session_type.durations[0]} | state
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/mentors/{session_type.mentor.slug}/book/?{pairs}"


def read(client: Client, session_type: SessionType, **state: object) -> str:
    return client.get(url(session_type, **state)).content.decode()


def days(client: Client, session_type: SessionType, **state: object) -> dict[str, str]:
    """Of a week: each day with the times that are shown, or why there are none."""
    week = client.get(url(session_type, view="week", **state)).context["week"]
    return {
        day["label"]: ", ".join(time["label"] for time in day["times"]) or day["why"] for day in week["days"]
    }


def test_a_week_lists_its_days_with_their_first_times_or_why_there_are_none(
    client: Client, free: SessionType
) -> None:
    BookingFactory(session_type=free, starts_at=START)
    DateOverride.objects.create(mentor=free.mentor, first_date="2026-12-11", last_date="2026-12-11")
    found = days(client, free, week="2026-12-07")
    assert list(found) == [
        *("Mon 7 Dec", "Tue 8 Dec", "Wed 9 Dec", "Thu 10 Dec", "Fri 11 Dec", "Sat 12 Dec", "Sun 13 Dec")
    ]
    assert found["Wed 9 Dec"] == "9:00 am, 10:00 am, 11:00 am, 12:00 pm, 1:00 pm, 2:00 pm"
    assert found["Thu 10 Dec"] == "9:00 am, 11:00 am, 12:00 pm, 1:00 pm, 2:00 pm, 3:00 pm"
    assert (found["Fri 11 Dec"], found["Sun 13 Dec"]) == ("No open hours", "No open hours")


def test_this_week_begins_today(client: Client, free: SessionType) -> None:
    found = days(client, free, week="2026-11-30")
    assert next(iter(found.items())) == ("Wed 2 Dec", "Bookable from tomorrow on")


def test_a_week_names_the_cap_that_is_reached(client: Client, free: SessionType) -> None:
    Mentor.objects.update(max_per_week=1, max_per_day=1)
    BookingFactory(session_type=free, starts_at=START)
    found = days(client, free, week="2026-12-07")
    assert (found["Thu 10 Dec"], found["Fri 11 Dec"]) == (
        "No more sessions that day",
        "No more sessions that week",
    )


def test_a_weeks_times_lead_to_confirming_and_its_days_to_all_their_times(
    client: Client, free: SessionType, student: User
) -> None:
    client.force_login(student)
    week = client.get(url(free, view="week", week="2026-12-07")).context["week"]
    thursday = week["days"][3]
    assert (
        "Check and confirm"
        in client.get(f"/mentors/meera-rao/book/{thursday['times'][0]['url']}").content.decode()
    )
    page = client.get(f"/mentors/meera-rao/book/{thursday['url']}")
    assert page.context["times"]["free"] == 8
    assert page.context["week"]["title"] == "Mon 7 Dec to Sun 13 Dec"
    assert '<input type="hidden" name="view" value="week">' in page.content.decode()


def test_weeks_lead_to_each_other_within_the_window(client: Client, free: SessionType) -> None:
    page = client.get(url(free, view="week", week="2026-12-02"))
    assert (page.context["week"]["previous"], "Next week" in page.content.decode()) == ("", True)
    seen = []
    while onward := page.context["week"]["next"]:
        seen.append(page.context["week"]["title"])
        page = client.get(f"/mentors/meera-rao/book/{onward}")
    assert (seen[0], len(seen)) == ("Mon 30 Nov to Sun 6 Dec", 8)
    assert page.context["week"]["title"] == "Mon 25 Jan to Sun 31 Jan"
    assert "Previous week" in page.content.decode()


def cells(page: HttpResponse) -> list[dict[str, Any]]:
    return [cell for week in page.context["month"]["weeks"] for cell in week]  # type: ignore[attr-defined]


def test_a_month_is_five_full_weeks_from_this_one_on(client: Client, free: SessionType) -> None:
    page = client.get(url(free))
    assert page.context["month"]["title"] == "December"
    assert [len(week) for week in page.context["month"]["weeks"]] == [7] * 5
    found = cells(page)
    assert [found[0]["number"], found[-1]["number"]] == [30, 3]
    assert [cell["number"] for cell in found if cell["first_of"]] == [1, 1]
    assert [cell["number"] for cell in found if cell["is_today"]] == [2]
    assert not any(cell["url"] for cell in found[:3])
    html = page.content.decode()
    assert "today" in html
    assert 'rel="prev"' not in html


def test_pages_of_weeks_follow_each_other_without_a_gap_and_end_with_the_window(
    client: Client, free: SessionType
) -> None:
    page, seen = client.get(url(free)), []
    while onward := page.context["month"]["next"]:
        page = client.get(f"/mentors/meera-rao/book/{onward['url']}")
        assert page.context["month"]["title"] == onward["label"]
        seen += [cell["number"] for cell in cells(page)]
    assert (seen[0], seen[-1]) == (4, 7)
    assert page.context["month"]["title"] == "January and February"
    back = client.get(f"/mentors/meera-rao/book/{page.context['month']['previous']['url']}")
    assert back.context["month"]["title"] == "December"
    assert "month=" not in cells(back)[10]["url"]


def test_every_page_of_weeks_is_found_again_by_the_month_in_its_address(
    client: Client, free: SessionType
) -> None:
    for weeks in range(10):
        with time_machine.travel(NOW + timedelta(weeks=weeks)):
            page = client.get(url(free))
            last = cells(page)[-1]["number"]
            page = client.get(f"/mentors/meera-rao/book/{page.context['month']['next']['url']}")
            assert cells(page)[0]["number"] in (last + 1, 1), weeks


def test_a_day_says_when_it_is_open_and_when_little_is_left(client: Client, free: SessionType) -> None:
    for hour in range(5):
        BookingFactory(session_type=free, starts_at=START + timedelta(days=1, hours=hour))
    names = {cell["number"]: cell for cell in cells(client.get(url(free))) if cell["url"]}
    assert names[10]["name"] == "Thursday 10 December, 8 open times, morning and afternoon"
    assert names[10]["mark"].count("dots__dot") == 2
    assert (names[11]["name"], names[11]["mark"]) == (
        "Friday 11 December, 3 left, morning and afternoon",
        "3 left",
    )


def test_night_is_named(client: Client, free: SessionType) -> None:
    """Meera's 9:00 to 17:00 in Kolkata, read in Los Angeles and in Auckland."""
    client.cookies["tz"] = "America/Los_Angeles"
    page = client.get(url(free, date="2026-12-09"))
    assert [name for name, _ in page.context["times"]["groups"]] == ["Night", "Evening", "Night"]
    thursday = next(cell for cell in cells(page) if cell["number"] == 10)
    assert thursday["name"] == "Thursday 10 December, 8 open times, night and evening"
    WeeklyHours.objects.update(starts="12:00", ends="16:00")
    page = client.get(url(free))
    thursday = next(cell for cell in cells(page) if cell["number"] == 10)
    assert (thursday["name"], thursday["mark"]) == ("Thursday 10 December, 4 open times, night", "night")


def test_month_and_week_lead_to_each_other_and_are_kept_on_the_way(client: Client, free: SessionType) -> None:
    month = client.get(url(free, date="2026-12-10"))
    week = client.get(f"/mentors/meera-rao/book/{month.context['month']['other_view']}")
    assert week.context["week"]["title"] == "Mon 7 Dec to Sun 13 Dec"
    assert week.context["times"]["title"] == "Thursday 10 December"
    assert all("view=week" in step["url"] for step in week.context["steps"] if step["label"] == "Date")
    back = client.get(f"/mentors/meera-rao/book/{week.context['week']['other_view']}")
    assert back.context["month"]["title"] == "December"


@pytest.mark.parametrize("view", ["month", "week"])
def test_a_time_is_under_the_date_on_which_it_is_for_the_reader(
    client: Client, free: SessionType, view: str
) -> None:
    """Meera's Thursday, 9:00 to 17:00 in Kolkata, is Wednesday evening and night in Los Angeles."""
    WeeklyHours.objects.exclude(weekday=3).delete()
    client.cookies["tz"] = "America/Los_Angeles"
    page = client.get(url(free, view=view, date="2026-12-09"))
    assert page.context["times"]["free"] == 5
    assert "these times are on Thu 10 Dec" in page.content.decode()
    page = client.get(url(free, view=view, date="2026-12-10"))
    assert page.context["times"]["free"] == 3
    assert "these times are on" not in page.content.decode()


def test_a_date_that_is_two_for_the_mentor_says_so(client: Client, free: SessionType) -> None:
    client.cookies["tz"] = "America/Los_Angeles"
    assert "these times are on Wed 9 Dec and Thu 10 Dec" in read(client, free, date="2026-12-09")


@pytest.mark.parametrize(
    "state", [{}, {"view": "week"}, {"date": "2026-12-10"}, {"start": "2026-12-10T04:30Z"}]
)
def test_every_step_names_the_zone_and_offers_to_change_it(
    client: Client, free: SessionType, student: User, state: dict[str, str]
) -> None:
    client.force_login(student)
    page = client.get(url(free, **state)).content.decode()
    assert "Times in <strong>Berlin</strong>" in page
    assert "/settings/time-zone/?next=" in page
    assert "Europe/Berlin" in client.get("/mentors/meera-rao/book/").content.decode()


def test_a_day_after_a_clock_change_says_so(client: Client, free: SessionType, student: User) -> None:
    student.time_zone = "America/New_York"
    student.save()
    with time_machine.travel(datetime(2027, 3, 10, 12, tzinfo=UTC)):
        client.force_login(student)
        assert "Clocks in" not in read(client, free, date="2027-03-12")
        assert "Clocks in America/New York go forward by 1 hour" in read(client, free, date="2027-03-15")


@pytest.mark.parametrize(
    ("month", "why"),
    [
        ("2027-06", "Meera takes bookings up to 60 days ahead, until Sun 31 Jan."),
        ("2027-01", "Meera has no open hours from Mon 4 Jan to Sun 31 Jan."),
    ],
)
def test_an_empty_month_says_why_and_offers_the_next_free_date(
    client: Client, free: SessionType, month: str, why: str
) -> None:
    DateOverride.objects.create(mentor=free.mentor, first_date="2027-01-01", last_date="2027-03-01")
    page = read(client, free, month=month)
    assert why in page
    assert "Next open: Thursday 3 December 2026" in page


def test_a_month_in_which_everything_is_taken_says_so(client: Client, free: SessionType) -> None:
    WeeklyHours.objects.exclude(weekday=3).delete()
    WeeklyHours.objects.update(starts="10:00", ends="11:00")
    for week in range(-1, 4):
        BookingFactory(session_type=free, starts_at=START + timedelta(days=7 * week))
    page = read(client, free, month="2026-12")
    assert "Every time from Mon 30 Nov to Sun 3 Jan is taken." in page
    assert "Next open: Thursday 7 January 2027" in page


def test_a_day_without_times_says_why(client: Client, free: SessionType) -> None:
    sunday = read(client, free, date="2026-12-06")
    assert "Meera has no open hours on Sunday 6 December." in sunday
    assert "Next open: Monday 7 December 2026" in sunday
    Mentor.objects.update(max_per_day=1)
    BookingFactory(session_type=free, starts_at=START)
    assert "Meera takes no more sessions on Thursday 10 December." in read(client, free, date="2026-12-10")


def test_a_mentor_without_any_time_leads_to_mentors_who_share_skills_and_have_some(
    client: Client, free: SessionType
) -> None:
    design, python = SkillFactory.create_batch(2)
    free.mentor.skills.set([design, python])
    WeeklyHours.objects.all().delete()
    names = {"Both": [design, python], "One": [python], "None": [SkillFactory()]}
    for name, skills in names.items():
        other = SessionTypeFactory(mentor__user__name=name, price_minor=0).mentor
        other.skills.set(skills)
    for name, how in {"Paused": {"is_paused": True}, "Closed": {"hours": []}}.items():
        SessionTypeFactory(mentor=MentorFactory(user__name=name, **how), price_minor=0).mentor.skills.set(
            [design]
        )
    rebuild_openings(NOW)
    page = client.get(url(free))
    assert [each["mentor"].name for each in page.context["similar"]] == ["Both", "One"]
    assert all(len(each["times"]) == 3 for each in page.context["similar"])
    assert "Meera has no open hours until Sun 31 Jan." in page.content.decode()


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (
            {"minimum_notice_hours": 72, "window_days": 2},
            "Meera needs more notice than is left until Fri 4 Dec.",
        ),
        ({"max_per_week": 1, "window_days": 2}, "Meera takes no more sessions until Fri 4 Dec."),
    ],
)
def test_a_mentor_whose_rules_leave_nothing_names_the_rule(
    client: Client, free: SessionType, rules: dict[str, int], why: str
) -> None:
    Mentor.objects.update(**rules)
    BookingFactory(session_type=free, starts_at=START - timedelta(days=7))
    for state in ({}, {"view": "week"}, {"month": "2027-02"}):
        assert why in read(client, free, **state)


def test_a_start_that_a_rule_refuses_goes_back_with_its_name(
    client: Client, free: SessionType, student: User
) -> None:
    Mentor.objects.update(max_per_week=1)
    BookingFactory(session_type=free, starts_at=START)
    client.force_login(student)
    page = client.get(url(free, start="2026-12-09T04:30Z"), follow=True).content.decode()
    assert "5:30 am can&#x27;t be booked. The mentor takes no more sessions that week." in page
    answer = client.post(url(free, start="2026-12-09T04:30Z"), {})
    assert answer.status_code == 422
    assert "The mentor takes no more sessions that week." in answer.content.decode()


@pytest.mark.parametrize(
    "state", ["month=9998-12", "view=week&week=0002-01-01", "view=week&week=x", "view=year"]
)
def test_odd_dates_in_the_url_show_something(client: Client, free: SessionType, state: str) -> None:
    assert client.get(f"{url(free)}&{state}").status_code == 200


@pytest.mark.parametrize("count", [20, 2_000])
@pytest.mark.parametrize("state", [{"month": "2027-03"}, {"view": "week"}, {"date": "2027-02-09"}])
def test_a_page_of_dates_costs_four_queries_with_twenty_bookings_and_with_two_thousand(
    client: Client,
    db: None,
    state: dict[str, str],
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    session_type = database.fill(replace(workloads.W2, sessions=workloads.W2.sessions[:count]))
    with time_machine.travel(workloads.NOW), django_assert_num_queries(4):
        page = client.get(url(session_type, **state))
    assert page.context["dates"]["has_any"]
