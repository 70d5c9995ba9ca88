"""What a browser and whatever stands between it and us may keep, and what a page may use of the device."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from mentors.models import Mentor

pytestmark = [pytest.mark.django_db, pytest.mark.once]
KEPT_BY_NOBODY = "private, no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/mentors/", 200),
        ("/mentors/meera-rao/", 200),
        ("/my-sessions/", 200),
        ("/settings/", 200),
        ("/payments/", 200),
        ("/accounts/2fa/", 200),
        ("/accounts/login/", 302),
        ("/sessions/SESSION-NOBODYHA/", 404),
        ("/nowhere/", 404),
        ("/admin/", 302),
    ],
)
def test_page_of_a_signed_in_person_is_kept_by_nobody(
    client: Client, student: User, mentor: Mentor, path: str, status: int
) -> None:
    client.force_login(student)
    answer = client.get(path)
    assert (answer.status_code, answer["Cache-Control"]) == (status, KEPT_BY_NOBODY)


def test_refused_form_of_a_signed_in_person_is_kept_by_nobody(student: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(student)
    answer = strict.post("/settings/", {"name": "Somebody"})
    assert (answer.status_code, answer["Cache-Control"]) == (403, KEPT_BY_NOBODY)


def test_last_page_of_a_session_is_kept_by_nobody(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.post("/accounts/logout/")["Cache-Control"] == KEPT_BY_NOBODY


@pytest.mark.parametrize("path", ["/", "/mentors/", "/mentors/meera-rao/"])
def test_page_of_nobody_may_be_kept(client: Client, mentor: Mentor, path: str) -> None:
    assert "Cache-Control" not in client.get(path)


def test_photo_is_public_for_a_signed_in_person_too(
    client: Client, student: User, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "face.jpg").write_bytes(b"face")
    client.force_login(student)
    answer = client.get("/media/face.jpg")
    answer.close()
    assert answer["Cache-Control"] == "public, max-age=86400"


@pytest.mark.parametrize("path", ["/", "/nowhere/", "/healthz?live", "/robots.txt", "/accounts/login/"])
def test_page_uses_nothing_of_the_device(client: Client, path: str) -> None:
    policy = client.get(path)["Permissions-Policy"]
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(policy.split(", "))


def test_robots_are_kept_out_of_what_belongs_to_one_person(client: Client) -> None:
    answer = client.get("/robots.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    rules = answer.text.splitlines()
    assert rules[0] == "User-agent: *"
    assert {"Disallow: /accounts/", "Disallow: /sessions/", "Disallow: /mentors/*/book/*start="} < set(rules)
    assert "Disallow: /" not in rules
    assert rules[-1] == "Sitemap: http://localhost:8000/sitemap.xml"


def test_security_txt_says_whom_to_tell(client: Client, settings: Settings, present: datetime) -> None:
    settings.SUPPORT_EMAIL, settings.SITE_URL = "help@example.com", "https://example.com"
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:help@example.com"
    assert fields["Canonical"] == "https://example.com/.well-known/security.txt"
    ends = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=90) < ends - present < timedelta(days=365)


@pytest.mark.parametrize("path", ["/robots.txt", "/.well-known/security.txt"])
def test_text_files_are_public_and_only_read(client: Client, student: User, path: str) -> None:
    client.force_login(student)
    assert client.get(path)["Cache-Control"] == "public, max-age=86400"
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
