"""What the mentor's availability pages show of bookings: the preview, and the sessions outside the hours."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from bookings.booker.state import Choice, load_offer
from bookings.engine.slots import State
from bookings.models import Booking
from lib.clock import format_short_date
from mentors.models import Mentor, SessionType
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.once

WEEK, RULES, DATES = (f"/dashboard/availability/{page}" for page in ("", "rules/", "dates/"))
PAGES = [WEEK, RULES, DATES, f"{DATES}2026-12-24/"]
# It is Wednesday 2 December 2026, noon in Kolkata; 9:00 there is 3:30 UTC.
THURSDAY_NINE = datetime(2026, 12, 3, 3, 30, tzinfo=UTC)


@pytest.fixture
def own(client: Client, mentor: Mentor) -> Client:
    client.force_login(mentor.user)
    return client


@pytest.fixture
def free_type(mentor: Mentor) -> SessionType:
    return factories.SessionTypeFactory(mentor=mentor, slug="mock", name="Mock Interview", price_minor=0)


@pytest.fixture
def booking(free_type: SessionType, student: User) -> Booking:
    return factories.BookingFactory(session_type=free_type, student=student, starts_at=THURSDAY_NINE)


Shown = dict[str, list[tuple[str, bool]]]


def preview(html: str) -> Shown:
    """Each date's times, and whether they are struck through; dates without any have none."""
    section = html.partition('id="preview"')[2]
    days = re.findall(
        r'<h3 class="preview__date">(.*?)</h3>(.*?)</li>\s*(?=<li class="preview__day|</ol>)',
        section,
        re.DOTALL,
    )
    return {
        day: [
            (found[0] or found[1], bool(found[0]))
            for found in re.findall(r"<li>(?:<s>(.*?)</s>.*?|(.*?))</li>", times, re.DOTALL)
        ]
        for day, times in days
    }


def page(client: Client, url: str = WEEK, **state: str) -> str:
    response = client.get(url, state)
    assert response.status_code == 200
    return response.content.decode()


def week(*hours: str, **pressed: str) -> dict[str, str]:
    """Monday to Sunday with these hours, as the browser posts them."""
    data = {"form-TOTAL_FORMS": str(7 * len(hours)), "form-INITIAL_FORMS": "0"}
    for number, (day, each) in enumerate((day, each) for day in range(7) for each in hours):
        starts, ends = each.split("-")
        row = {"weekday": str(day), "kind": "open", "starts": starts, "ends": ends, "is_active": "on"}
        data |= {f"form-{number}-{name}": value for name, value in row.items()}
    return {**data, **pressed}


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "America/Los_Angeles", "Pacific/Auckland", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize("minutes", [30, 90])
def test_preview_is_the_wizards_offer_in_any_zone(
    own: Client, mentor: Mentor, zone: str, minutes: int
) -> None:
    each = factories.SessionTypeFactory(mentor=mentor, slug="design", durations=[30, 90], price_minor=0)
    factories.BookingFactory(session_type=each, starts_at=THURSDAY_NINE + timedelta(hours=2))
    Mentor.objects.filter(pk=mentor.pk).update(slot_interval_minutes=15, buffer_minutes=10, max_per_week=40)
    mentor.refresh_from_db()
    shown = preview(page(own, preview_zone=zone, preview_type=f"design:{minutes}"))
    offer = load_offer(mentor, Choice(each, minutes), None, ZoneInfo(zone), NOW)
    today = NOW.astimezone(ZoneInfo(zone)).date()
    expected: Shown = {}
    for day in (today + timedelta(days=number) for number in range(7)):
        slots = offer.days.get(day, ())
        expected[format_short_date(day)] = [(label, state is State.TAKEN) for _, state, label in slots]
    assert shown == expected
    assert any(taken for times in shown.values() for _, taken in times)


def test_preview_is_what_the_wizards_pages_show(own: Client, mentor: Mentor, booking: Booking) -> None:
    shown = preview(page(own, preview_zone="America/Los_Angeles"))
    own.logout()
    own.cookies["tz"] = "America/Los_Angeles"
    for day, label in (("2026-12-02", "Wed 2 Dec"), ("2026-12-03", "Thu 3 Dec"), ("2026-12-06", "Sun 6 Dec")):
        html = own.get(f"/mentors/{mentor.slug}/book/?type=mock&date={day}").content.decode()
        slots = re.findall(r'<(?:label|span) class="slot".*?(\d+:\d\d [ap]m)', html, re.DOTALL)
        assert [time for time, _ in shown[label]] == slots


def test_what_is_taken_is_struck_through_and_by_whom_is_not_said(own: Client, booking: Booking) -> None:
    html = page(own)
    assert preview(html)["Thu 3 Dec"][:2] == [("9:00 am", True), ("10:00 am", False)]
    assert "Arjun" not in html


def test_empty_days_say_why(own: Client, free_type: SessionType) -> None:
    html = page(own)
    assert preview(html)["Sun 6 Dec"] == []
    assert "No open hours" in html
    assert "Bookable from tomorrow on" in html


@pytest.mark.parametrize(
    "state", [{"preview_zone": "Mars/Base"}, {"preview_type": "x:60"}, {"preview_from": "soon"}]
)
def test_odd_choices_fall_back(own: Client, free_type: SessionType, state: dict[str, str]) -> None:
    assert preview(page(own, **state)) == preview(page(own))


@pytest.mark.parametrize("place", ["Los Angeles", " america/los_angeles", "LOS ANGELES, United States"])
def test_a_place_is_understood_as_people_write_it(own: Client, free_type: SessionType, place: str) -> None:
    html = page(own, preview_zone=place)
    assert "America/Los Angeles (GMT-8)" in html
    assert "No time zone is called so" not in html


def test_a_place_that_is_none_is_said_beside_the_field_and_kept(own: Client, free_type: SessionType) -> None:
    html = page(own, preview_zone="Mars <Base>")
    assert 'value="Mars &lt;Base&gt;"' in html
    assert "No time zone is called so" in html
    assert "Asia/Kolkata (GMT+5:30)" in html


@pytest.mark.parametrize(
    ("since", "first"),
    [
        ("2026-12-24", "Thu 24 Dec"),
        ("2020-01-01", "Wed 2 Dec"),
        ("9999-12-31", "Sun 31 Jan"),
        ("0001-01-01", "Wed 2 Dec"),
    ],
)
def test_preview_can_be_looked_at_further_ahead(
    own: Client, free_type: SessionType, since: str, first: str
) -> None:
    assert next(iter(preview(page(own, preview_from=since)))) == first


def test_a_preview_without_session_types_says_what_is_missing(own: Client) -> None:
    assert "Add a session type" in page(own)


def test_types_that_are_switched_off_are_not_previewed(own: Client, free_type: SessionType) -> None:
    SessionType.objects.update(is_active=False)
    assert "Add a session type" in page(own)


def test_hours_that_are_switched_off_are_not_offered(
    own: Client, mentor: Mentor, free_type: SessionType
) -> None:
    mentor.weekly_hours.filter(weekday=3).update(is_active=False)
    html = page(own)
    assert preview(html)["Thu 3 Dec"] == []
    assert preview(html)["Fri 4 Dec"]


TRIED = [
    (WEEK, week("18:00-20:00")),
    (
        RULES,
        {
            "slot_interval_minutes": "60",
            "buffer_minutes": "0",
            "minimum_notice_hours": "240",
            "window_days": "60",
        },
    ),
    (DATES, {"first_date": "2026-12-03"}),
    (f"{DATES}2026-12-03/", {"starts_1": "18:00", "ends_1": "20:00"}),
]


@pytest.mark.parametrize(("url", "data"), TRIED, ids=["week", "rules", "time off", "date"])
def test_changes_can_be_previewed_before_they_are_saved(
    own: Client, mentor: Mentor, free_type: SessionType, url: str, data: dict[str, str]
) -> None:
    before = preview(page(own))
    response = own.post(url, {**data, "preview": "1"})
    assert response.status_code == 200
    html = response.content.decode()
    assert "not saved yet" in html
    assert preview(html)["Thu 3 Dec"] != before["Thu 3 Dec"]
    assert preview(page(own)) == before
    assert own.post(url, data).status_code == 302
    assert preview(page(own)) == preview(html)


@pytest.mark.parametrize(("url", "data"), TRIED, ids=["week", "rules", "time off", "date"])
def test_a_preview_writes_nothing(
    own: Client, free_type: SessionType, url: str, data: dict[str, str]
) -> None:
    with CaptureQueriesContext(connection) as asked:
        own.post(url, {**data, "preview": "1"})
    assert not {each["sql"].split()[0] for each in asked} & {"INSERT", "UPDATE", "DELETE"}


def test_a_preview_of_what_is_refused_shows_what_is_saved(own: Client, free_type: SessionType) -> None:
    before = preview(page(own))
    response = own.post(WEEK, week("09:00-12:00", "11:00-13:00", preview="1"))
    assert response.status_code == 422
    assert "not saved yet" not in response.content.decode()
    assert preview(response.content.decode()) == before


OUTSIDE = [
    (WEEK, week("18:00-20:00")),
    (WEEK, week("09:30-17:00")),
    (WEEK, week()),
    (DATES, {"first_date": "2026-12-01", "last_date": "2026-12-05"}),
    (f"{DATES}2026-12-03/", {"action": "block"}),
    (f"{DATES}2026-12-03/", {"starts_1": "18:00", "ends_1": "20:00"}),
]


@pytest.mark.parametrize(("url", "data"), OUTSIDE)
def test_sessions_outside_new_hours_are_named_and_stay(
    own: Client, booking: Booking, url: str, data: dict[str, str]
) -> None:
    assert not any("outside these hours" in page(own, each) for each in PAGES)
    html = own.post(url, data, follow=True).content.decode()
    for words in (
        "1 booked session outside these hours",
        "Thursday 3 December 2026, 9:00 am",
        "Arjun Kapoor",
    ):
        assert words in html
    assert f'href="/sessions/{booking.reference}/"' in html
    assert "(4:30 am in Europe/Berlin)" in html
    assert all("1 booked session outside these hours" in page(own, each) for each in PAGES)
    before = booking.starts_at
    booking.refresh_from_db()
    assert (booking.status, booking.starts_at) == ("scheduled", before)
    assert booking.claims.count() == 2


@pytest.mark.parametrize(("url", "data"), [each for each in OUTSIDE if "action" not in each[1]])
def test_sessions_that_would_be_outside_are_named_before_saving(
    own: Client, booking: Booking, url: str, data: dict[str, str]
) -> None:
    assert "outside these hours" in own.post(url, {**data, "preview": "1"}).content.decode()
    assert "outside these hours" not in page(own)


def test_a_new_zone_of_the_mentors_may_leave_sessions_outside(
    own: Client, mentor: Mentor, booking: Booking
) -> None:
    Mentor.objects.filter(pk=mentor.pk).update(time_zone="America/Los_Angeles")
    assert "outside these hours" in page(own)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"status": "awaiting_payment", "hold_expires_at": NOW - timedelta(minutes=1)},
        {"starts_at": NOW - timedelta(days=6)},
    ],
)
def test_sessions_that_are_over_or_gone_are_not_named(
    own: Client, mentor: Mentor, free_type: SessionType, changes: dict[str, object]
) -> None:
    factories.BookingFactory(**{"session_type": free_type, "starts_at": THURSDAY_NINE, **changes})
    mentor.weekly_hours.all().delete()
    assert "outside these hours" not in page(own)


def test_other_mentors_sessions_are_not_named(own: Client, mentor: Mentor) -> None:
    factories.BookingFactory(starts_at=THURSDAY_NINE)
    mentor.weekly_hours.all().delete()
    assert "outside these hours" not in page(own)


def test_a_session_across_midnight_within_the_hours_is_inside(
    own: Client, mentor: Mentor, free_type: SessionType
) -> None:
    own.post(WEEK, week("22:00-02:00"))
    late = datetime(2026, 12, 3, 18, 0, tzinfo=UTC)  # 11:30 pm in Kolkata
    booking = factories.BookingFactory(session_type=free_type, starts_at=late)
    assert "outside these hours" not in page(own)
    Booking.objects.filter(pk=booking.pk).update(ends_at=late + timedelta(hours=3))
    assert "outside these hours" in page(own)


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize("count", [1, 30])
def test_pages_cost_the_same_for_one_session_and_for_thirty(
    own: Client, mentor: Mentor, free_type: SessionType, student: User,
    url: str, count: int, django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    for number in range(count):
        factories.BookingFactory(session_type=free_type, starts_at=THURSDAY_NINE + timedelta(days=number))
    mentor.weekly_hours.all().delete()
    with django_assert_num_queries(8 if url in (WEEK, RULES) else 9):
        own.get(url)
