"""What can't be shown looks like the site, with DEBUG as without."""

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django.fixtures import Settings

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def breaks(request: HttpRequest, kind: str) -> HttpResponse:
    raise {"400": BadRequest, "403": PermissionDenied, "500": ZeroDivisionError}[kind]("secret <cause>")


urlpatterns = [path("breaks/<str:kind>/", breaks), path("", include("config.urls"))]
handler500 = "config.error_pages.server_error"


@pytest.fixture(params=[True, False], ids=["debug", "live"])
def visitor(request: pytest.FixtureRequest, settings: Settings) -> Client:
    settings.DEBUG = request.param
    return Client(raise_request_exception=False)


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("/breaks/400/", 400, "We could not read that request"),
        ("/breaks/403/", 403, "This page is not open to your account"),
        ("/breaks/500/", 500, "Something broke on our side"),
        ("/nowhere/", 404, "There is nothing at this address"),
        ("/mentors/nobody/", 404, "There is nothing at this address"),
        ("/admin/nowhere/", 302, ""),
    ],
)
def test_each_error_has_its_page(
    visitor: Client, settings: Settings, url: str, status: int, words: str
) -> None:
    response = visitor.get(url)
    assert response.status_code == status
    assert words in response.text
    assert ("secret &lt;cause&gt;" in response.text) == (status == 500 and settings.DEBUG)
    assert "<style" not in response.text


def test_an_address_without_its_last_slash_still_leads_on(visitor: Client) -> None:
    assert visitor.get("/terms").headers["Location"] == "/terms/"


def test_a_wrong_method_is_told_so_and_which_are_right(visitor: Client) -> None:
    response = visitor.post("/terms/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert "This address is for a button" in response.text


@pytest.mark.urls(__name__)
def test_a_form_without_its_token_is_told_so(settings: Settings) -> None:
    settings.DEBUG = True
    response = Client(enforce_csrf_checks=True).post("/accounts/login/")
    assert response.status_code == 403
    assert "That form had grown old" in response.text
