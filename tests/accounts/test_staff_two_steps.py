"""Staff sign in in two steps: without the second one nothing of what staff may do opens, in the admin or elsewhere."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import create_person
from bookings.models import Booking
from tests.accounts.test_account_changes import app_code
from tests.factories import BookingFactory, UserFactory

pytestmark = pytest.mark.once

ACTIVATE = "/accounts/2fa/totp/activate/"


@pytest.fixture(autouse=True)
def _asked_for(settings: Settings) -> None:
    settings.STAFF_TWO_STEP = True


@pytest.fixture
def session(db: None) -> Booking:
    return BookingFactory()


@pytest.fixture
def chief(db: None) -> User:
    """A superuser with a confirmed address and a password alone."""
    return create_person(
        email="chief@example.com", password="office-hours", name="Chief", is_staff=True, is_superuser=True
    )


def sign_in(client: Client, person: User, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": person.email, "password": "office-hours", **more})


def set_up(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": "office-hours"})
    secret: str = client.get(ACTIVATE).context["form"].secret
    assert client.post(ACTIVATE, {"code": app_code(secret)}).status_code == 302


def opened(client: Client, session: Booking) -> tuple[int, int, int]:
    """The admin, a page of it, and somebody else's session on the site."""
    pages = ("/admin/", "/admin/accounts/user/", session.get_absolute_url())
    first, second, third = (client.get(page).status_code for page in pages)
    return first, second, third


def test_staff_without_a_second_step_are_led_to_set_it_up(client: Client, chief: User) -> None:
    sign_in(client, chief)
    answer = client.get("/admin/accounts/user/", follow=True)
    assert [step.partition("?")[0] for step, _ in answer.redirect_chain] == [
        *("/admin/login/", ACTIVATE, "/accounts/reauthenticate/")
    ]
    assert "Staff sign in in two steps here" in answer.text
    answer = client.post(
        "/accounts/reauthenticate/", {"password": "office-hours", "next": ACTIVATE}, follow=True
    )
    assert "Code from the app" in answer.text


def test_staff_without_a_second_step_can_do_nothing_as_staff(
    client: Client, chief: User, session: Booking
) -> None:
    sign_in(client, chief)
    assert opened(client, session) == (302, 302, 404)
    posted = client.post(f"/admin/accounts/user/{session.student_id}/change/", {"name": "Other"})
    assert posted["Location"].startswith("/admin/login/")
    assert not chief.has_perm("bookings.view_booking")
    assert not chief.has_module_perms("bookings")


def test_group_opens_nothing_without_a_second_step(client: Client, session: Booking) -> None:
    helper = UserFactory(is_staff=True)
    helper.groups.add(Group.objects.get(name="Support"))
    client.force_login(helper)
    assert client.get(session.get_absolute_url()).status_code == 404
    Authenticator.objects.create(user=helper, type=Authenticator.Type.TOTP, data={})
    client.force_login(User.objects.get(pk=helper.pk))
    assert client.get(session.get_absolute_url()).status_code == 200


def test_recovery_codes_alone_are_no_second_step(client: Client, chief: User, session: Booking) -> None:
    Authenticator.objects.create(user=chief, type=Authenticator.Type.RECOVERY_CODES, data={})
    client.force_login(chief)
    assert opened(client, session) == (302, 302, 404)


@pytest.mark.django_db(transaction=True)  # what follows a commit happens in the request
def test_staff_who_set_it_up_go_on_where_they_are_and_nowhere_else(
    client: Client, chief: User, session: Booking
) -> None:
    elsewhere = Client()
    for each in (client, elsewhere):
        sign_in(each, chief)
    set_up(client)
    assert opened(client, session) == (200, 200, 200)
    assert elsewhere.get("/settings/").status_code == 302  # that session had only said the password
    answer = sign_in(elsewhere, chief)
    assert answer["Location"].startswith("/accounts/2fa/authenticate/")
    assert opened(elsewhere, session) == (302, 302, 302)
    codes = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    elsewhere.post(answer["Location"], {"code": codes[0]})
    assert opened(elsewhere, session) == (200, 200, 200)


@pytest.mark.django_db(transaction=True)  # what follows a commit happens in the request
def test_staff_who_turn_it_off_are_out_again(client: Client, chief: User, session: Booking) -> None:
    sign_in(client, chief)
    set_up(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert client.get("/settings/").status_code == 200
    assert opened(client, session) == (302, 302, 404)


@pytest.mark.django_db(transaction=True)  # what follows a commit happens in the request
def test_everybody_elses_sessions_stay_with_a_new_second_step(client: Client, student: User) -> None:
    elsewhere = Client()
    for each in (client, elsewhere):
        sign_in(each, student)
    set_up(client)
    assert elsewhere.get("/settings/").status_code == 200
    assert client.get("/settings/").status_code == 200


@pytest.mark.parametrize("person", ["student", "stranger"])
def test_admin_turns_others_away_as_ever(client: Client, request: pytest.FixtureRequest, person: str) -> None:
    client.force_login(request.getfixturevalue(person))
    assert client.get("/admin/", follow=True).status_code == 403


def test_setting_lifts_it_and_the_check_before_a_deployment_says_so(
    client: Client, chief: User, session: Booking, settings: Settings
) -> None:
    def warned() -> bool:
        found = run_checks(tags=["security"], include_deployment_checks=True)
        return "config.W002" in {message.id for message in found}

    assert not warned()
    settings.STAFF_TWO_STEP = False
    assert warned()
    sign_in(client, chief)
    assert opened(client, session) == (200, 200, 200)
