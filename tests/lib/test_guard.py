"""What is refused before any view is asked."""

import io

import pytest
from django.test import Client

from accounts.models import User
from config.wsgi import application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_served")]
BOUNDARY = "multipart/form-data; boundary=x"


def part(disposition: bytes, content: bytes = b"y") -> bytes:
    return b"--x\r\nContent-Disposition: form-data; " + disposition + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/mentors/x%00y/", {}),
        ("/static/%00.css", {}),
        ("/mentors/?q=%00", {}),
        ("/mentors/?%00=q", {}),
        ("/mentors/", {"cookie": 'sessionid="\\000"'}),
        ("/mentors/", {"content-type": "text/plain; charset=nonsense"}),
        ("/mentors/?q=x", {"content-type": "text/plain; charset=rot13"}),
        ("/mentors/?q=x", {"content-type": "text/plain; charset=utf-16"}),
        ("/mentors/?q=x", {"content-type": "text/plain; charset="}),
    ],
)
def test_guard_refuses_what_no_browser_asks_for(client: Client, path: str, headers: dict[str, str]) -> None:
    response = client.get(path, headers=headers)
    assert response.status_code == 400
    assert b"We could not read that request" in response.content


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"time_zone=%00"),
        ("application/x-www-form-urlencoded", b"%00=x"),
        (BOUNDARY, part(b'name="time_zone"', b"\0")),
        (BOUNDARY, part(b'name="photo\0"; filename="x.jpg"')),
    ],
)
def test_guard_refuses_a_form_that_no_browser_sends(client: Client, kind: str, body: bytes) -> None:
    response = client.post("/settings/time-zone/", body, content_type=kind)
    assert response.status_code == 400
    assert b"We could not read that request" in response.content


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; charset=UTF-8", "text/plain; charset=us-ascii", ""]
)
def test_guard_lets_the_usual_encodings_by(client: Client, kind: str) -> None:
    assert client.get("/mentors/?q=%C3%A9", headers={"content-type": kind}).status_code == 200


def test_guard_leaves_the_body_of_a_signed_request_to_its_view(client: Client) -> None:
    """Read as a form it would be gone, and its sender would not be believed."""
    response = client.post("/payments/webhooks/stripe/", part(b'name="x"', b"\0"), content_type=BOUNDARY)
    assert response.status_code == 400
    assert response.content == b""  # the webhook's own word for a missing signature


def test_form_with_characters_that_mean_nothing_is_told_beside_the_field(
    client: Client, student: User
) -> None:
    client.force_login(student)
    response = client.post("/settings/", {"name": "", "time_zone": "²", "phone": "9" * 5000})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"name", "time_zone", "phone"}


@pytest.mark.parametrize("kind", ["text/plain; charset*=nonsense''x", "text/plain; x*=\x00''y"])
def test_site_answers_400_to_a_header_that_cannot_be_read(kind: str) -> None:
    """Django reads it before any middleware."""
    answers: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/mentors/",
        "CONTENT_TYPE": kind,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    body = b"".join(application(environ, lambda status, headers: answers.append(status)))
    assert answers == ["400 Bad Request"]
    assert b"We could not read that request" in body


@pytest.mark.parametrize(
    "query",
    [
        "?id__in=-99999999999999999999",
        "?id__gte=abc",
        "?date_joined__year=99999",
        "?date_joined__gte=99999-01-01",
        "?p=" + "9" * 5000,
        "?o=" + "9" * 5000,
        "?is_staff__exact=²",
    ],
)
def test_lists_of_admin_answer_to_any_filter(client: Client, staff: User, query: str) -> None:
    client.force_login(staff)
    assert client.get(f"/admin/accounts/user/{query}").status_code in (200, 302, 400)


def test_page_of_admin_does_not_look_for_a_column_without_a_name(client: Client, staff: User) -> None:
    client.force_login(staff)
    assert client.post(f"/admin/accounts/user/{staff.pk}/delete/", {"_to_field": ""}).status_code == 400
