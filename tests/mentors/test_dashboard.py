from datetime import time, timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from mentors import services
from mentors.models import Mentor
from tests import factories
from tests.factories import NOW
from tests.mentors import pictures

pytestmark = pytest.mark.once

PAGES = {
    "/dashboard/": {"get"},
    "/dashboard/availability/": {"get", "post"},
    "/dashboard/session-types/": {"get"},
    "/dashboard/session-types/new/": {"get", "post"},
    "/dashboard/session-types/career/": {"get", "post"},
    "/dashboard/session-types/career/switch/": {"post"},
    "/dashboard/profile/": {"get", "post"},
}
# The person, the mentor, what is missing (4), sessions, hours, answers and earnings.
OVERVIEW_QUERIES = 10
CALLS = [(url, method) for url, methods in PAGES.items() for method in sorted(methods)]


@pytest.fixture(autouse=True)
def career(mentor: Mentor) -> None:
    factories.SessionTypeFactory(mentor=mentor, slug="career")


@pytest.mark.parametrize(("url", "method"), CALLS)
def test_signed_out_leads_to_signing_in(client: Client, url: str, method: str) -> None:
    response = getattr(client, method)(url)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")


@pytest.mark.parametrize(("url", "method"), CALLS)
def test_who_is_no_mentor_finds_nothing(
    client: Client, url: str, method: str, student: User, staff: User
) -> None:
    for user in (student, staff):
        client.force_login(user)
        assert getattr(client, method)(url).status_code == 404


@pytest.mark.parametrize(("url", "method"), CALLS)
def test_who_was_turned_down_finds_nothing(client: Client, url: str, method: str, mentor: Mentor) -> None:
    Mentor.objects.update(status="rejected")
    client.force_login(mentor.user)
    assert getattr(client, method)(url).status_code == 404


@pytest.mark.parametrize(("url", "method"), [call for call in CALLS if "career" in call[0]])
def test_another_mentors_session_type_is_not_there(client: Client, url: str, method: str) -> None:
    other = factories.MentorFactory()
    client.force_login(other.user)
    assert getattr(client, method)(url, {"active": "0", "name": "Mine now"}).status_code == 404
    assert not other.session_types.exists()
    assert factories.SessionType.objects.get().is_active


@pytest.mark.parametrize(("url", "methods"), PAGES.items())
def test_wrong_methods(client: Client, url: str, methods: set[str], mentor: Mentor) -> None:
    client.force_login(mentor.user)
    for method in {"get", "post", "put", "delete"} - methods:
        assert getattr(client, method)(url).status_code == 405


@pytest.mark.parametrize("url", [url for url, methods in PAGES.items() if "get" in methods])
def test_an_applicant_can_prepare(client: Client, url: str, mentor: Mentor) -> None:
    Mentor.objects.update(status="applied")
    client.force_login(mentor.user)
    response = client.get(url)
    assert response.status_code == 200
    assert response.content.decode().count('aria-current="page"') >= 1


def test_overview_says_why_the_profile_is_suspended(client: Client, mentor: Mentor, staff: User) -> None:
    services.suspend(mentor, by=staff, now=NOW, reason="Three complaints.")
    mentor.weekly_hours.all().delete()  # so that the list of what is missing is there
    client.force_login(mentor.user)
    html = client.get("/dashboard/").text
    assert "Three complaints." in html
    assert "Waiting for approval" not in html


def test_overview_names_what_nobody_can_pay_for(client: Client, mentor: Mentor, settings: Settings) -> None:
    settings.PAYMENT_GATEWAYS = []
    client.force_login(mentor.user)
    html = client.get("/dashboard/").text
    assert "Payments in INR can’t be taken at the moment" in html
    assert 'href="/dashboard/session-types/career/"' in html
    assert html.count('data-done="no"') == 2  # and so nothing is on offer
    settings.PAYMENT_GATEWAYS = ["mock"]
    assert "Until students can book you" not in client.get("/dashboard/").text


def test_overview_counts_hours_on_a_date_to_come(client: Client) -> None:
    mentor = factories.MentorFactory(hours=[])
    factories.SessionTypeFactory(mentor=mentor)
    client.force_login(mentor.user)
    assert client.get("/dashboard/").text.count('data-done="no"') == 1
    day = NOW.date() + timedelta(days=9)
    mentor.date_overrides.create(first_date=day, last_date=day, starts=time(9), ends=time(12))
    assert "Until students can book you" not in client.get("/dashboard/").text


def test_overview_says_what_is_missing(client: Client) -> None:
    mentor = factories.MentorFactory(hours=[], status="applied")
    client.force_login(mentor.user)
    html = client.get("/dashboard/").content.decode()
    assert html.count('data-done="no"') == 3
    assert "Waiting for approval" in html


def test_overview_of_a_mentor_who_is_ready_has_no_checklist(client: Client, mentor: Mentor) -> None:
    client.force_login(mentor.user)
    assert "data-done" not in client.get("/dashboard/").content.decode()


@pytest.mark.parametrize(
    ("facts", "words"), [({"status": "suspended"}, "suspended"), ({"is_paused": True}, "paused")]
)
def test_overview_says_why_nobody_books(
    client: Client, mentor: Mentor, facts: dict[str, object], words: str
) -> None:
    Mentor.objects.filter(pk=mentor.pk).update(**facts)
    client.force_login(mentor.user)
    assert f"Your profile is {words}" in client.get("/dashboard/").content.decode()


PROFILE = {
    "headline": "Now a gardener",
    "bio": "Plants.",
    "other_skills": "Gardening",
    "time_zone": "Europe/London",
    "cancellation_policy": "strict",
    "is_paused": "on",
}


@pytest.fixture
def own(client: Client, mentor: Mentor) -> Client:
    client.force_login(mentor.user)
    return client


def test_profile_is_saved(own: Client, mentor: Mentor) -> None:
    english = factories.LanguageFactory()
    response = own.post("/dashboard/profile/", {**PROFILE, "languages": [english.pk]})
    assert (response.status_code, response["Location"]) == (302, "/dashboard/profile/")
    mentor.refresh_from_db()
    assert (mentor.headline, mentor.time_zone, mentor.is_paused) == ("Now a gardener", "Europe/London", True)
    assert [skill.name for skill in mentor.skills.all()] == ["Gardening"]


def test_profile_shows_what_there_is(own: Client, mentor: Mentor) -> None:
    mentor.skills.add(factories.SkillFactory(name="Python", slug="python"))
    mentor.languages.add(factories.LanguageFactory())
    html = own.get("/dashboard/profile/").content.decode()
    for words in ("Staff engineer", "I have built things.", '<option value="Asia/Kolkata" selected>'):
        assert words in html
    assert html.count(" checked") == 2
    assert "Moderate:" in html


def test_profile_with_an_error_keeps_what_was_typed(own: Client, mentor: Mentor) -> None:
    response = own.post("/dashboard/profile/", {**PROFILE, "headline": ""})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"headline", "languages"}
    html = response.content.decode()
    for words in ("Plants.", 'value="Gardening"', '<option value="strict" selected>'):
        assert words in html
    mentor.refresh_from_db()
    assert (mentor.bio, mentor.is_paused) == ("I have built things.", False)


def test_profile_photo_is_set_and_removed(own: Client, mentor: Mentor) -> None:
    answers = {**PROFILE, "languages": [factories.LanguageFactory().pk]}
    own.post("/dashboard/profile/", {**answers, "photo": pictures.upload(pictures.plain())})
    mentor.refresh_from_db()
    assert mentor.photo_url in own.get("/dashboard/profile/").content.decode()
    own.post("/dashboard/profile/", {**answers, "remove_photo": "on"})
    mentor.refresh_from_db()
    assert not mentor.photo


def test_photos_are_limited_by_the_hour_and_the_rest_of_the_profile_is_not(own: Client) -> None:
    answers = {**PROFILE, "languages": [factories.LanguageFactory().pk]}

    def send(**photo: object) -> HttpResponse:
        return own.post("/dashboard/profile/", {**answers, **photo})

    sent = [send(photo=pictures.upload(b"not a picture")).status_code for _ in range(20)]
    assert sent == [422] * 20
    refused = send(photo=pictures.upload(pictures.plain()))
    assert refused.status_code == 429
    assert 60 < int(refused["Retry-After"]) <= 3600
    assert send().status_code == 302


def test_a_bad_photo_changes_nothing(own: Client, mentor: Mentor) -> None:
    answers = {**PROFILE, "languages": [factories.LanguageFactory().pk]}
    response = own.post("/dashboard/profile/", {**answers, "photo": pictures.upload(pictures.bomb())})
    assert response.status_code == 422
    assert "many pixels" in response.context["form"].errors["photo"][0]
    mentor.refresh_from_db()
    assert (mentor.headline, bool(mentor.photo)) == ("Staff engineer", False)


def test_overview_draws_the_week_and_says_the_same_in_words(
    own: Client, mentor: Mentor, student: User
) -> None:
    career = mentor.session_types.get()
    for name, hours in (("At Five", 5), ("At Midnight", 12), ("On Tuesday", 150), ("Later", 169)):
        factories.BookingFactory(
            session_type=career, type_name=name, student=student, starts_at=NOW + timedelta(hours=hours)
        )
    html = own.get("/dashboard/").text
    # Open for the rest of Wednesday, and five days of eight hours: it is noon.
    assert "3 sessions, 3 h of 45 h booked" in html
    drawn, _, listed = html.partition("The same as a list")
    assert drawn.count('<rect data-kind="booked"') == 3
    assert drawn.count('<rect data-kind="open"') == 6
    for words in ("Wed 2 Dec, 5:00 pm to 6:00 pm", "Thu 3 Dec, 12:00 am to 1:00 am", "On Tuesday"):
        assert words in listed
    assert "Later" not in html


def test_overview_leads_with_the_next_session_however_far(own: Client, mentor: Mentor, student: User) -> None:
    session_type = mentor.session_types.get()
    assert "Nothing is booked yet" in own.get("/dashboard/").text
    for days in (30, 20):
        factories.BookingFactory(
            session_type=session_type,
            type_name=f"In {days}",
            student=student,
            starts_at=NOW + timedelta(days=days),
        )
    html = own.get("/dashboard/").text
    assert "In 20" in html
    assert "In 30" not in html
    assert "no sessions, 0 h of 45 h booked" in html


def test_overview_shows_who_asks_and_until_when_to_answer(own: Client, mentor: Mentor, student: User) -> None:
    assert "Asked for</h2>" not in own.get("/dashboard/").text
    factories.BookingFactory(
        session_type=mentor.session_types.get(),
        student=student,
        status="requested",
        requires_approval=True,
        topic="Moving <to> staff",
        starts_at=NOW + timedelta(days=4),
    )
    html = own.get("/dashboard/").text
    asked = html.partition("Asked for</h2>")[2]
    for words in ("Arjun Kapoor", "Moving &lt;to&gt; staff", "Fri 4 Dec, 12:00 pm", ">Decline<", ">Accept<"):
        assert words in asked
    assert "no sessions, 1 request" in html


def test_overview_has_the_link_to_copy_once_it_opens(own: Client, mentor: Mentor) -> None:
    assert 'value="http://localhost:8000/mentors/meera-rao/"' in own.get("/dashboard/").text
    Mentor.objects.update(is_paused=True)
    assert "Copy your link" not in own.get("/dashboard/").text


def test_overview_costs_the_same_for_one_session_and_for_many(
    own: Client, mentor: Mentor, student: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    session_type = mentor.session_types.get()
    for hours in range(2, 42, 2):
        factories.BookingFactory(
            session_type=session_type, student=student, starts_at=NOW + timedelta(hours=hours)
        )
        if hours in (2, 40):
            with django_assert_num_queries(OVERVIEW_QUERIES):
                own.get("/dashboard/")


def test_profile_says_what_a_new_zone_does_to_the_hours(own: Client) -> None:
    assert "keep what the clock says, in the new zone" in own.get("/dashboard/profile/").content.decode()


def test_switched_off_hours_are_no_hours_to_start_with(client: Client, mentor: Mentor) -> None:
    mentor.weekly_hours.update(is_active=False)
    client.force_login(mentor.user)
    assert client.get("/dashboard/").content.decode().count('data-done="no"') == 1
