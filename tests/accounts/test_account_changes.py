"""Changing how one signs in: address, password, second step."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client

from accounts.models import User
from accounts.services import create_person, vouch_for_email

pytestmark = pytest.mark.once

LOGIN = "/accounts/login/"
EMAIL, PASSWORD, TWO_STEPS = "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/"


@pytest.fixture
def person(client: Client, db: None) -> User:
    """Somebody with a confirmed address, who has just signed in."""
    person = create_person(email="ann@example.com", password="office-hours", name="Ann O'Neil")
    client.post(LOGIN, {"login": "ann@example.com", "password": "office-hours"})
    return person


def app_code(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def confirm(client: Client) -> None:
    """Says the password again, as changes to the second step ask."""
    client.post("/accounts/reauthenticate/", {"password": "office-hours"})


def turn_on(client: Client) -> str:
    confirm(client)
    secret: str = client.get(f"{TWO_STEPS}totp/activate/").context["form"].secret
    client.post(f"{TWO_STEPS}totp/activate/", {"code": app_code(secret)})
    return secret


def without_password(client: Client, person: User) -> None:
    """Somebody who signs in with a code alone, and has just done so."""
    person.set_unusable_password()
    person.save()
    client.logout()
    page = client.post("/accounts/login/code/", {"email": person.email})["Location"]
    code = re.search(r"^[A-Z]{4}-[A-Z]{4}$", mail.outbox[-1].body, re.M)
    assert code
    client.post(page, {"code": code[0]})


# E-mail address


def test_email_is_changed_once_the_link_was_followed(client: Client, person: User) -> None:
    confirm(client)
    client.post(EMAIL, {"action_add": "1", "email": "Ann.New@example.com"})
    person.refresh_from_db()
    assert person.email == "ann@example.com"
    assert "ann.new@example.com" in client.get(EMAIL).text
    [message] = mail.outbox
    assert message.to == ["ann.new@example.com"]
    assert "Ann" not in message.body
    [link] = re.findall(r"http://localhost:8000(/\S+)", message.body)
    assert "Is <strong>ann.new@example.com</strong> the address of" in client.get(link).text
    client.post(link)
    person.refresh_from_db()
    assert person.email == "ann.new@example.com"
    assert [(row.email, row.verified, row.primary) for row in EmailAddress.objects.all()] == [
        ("ann.new@example.com", True, True)
    ]
    told = [message for message in mail.outbox if message.to == ["ann@example.com"]]
    assert "from ann@example.com to ann.new@example.com" in told[0].body


def test_email_change_can_be_taken_back(client: Client, person: User) -> None:
    confirm(client)
    client.post(EMAIL, {"action_add": "1", "email": "ann.new@example.com"})
    client.post(EMAIL, {"action_remove": "1", "email": "ann.new@example.com"})
    assert [row.email for row in EmailAddress.objects.all()] == ["ann@example.com"]


@pytest.mark.usefixtures("production")
def test_email_is_changed_by_a_code_in_production(client: Client, person: User) -> None:
    confirm(client)
    answer = client.post(EMAIL, {"action_add": "1", "email": "ann.new@example.com"})
    code = re.search(r"^[A-Z]{4}-[A-Z]{4}$", mail.outbox[-1].body, re.M)
    assert code
    client.post(answer["Location"], {"code": code[0]})
    person.refresh_from_db()
    assert person.email == "ann.new@example.com"


@pytest.mark.parametrize("bad", ["", "nonsense", "ANN@example.com"])
def test_email_that_is_wrong_is_refused(client: Client, person: User, bad: str) -> None:
    confirm(client)
    answer = client.post(EMAIL, {"action_add": "1", "email": bad})
    assert answer.status_code == 422
    assert mail.outbox == []


def test_email_of_somebody_else_stays_theirs(client: Client, person: User, stranger: User) -> None:
    vouch_for_email(stranger)
    confirm(client)
    client.post(EMAIL, {"action_add": "1", "email": "SAM@example.com"})
    for link in re.findall(r"http://localhost:8000(/\S+)", "".join(message.body for message in mail.outbox)):
        client.get(link)
        client.post(link)
    person.refresh_from_db()
    assert person.email == "ann@example.com"


@pytest.mark.django_db
def test_confirmation_link_that_is_no_link_says_so(client: Client) -> None:
    assert "This link no longer works" in client.get("/accounts/confirm-email/nonsense/").text


# Password


def test_password_is_changed_and_the_person_stays_and_is_told(client: Client, person: User) -> None:
    new = {"password1": "correct-horse", "password2": "correct-horse"}
    assert client.post(PASSWORD, {"oldpassword": "office-hours", **new})["Location"] == "/settings/"
    person.refresh_from_db()
    assert person.check_password("correct-horse")
    assert client.get("/settings/").status_code == 200
    assert mail.outbox[0].subject == "Your password at Office Hours is changed"


def test_password_is_not_changed_without_the_old_one(client: Client, person: User) -> None:
    new = {"password1": "correct-horse", "password2": "correct-horse"}
    answer = client.post(PASSWORD, {"oldpassword": "wrong", **new})
    assert answer.status_code == 422
    assert answer.context["form"].errors["oldpassword"] == ["This is not your current password."]


def test_password_can_be_chosen_by_who_has_none(client: Client, person: User) -> None:
    without_password(client, person)
    assert client.get(PASSWORD)["Location"] == "/accounts/password/set/"
    client.post("/accounts/password/set/", {"password1": "correct-horse", "password2": "correct-horse"})
    person.refresh_from_db()
    assert person.check_password("correct-horse")


# Two steps


@pytest.mark.django_db(transaction=True)  # the mail waits for the commit
def test_two_steps_are_asked_for_once_turned_on(client: Client, person: User) -> None:
    turn_on(client)
    assert mail.outbox[-1].subject == "Two-step sign-in at Office Hours is on"
    other = Client()
    first = other.post(LOGIN, {"login": "ann@example.com", "password": "office-hours", "next": "/settings/"})
    assert first["Location"].startswith("/accounts/2fa/authenticate/")
    assert "_auth_user_id" not in other.session
    assert other.post(first["Location"], {"code": "000000"}).status_code == 422
    codes = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    assert other.post(first["Location"], {"code": codes[0]})["Location"] == "/settings/"
    assert "_auth_user_id" in other.session


def test_two_steps_are_drawn_on_white_for_every_theme(client: Client, person: User) -> None:
    confirm(client)
    page = client.get(f"{TWO_STEPS}totp/activate/")
    assert 'src="data:image/svg+xml;base64,' in page.text
    assert 'fill="white"' in page.context["totp_svg"]
    assert "otpauth://totp/ann%40example.com?secret=" in page.context["totp_url"]
    assert "issuer=Office%20Hours" in page.context["totp_url"]


def test_two_steps_are_not_turned_on_by_a_wrong_code(client: Client, person: User) -> None:
    confirm(client)
    client.get(f"{TWO_STEPS}totp/activate/")
    assert client.post(f"{TWO_STEPS}totp/activate/", {"code": "000000"}).status_code == 422
    assert not Authenticator.objects.exists()


def test_two_steps_wait_for_a_confirmed_address(client: Client, person: User) -> None:
    EmailAddress.objects.update(verified=False)
    answer = client.get(f"{TWO_STEPS}totp/activate/", follow=True)
    assert "Confirm your e-mail address first" in answer.text


def test_two_steps_are_changed_only_by_who_can_say_the_password_again(client: Client, person: User) -> None:
    asked = client.get(f"{TWO_STEPS}totp/activate/")
    assert asked["Location"].startswith("/accounts/reauthenticate/?next=")
    assert "Is it you?" in client.get(asked["Location"]).text
    assert client.post(asked["Location"], {"password": "wrong"}).status_code == 422
    assert (
        client.post(asked["Location"], {"password": "office-hours"})["Location"]
        == f"{TWO_STEPS}totp/activate/"
    )


def test_recovery_codes_can_be_seen_kept_and_made_anew(client: Client, person: User) -> None:
    turn_on(client)
    codes = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    page, file = client.get(f"{TWO_STEPS}recovery-codes/"), client.get(f"{TWO_STEPS}recovery-codes/download/")
    assert all(code in page.text and code in file.text for code in codes)
    client.post(f"{TWO_STEPS}recovery-codes/generate/")
    assert codes[0] not in client.get(f"{TWO_STEPS}recovery-codes/").text


def test_two_steps_can_be_turned_off(client: Client, person: User) -> None:
    turn_on(client)
    client.post(f"{TWO_STEPS}totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert mail.outbox[-1].subject == "Two-step sign-in at Office Hours is off"


# Is it still the same person?

AGAIN, BOTH = "/accounts/reauthenticate/", f"{TWO_STEPS}reauthenticate/"
CHANGES = [
    (EMAIL, {"action_add": "1", "email": "new@example.com"}),
    (EMAIL, {"action_remove": "1", "email": "ann@example.com"}),
    (EMAIL, {"action_primary": "1", "email": "ann@example.com"}),
    (f"{TWO_STEPS}totp/activate/", {"code": "000000"}),
    (f"{TWO_STEPS}totp/deactivate/", {}),
    (f"{TWO_STEPS}recovery-codes/generate/", {}),
    (f"{TWO_STEPS}recovery-codes/", None),
    (f"{TWO_STEPS}recovery-codes/download/", None),
]


def ask(client: Client, path: str, data: dict[str, str] | None) -> str:
    """Where it leads to; nothing when it shows a page."""
    answer = client.get(path) if data is None else client.post(path, data)
    return answer.get("Location", "").partition("?")[0]


@pytest.mark.parametrize(("path", "data"), CHANGES[:4])
def test_account_changes_ask_for_the_password_again(
    client: Client, person: User, path: str, data: dict[str, str]
) -> None:
    assert ask(client, path, data) == AGAIN
    assert [row.email for row in EmailAddress.objects.all()] == ["ann@example.com"]
    confirm(client)
    assert ask(client, path, data) != AGAIN
    EmailAddress.objects.exclude(email="ann@example.com").delete()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert ask(client, path, data) == AGAIN


def test_email_change_goes_on_once_the_password_was_said(client: Client, person: User) -> None:
    asked = client.post(EMAIL, {"action_add": "1", "email": "ann.new@example.com"})
    assert mail.outbox == []
    assert client.post(asked["Location"], {"password": "wrong"}).status_code == 422
    assert client.post(asked["Location"], {"password": "office-hours"})["Location"] == EMAIL
    assert [message.to for message in mail.outbox] == [["ann.new@example.com"]]


def later() -> time_machine.travel:
    """Another half-minute, with a code of its own, and long after anybody was asked."""
    return time_machine.travel(datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize(
    ("path", "data"), [*[change for change in CHANGES if "totp/activate" not in change[0]], (PASSWORD, None)]
)
@pytest.mark.usefixtures("production")
def test_account_changes_ask_for_both_steps_where_two_are_on(
    client: Client, person: User, path: str, data: dict[str, str] | None
) -> None:
    secret = turn_on(client)
    with later():
        assert ask(client, path, data) == BOTH
        confirm(client)  # leads to the page with both
        assert ask(client, path, data) == BOTH
        for half in (
            {"password": "office-hours"},
            {"code": app_code(secret)},
            {"password": "wrong", "code": app_code(secret)},
        ):
            assert client.post(BOTH, half).status_code == 422
            assert ask(client, path, data) == BOTH
        assert client.post(BOTH, {"password": "office-hours", "code": app_code(secret)}).status_code == 302
        assert ask(client, path, data) != BOTH


def test_new_password_is_kept_nowhere_while_both_steps_are_asked_for(client: Client, person: User) -> None:
    turn_on(client)
    new = {"oldpassword": "office-hours", "password1": "correct-horse", "password2": "correct-horse"}
    with later():
        assert client.post(PASSWORD, new)["Location"] == PASSWORD
        assert client.get(PASSWORD)["Location"].startswith(BOTH)
    assert "correct-horse" not in str(dict(client.session))
    person.refresh_from_db()
    assert person.check_password("office-hours")


SET = "/accounts/password/set/"


@pytest.mark.parametrize(("path", "data"), [*CHANGES[:2], CHANGES[3], (SET, None)])
def test_account_changes_ask_whoever_has_no_password_to_sign_in_by_code_again(
    client: Client, person: User, path: str, data: dict[str, str] | None
) -> None:
    without_password(client, person)
    sent = len(mail.outbox)
    with later():
        answer = client.get(path) if data is None else client.post(path, data)
        assert answer.status_code == 403
        assert "Sign in again with a code" in answer.text
        assert len(mail.outbox) == sent
        without_password(client, person)
        assert (client.get(path) if data is None else client.post(path, data)).status_code in (200, 302, 422)


def test_first_password_is_not_set_by_a_session_from_long_ago(client: Client, person: User) -> None:
    without_password(client, person)
    new = {"password1": "correct-horse", "password2": "correct-horse"}
    with later():
        assert client.post(SET, new)["Location"] == SET
    person.refresh_from_db()
    assert not person.has_usable_password()


@pytest.mark.parametrize("path", [PASSWORD, SET])
def test_password_pages_are_for_the_signed_in(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Location"] == f"{LOGIN}?next={path}"
    assert client.post(path)["Location"] == f"{LOGIN}?next={path}"


# Mail


def test_mail_says_addresses_and_links_as_they_are(client: Client, person: User) -> None:
    confirm(client)
    client.post(EMAIL, {"action_add": "1", "email": "o'neil@example.com"})
    [link] = re.findall(r"http://localhost:8000(/\S+)", mail.outbox[0].body)
    client.post(link)
    assert "from ann@example.com to o'neil@example.com" in mail.outbox[-1].body
    assert "&#" not in mail.outbox[-1].body
    assert mail.outbox[0].body.rstrip().endswith("Office Hours\nhttp://localhost:8000")
