"""Every date and time of every page is one that `lib.clock` would give, in a zone that the page names.

The pages are those of `tests/e2e/test_pages.py`, seen without a browser: mentors in Auckland, where it is tomorrow for
most of the world, and readers whose own zone is unknown, or Berlin.
"""

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client

from accounts.models import User
from bookings.models import Booking, Status
from bookings.services import book
from lib import clock
from mentors.models import Mentor
from payments.gateways import mock
from payments.services import ReturnUrls, open_checkout, settle
from tests import factories
from tests.e2e import stage
from tests.e2e.test_pages import PAGES, Visit
from tests.factories import NOW

pytestmark = pytest.mark.once

AUCKLAND, BERLIN = ZoneInfo("Pacific/Auckland"), ZoneInfo("Europe/Berlin")
ZONES = [AUCKLAND, BERLIN, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")]
APPS = ("accounts", "mentors", "bookings", "payments", "notifications")
# They show what can be booked, so any of the mentor's open hours may stand there.
CALENDARS = {
    "landing", "mentor_list", "mentor_detail", "book", "session_reschedule",
    "dashboard_availability", "dashboard_rules", "dashboard_dates", "dashboard_date",
}  # fmt: skip
# They are about the reader's zone itself.
ABOUT_ZONES = {"time_zone_update", "settings", "account_signup"}

WEEKDAY = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)(?:uary|ruary|ch|il|ust|ember|ober)?"
TIMES = re.compile(r"\d{1,2}:\d{2}(?:\s*[ap](?:m\b|\.m\.))?|\b\d{1,2}\s*[ap](?:m\b|\.m\.)", re.I)
DATES = re.compile(
    rf"\b{WEEKDAY},? \d{{1,2}} {MONTH}\b(?:,? \d{{4}})?|\b\d{{1,2}} {MONTH}\b(?: {WEEKDAY}\b|,? \d{{4}})?"
    rf"|\b{MONTH} \d{{1,2}}\b(?!\d)|\b{MONTH} \d{{4}}"
    r"|\b\d{4}-\d\d-\d\d|\b\d{1,2}/\d{1,2}/\d{2,4}"
)
CLAIMED = re.compile(r"\byour (?:own )?(?:clock|time)\b(?! (?:zone|is held))|\btimes are yours\b", re.I)


class Words(HTMLParser):
    """What a page says, without what its forms offer to choose from."""

    SILENT = ("script", "style", "svg", "option")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self.SILENT:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)

    def __str__(self) -> str:
        return re.sub(r"\s+([,.;])", r"\1", " ".join(" ".join(self.found).split()))


def nine_am(days: int) -> datetime:
    """On another date in Auckland than in Europe."""
    return (datetime(2026, 12, 3, 9, tzinfo=AUCKLAND) + timedelta(days=days)).astimezone(UTC)


@pytest.fixture
def scene(db: None) -> dict[str, str]:
    """Everybody whom the pages are seen by, and one session in each state that has pages of its own."""
    people = {
        name: factories.UserFactory(email=f"{name}@example.com", name=name.title(), time_zone="")
        for name in ("student", "new")
    }
    factories.UserFactory(email="staff@example.com", time_zone="", is_staff=True, is_superuser=True)
    week = [(day, "09:00", "17:00") for day in range(7)]
    mentor, approval = (
        factories.MentorFactory(
            user__email=f"{name}@example.com", user__time_zone="", time_zone=AUCKLAND.key, hours=week
        )
        for name in ("mentor", "approval")
    )
    free = factories.SessionTypeFactory(mentor=mentor, price_minor=0)
    paid = factories.SessionTypeFactory(mentor=mentor, position=1)
    asks = factories.SessionTypeFactory(mentor=approval, requires_approval=True)
    mentor.date_overrides.create(first_date=date(2026, 12, 24), last_date=date(2026, 12, 26))

    def booked(session_type: object, days: int) -> Booking:
        return book(
            student=people["student"], session_type=session_type, duration_minutes=60,  # type: ignore[arg-type]
            starts_at=nine_am(days), now=NOW,
        )  # fmt: skip

    def pay(booking: Booking, outcome: mock.Outcome) -> None:
        payment = open_checkout(booking.pk, "mock", now=NOW, urls=ReturnUrls(success="/", cancel="/"))
        mock.simulate(payment.provider_ref, outcome)
        settle(payment.pk, source="test", now=NOW)

    sessions = {"free": booked(free, 1), "paid": booked(paid, 2), "requested": booked(asks, 4)}
    pay(sessions["paid"], mock.Outcome.SUCCESS)
    sessions["held"] = booked(paid, 3)
    pay(sessions["held"], mock.Outcome.FAILURE)
    sessions["checked"] = booked(factories.SessionTypeFactory(mentor=mentor, position=2), 6)
    stage.checked(sessions["checked"])
    sessions["cancelled"] = factories.BookingFactory(
        session_type=free, student=people["student"], status=Status.CANCELLED, starts_at=nine_am(5)
    )
    reviewed = factories.BookingFactory(
        session_type=free, student=people["new"], status=Status.COMPLETED, starts_at=nine_am(-30)
    )
    Review = apps.get_model("bookings", "Review")
    Review.objects.create(booking=reviewed, rating=5, words="Good.", created_at=nine_am(-28))
    return {name: session.reference for name, session in sessions.items()} | {
        "mentor_slug": mentor.slug,
        "start": clock.to_param(nine_am(10)),
        "date": f"{nine_am(10).astimezone(AUCKLAND):%Y-%m-%d}",
        "free_type": free.slug,
        "paid_type": paid.slug,
    }


def instants() -> set[datetime]:
    """Every instant that is written down, and those that pages work out from one."""
    found = {NOW}
    for model in (each for name in APPS for each in apps.get_app_config(name).get_models()):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.DateTimeField):
                found |= set(model._default_manager.values_list(field.name, flat=True)) - {None}
    for starts_at, ends_at in Booking.objects.values_list("starts_at", "ends_at"):
        found |= {starts_at - timedelta(minutes=15), ends_at + timedelta(hours=48)}
        found |= {starts_at - timedelta(hours=hours) for hours in (24, 48, 72)}
    return found


def open_hours() -> set[datetime]:
    """From the Monday of this week on; and a month of 2099, which a visit asks for."""
    days = [date(2026, 11, 30) + timedelta(days=days) for days in range(100)] + [date(2099, 1, 1)]
    return {
        datetime(day.year, day.month, day.day, hour, tzinfo=AUCKLAND) for day in days for hour in range(9, 18)
    }


def readings(known: set[datetime], zones: list[ZoneInfo]) -> set[str]:
    """Every way in which the one formatter puts them."""
    days = {at.astimezone(zone).date() for at in known for zone in zones}
    dates = [
        clock.format_date, clock.format_short_date, clock.format_day, clock.format_month, clock.format_date_of_year,
        lambda day: f"{day:%A} {clock.format_day(day)}", lambda day: f"{day.day} {day:%b}",
    ]  # fmt: skip
    return {put(day) for put in dates for day in days} | {
        clock.format_time(at, zone) for at in known for zone in zones
    }


def seen(client: Client, visit: Visit, scene: dict[str, str]) -> str:
    """What the page says; nothing where it leads elsewhere first, as to a password."""
    if visit.who:
        client.force_login(User.objects.get(email=f"{visit.who}@example.com"))
    response = client.get(visit.path.format(**scene))
    assert response.status_code in (visit.status, 302), visit.label
    return str(Words(response.content.decode()))


VISITS = [visit for visit in PAGES if visit.site == "filled" and visit.breaks is None]


@pytest.mark.parametrize("zone", ["", BERLIN.key], ids=["unknown", "Berlin"])
def test_every_time_on_every_page_is_in_a_zone_that_the_page_names(scene: dict[str, str], zone: str) -> None:
    User.objects.update(time_zone=zone)
    wrong, checked = [], 0
    with time_machine.travel(NOW, tick=False):
        for visit in VISITS:
            client = Client()
            if zone:
                client.cookies["tz"] = zone
            words = seen(client, visit, scene)
            known = instants() | (open_hours() if visit.name in CALENDARS else set())
            named = [each for each in ZONES if clock.format_city(each) in words]
            said = TIMES.findall(words) + DATES.findall(words)
            right = readings(known, named)
            wrong += [f"{visit.label}: {each}" for each in said if each not in right]
            is_mentors = visit.who in ("mentor", "approval")
            if not zone and not is_mentors and visit.name not in ABOUT_ZONES:
                wrong += [f"{visit.label}: {each}, of nobody's" for each in CLAIMED.findall(words)]
            checked += len(said)
    assert not wrong, "\n".join(wrong)
    assert checked > 300, "the pages of the table no longer show any times"


TEMPLATES = Path(settings.BASE_DIR, "templates")
# They read an instant on whichever clock is active at the moment, which need not be one that the page names.
FOREIGN = re.compile(
    r"\|\s*(?:date|time|localtime|naturaltime|naturalday|timesince|timeuntil)\b(?!_)|\{%\s*now\b|strftime"
)


def test_no_template_formats_a_time_by_itself() -> None:
    found = [
        f"{path.relative_to(TEMPLATES)}: {line.strip()}"
        for path in sorted(TEMPLATES.rglob("*"))
        if path.is_file()
        for line in path.read_text().splitlines()
        if FOREIGN.search(line)
    ]
    assert found == []


def test_no_module_but_the_clock_names_months_weekdays_or_hours() -> None:
    """What is no page may: file names, and parameters of a URL in digits."""
    base = Path(settings.BASE_DIR)
    found = [
        f"{path.relative_to(base)}: {line.strip()}"
        for name in APPS
        for path in sorted((base / name).rglob("*.py"))
        if path != base / "accounts" / "clock.py"
        for line in path.read_text().splitlines()
        if re.search(r"%-?[aAbBIp]\b(?!\()|:%[aAbBIp]", line) and "%s" not in line
    ]
    assert found == []


def test_a_session_in_a_list_is_on_one_clock(scene: dict[str, str]) -> None:
    """9:00 in Auckland on a Friday is Thursday in Greenwich."""
    student = User.objects.get(email="student@example.com")
    client = Client()
    client.force_login(student)
    words = str(Words(client.get("/my-sessions/").content.decode()))
    assert "9:00 am to 10:00 am Auckland time, where Person is" in words
    assert "5 Sat 9:00 am Auckland time" in words
    User.objects.filter(pk=student.pk).update(time_zone=BERLIN.key)
    words = str(Words(client.get("/my-sessions/").content.decode()))
    assert "Thursday 3 Dec 2026 1 hour 9:00 pm to 10:00 pm for you in Berlin" in words
    assert "9:00 am to 10:00 am for Person in Auckland, the next day" in words
    assert "4 Fri 9:00 pm 9:00 am on Sat 5 Dec in Auckland" in words


def test_the_clock_of_a_student_who_never_said_is_not_told(scene: dict[str, str]) -> None:
    mentor = Mentor.objects.get(user__email="mentor@example.com")
    User.objects.filter(pk=mentor.user_id).update(time_zone=BERLIN.key)
    client = Client()
    client.force_login(mentor.user)
    words = str(Words(client.get(f"/sessions/{scene['free']}/").content.decode()))
    assert "Berlin time Career Guidance with Student" in words
    User.objects.filter(email="student@example.com").update(time_zone="Asia/Kolkata")
    words = str(Words(client.get(f"/sessions/{scene['free']}/").content.decode()))
    assert "1:30 am to 2:30 am for Student in Kolkata, the next day, night there" in words


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("", "You are off on Monday 7 December 2026."),
        ("2026-12-07", "You are off on Monday 7 December 2026."),
        ("2026-12-11", "You are off from Monday 7 December 2026 to Friday 11 December 2026."),
    ],
)
def test_days_off_say_until_when(scene: dict[str, str], last: str, words: str) -> None:
    client = Client()
    client.force_login(User.objects.get(email="mentor@example.com"))
    dates = {"first_date": "2026-12-07", "last_date": last}
    assert words in client.post("/dashboard/availability/dates/", dates, follow=True).content.decode()


def test_admin_names_the_clock_of_its_times(scene: dict[str, str]) -> None:
    client = Client()
    client.force_login(User.objects.get(email="staff@example.com"))
    assert "Times in UTC" in client.get("/admin/bookings/booking/").content.decode()
    client.cookies["tz"] = "Asia/Kolkata"
    assert "Times in Asia/Kolkata" in client.get("/admin/bookings/booking/").content.decode()
