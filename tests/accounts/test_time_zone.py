import re
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.middleware import ClockMiddleware
from accounts.models import User
from lib.zones import find_zone

pytestmark = pytest.mark.once

URL = "/settings/time-zone/"


def zone_of(client: Client) -> ZoneInfo | None:
    zone: ZoneInfo | None = client.get(URL).wsgi_request.time_zone  # type: ignore[attr-defined]
    return zone


@pytest.mark.django_db
def test_zone_of_a_stranger_is_unknown(client: Client) -> None:
    assert zone_of(client) is None


@pytest.mark.django_db
def test_zone_of_a_stranger_comes_from_the_device(client: Client) -> None:
    client.cookies["tz"] = "Asia/Calcutta"
    assert str(zone_of(client)) == "Asia/Kolkata"


@pytest.mark.django_db
@pytest.mark.parametrize("junk", ["Mars/Olympus", "<script>", "a" * 3000, ""])
def test_zone_is_not_taken_from_junk(client: Client, junk: str) -> None:
    client.cookies["tz"] = junk
    assert zone_of(client) is None


def test_zone_that_was_saved_wins_over_the_device(client: Client, student: User) -> None:
    client.force_login(student)
    client.cookies["tz"] = "Asia/Kolkata"
    assert str(zone_of(client)) == "Europe/Berlin"


def test_zone_of_a_person_who_saved_none_comes_from_the_device(client: Client, student: User) -> None:
    student.time_zone = ""
    student.save()
    client.force_login(student)
    client.cookies["tz"] = "Asia/Kolkata"
    assert str(zone_of(client)) == "Asia/Kolkata"


def test_zone_is_active_while_the_page_is_made_and_not_after(student: User, rf: RequestFactory) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(timezone.get_current_timezone_name())
        return HttpResponse()

    request = rf.get("/admin/")
    request.user = student
    ClockMiddleware(view)(request)
    assert seen == ["Europe/Berlin"]
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("path", ["/media/photos/1.webp", "/healthz"])
def test_what_shows_no_times_does_not_read_the_user(rf: RequestFactory, path: str) -> None:
    request = rf.get(path, headers={"cookie": "tz=Europe/Berlin"})  # has no user: reading it would fail
    ClockMiddleware(lambda request: HttpResponse())(request)
    assert request.time_zone is None  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_page_works_signed_out(client: Client) -> None:
    page = client.get(URL)
    assert page.status_code == 200
    assert "in each mentor's own zone" in unescape(page.text)
    assert '<optgroup label="Asia">' in page.text


@pytest.mark.django_db
def test_page_says_what_is_used_and_what_the_device_has(client: Client) -> None:
    client.cookies["tz"], client.cookies["tz_detected"] = "Asia/Kolkata", "Europe/Berlin"
    words = unescape(client.get(URL).text)
    assert "Asia/Kolkata (GMT+5:30), where it is 12:00 pm now" in words
    assert "Your device is on <strong>Europe/Berlin (GMT+1)</strong>" in words


@pytest.mark.django_db
def test_choice_of_a_stranger_is_kept_in_a_cookie_for_a_year(client: Client) -> None:
    answer = client.post(URL, {"time_zone": "Asia/Calcutta", "next": "/mentors/?q=python"})
    assert (answer.status_code, answer["Location"]) == (302, "/mentors/?q=python")
    cookie = answer.cookies["tz"]
    assert (cookie.value, cookie["max-age"], cookie["samesite"]) == ("Asia/Kolkata", 365 * 86400, "Lax")
    assert str(zone_of(client)) == "Asia/Kolkata"


def test_choice_of_a_person_is_saved_with_them(client: Client, student: User, stranger: User) -> None:
    client.force_login(student)
    answer = client.post(URL, {"time_zone": "America/New_York"})
    assert answer["Location"] == "/settings/"
    student.refresh_from_db()
    stranger.refresh_from_db()
    assert student.time_zone == "America/New_York"
    assert stranger.time_zone == "Asia/Kolkata"
    assert "tz" not in answer.cookies


@pytest.mark.django_db
def test_choice_against_the_device_is_not_asked_about_again(client: Client) -> None:
    client.cookies["tz_detected"] = "Europe/Berlin"
    assert client.post(URL, {"time_zone": "Asia/Kolkata"}).cookies["tz_kept"].value == "Europe/Berlin"
    assert "tz_kept" not in client.post(URL, {"time_zone": "Europe/Berlin"}).cookies


@pytest.mark.django_db
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ],
)
def test_choice_never_leads_to_another_site(client: Client, elsewhere: str) -> None:
    assert client.post(URL, {"time_zone": "Asia/Kolkata", "next": elsewhere})["Location"] == "/"
    assert client.get(URL, {"next": elsewhere}).context["next"] == ""


@pytest.mark.django_db
@pytest.mark.parametrize("junk", ["", "Mars/Olympus", "Etc/GMT+5", "x" * 5000])
def test_junk_is_refused_and_changes_nothing(client: Client, junk: str) -> None:
    answer = client.post(URL, {"time_zone": junk, "next": "/mentors/"})
    assert answer.status_code == 422
    assert "tz" not in answer.cookies
    assert 'name="next" value="/mentors/"' in answer.text


@pytest.mark.django_db
def test_other_methods_are_refused(client: Client) -> None:
    assert client.put(URL).status_code == 405
    assert client.delete(URL).status_code == 405


def hours_of(client: Client, language: str = "") -> int | None:
    hours: int | None = client.get(URL, headers={"accept-language": language}).wsgi_request.clock_hours  # type: ignore[attr-defined]
    return hours


def test_hours_are_the_accounts_else_the_devices_choice_else_its_languages(
    client: Client, student: User
) -> None:
    assert hours_of(client) is None
    assert hours_of(client, "de-DE,en;q=0.5") == 24
    assert hours_of(client, "en;q=0.5,de-DE;q=0.1") == 12
    assert hours_of(client, "x" * 10_000) is None
    client.cookies["clock_hours"] = "12"
    assert hours_of(client, "de-DE") == 12
    client.cookies["clock_hours"] = "13"
    assert hours_of(client, "de-DE") == 24
    User.objects.filter(pk=student.pk).update(clock_hours=12)
    client.force_login(student)
    assert hours_of(client, "de-DE") == 12


@pytest.mark.django_db
def test_hours_are_the_pages_and_nobody_elses_afterwards(client: Client) -> None:
    client.cookies["tz"] = "Asia/Kolkata"
    assert "it is 12:00 now" in client.get(URL, headers={"accept-language": "de"}).text
    assert "it is 12:00 pm now" in client.get(URL).text


@pytest.mark.django_db
def test_chosen_hours_are_kept_on_the_device(client: Client) -> None:
    answer = client.post(URL, {"clock_hours": "24"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert (answer.cookies["clock_hours"].value, "tz" in answer.cookies) == ("24", False)
    page = client.get(URL).text
    assert "Times are now shown, on a clock of 24 hours." in page
    assert 'value="24" id="id_clock_hours_1" checked' in page


def test_chosen_hours_are_saved_with_a_person(client: Client, student: User, stranger: User) -> None:
    client.force_login(student)
    answer = client.post(URL, {"time_zone": "Kolkata, India", "clock_hours": "24"})
    student.refresh_from_db()
    stranger.refresh_from_db()
    assert (student.time_zone, student.clock_hours) == ("Asia/Kolkata", 24)
    assert stranger.clock_hours is None
    assert "clock_hours" not in answer.cookies
    assert client.post(URL, {"clock_hours": "7"}).status_code == 422


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["kolkata", "Kolkata, India", " Asia/Calcutta "])
def test_zone_is_found_by_its_city(client: Client, typed: str) -> None:
    assert client.post(URL, {"time_zone": typed}).cookies["tz"].value == "Asia/Kolkata"


def test_hours_of_the_first_device_stay_with_the_person(client: Client, student: User) -> None:
    """So that their mail reads like the pages that they know."""
    for language in ("de", "en-US"):
        client.get("/accounts/login/", headers={"accept-language": language})
        client.post(
            "/accounts/login/",
            {"login": student.email, "password": "office-hours"},
            headers={"accept-language": language},
        )
        client.logout()
        student.refresh_from_db()
        assert student.clock_hours == 24


def test_cities_are_listed_for_whoever_types_one_and_each_is_understood(client: Client) -> None:
    answer = client.get(f"{URL}cities/")
    assert answer["Cache-Control"] == "public, max-age=86400"
    cities = re.findall(r'<option value="([^"]+)">', answer.text)
    assert "Kolkata, India" in cities
    assert all(find_zone(unescape(city)) for city in cities)
    assert client.post(f"{URL}cities/").status_code == 405
