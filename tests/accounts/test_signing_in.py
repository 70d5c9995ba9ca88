import re
from collections.abc import Callable
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import create_person
from tests.accounts.counting_hasher import CountingHasher

pytestmark = pytest.mark.once

LOGIN, SIGNUP, LOGOUT = "/accounts/login/", "/accounts/signup/", "/accounts/logout/"
NEXT = "/mentors/meera-rao/book/?type=career-guidance&duration=60&start=2026-12-09T05:30Z"
PASSWORD = "correct-horse-battery"
NEWCOMER = {
    "name": "Nora New",
    "email": "Nora@Example.COM",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "time_zone": "Asia/Calcutta",
}


@pytest.fixture
def hasher(settings: Settings) -> type[CountingHasher]:
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    return CountingHasher


def hashes_of(hasher: type[CountingHasher], act: Callable[[], object]) -> int:
    before = hasher.asked
    act()
    return hasher.asked - before


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client, email: str, password: str, **more: str) -> object:
    return client.post(LOGIN, {"login": email, "password": password, **more})


# Signing in


def test_sign_in_leads_back_to_where_it_began(client: Client, student: User) -> None:
    page = client.get(LOGIN, {"next": NEXT})
    assert page.context["redirect_field_value"] == NEXT
    answer = client.post(LOGIN, {"login": "arjun@example.com", "password": "office-hours", "next": NEXT})
    assert (answer.status_code, answer["Location"]) == (302, NEXT)
    assert is_signed_in(client)


def test_sign_in_takes_the_address_in_any_case(client: Client, student: User) -> None:
    sign_in(client, "ARJUN@example.com", "office-hours")
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("facts", "place"),
    [({}, "/"), ({"is_mentor": True}, "/dashboard/"), ({"is_mentor": True, "is_staff": True}, "/admin/")],
)
def test_sign_in_leads_to_ones_work_unless_somewhere_else_was_asked_for(
    client: Client, student: User, facts: dict[str, bool], place: str
) -> None:
    User.objects.filter(pk=student.pk).update(**facts)
    data = {"login": "arjun@example.com", "password": "office-hours"}
    assert client.post(LOGIN, data)["Location"] == place
    client.logout()
    assert client.post(LOGIN, data | {"next": NEXT})["Location"] == NEXT


@pytest.mark.parametrize("email", ["arjun@example.com", "nobody@example.com"])
def test_sign_in_refuses_a_wrong_password_and_an_unknown_address_alike(
    client: Client, student: User, email: str
) -> None:
    answer = client.post(LOGIN, {"login": email, "password": "wrong", "next": NEXT})
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == [
        "This e-mail address and password do not belong together."
    ]
    assert f'value="{email}"' in answer.text
    assert answer.context["redirect_field_value"] == NEXT


@pytest.mark.parametrize("who", ["known", "unknown", "without a password", "deactivated"])
def test_sign_in_that_fails_costs_one_hash_whoever_it_is(
    client: Client, db: None, hasher: type[CountingHasher], who: str
) -> None:
    password = None if who == "without a password" else PASSWORD
    person = create_person(
        email="known@example.com", password=password, name="Known", is_active=who != "deactivated"
    )
    email = "nobody@example.com" if who == "unknown" else person.email
    assert hashes_of(hasher, lambda: sign_in(client, email, "wrong")) == 1
    assert not is_signed_in(client)


def test_sign_in_never_leads_to_another_site(client: Client, student: User) -> None:
    answer = client.post(
        LOGIN, {"login": "arjun@example.com", "password": "office-hours", "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


def test_sign_in_is_closed_to_who_was_deactivated(client: Client, student: User) -> None:
    User.objects.update(is_active=False)
    answer = client.post(LOGIN, {"login": "arjun@example.com", "password": "office-hours"}, follow=True)
    assert "This account is closed" in answer.text
    assert not is_signed_in(client)


def test_sign_in_ends_at_once_for_who_is_deactivated(client: Client, student: User) -> None:
    client.force_login(student)
    User.objects.update(is_active=False)
    assert client.get("/settings/")["Location"].startswith(LOGIN)


def test_sign_in_pauses_after_many_wrong_passwords(client: Client, student: User) -> None:
    for _ in range(5):
        sign_in(client, "arjun@example.com", "wrong")
    answer = client.post(LOGIN, {"login": "arjun@example.com", "password": "office-hours"})
    assert answer.status_code == 422
    assert "Wait five minutes" in answer.text
    assert not is_signed_in(client)


@pytest.mark.django_db
def test_sign_in_says_when_to_come_back_after_too_many_posts(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    answers = [client.post(LOGIN, {}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert "Please wait 60 seconds" in answers[-1].text


@pytest.mark.django_db
def test_sign_in_serves_a_class_behind_one_address(client: Client) -> None:
    people = [create_person(email=f"s{n}@example.com", password=PASSWORD, name=f"S {n}") for n in range(40)]
    answers = [
        Client().post(LOGIN, {"login": person.email, "password": PASSWORD, "next": NEXT}) for person in people
    ]
    assert {answer.status_code for answer in answers} == {302}


def test_sign_in_by_code_needs_no_password(client: Client, student: User) -> None:
    answer = client.post("/accounts/login/code/", {"email": "Arjun@example.com", "next": NEXT})
    assert answer["Location"].startswith("/accounts/login/code/confirm/?next=")
    [message] = mail.outbox
    code = re.search(r"^[A-Z]{4}-[A-Z]{4}$", message.body, re.M)
    assert code
    assert message.subject == "Your code for Office Hours"
    wrong = client.post(answer["Location"], {"code": "AAAA-AAAA", "next": NEXT})
    assert wrong.status_code == 422
    right = client.post(answer["Location"], {"code": code[0].lower().replace("-", " "), "next": NEXT})
    assert right["Location"] == NEXT
    assert is_signed_in(client)


def test_sign_in_by_code_does_not_tell_who_has_an_account(client: Client, student: User) -> None:
    known = client.post("/accounts/login/code/", {"email": "arjun@example.com"}, follow=True)
    unknown = Client().post("/accounts/login/code/", {"email": "nobody@example.com"}, follow=True)
    assert known.text.replace("arjun@", "nobody@").partition("<main")[2].count(
        "<p"
    ) == unknown.text.partition("<main")[2].count("<p")
    assert mail.outbox[1].subject == "No account at Office Hours with this address"


# Signing up


@pytest.mark.django_db
def test_sign_up_makes_a_person_and_leads_back(client: Client) -> None:
    answer = client.post(SIGNUP, {**NEWCOMER, "next": NEXT})
    assert (answer.status_code, answer["Location"]) == (302, NEXT)
    user = User.objects.get()
    assert (user.email, user.name, user.time_zone) == ("nora@example.com", "Nora New", "Asia/Kolkata")
    assert user.check_password(PASSWORD)
    assert is_signed_in(client)


@pytest.mark.django_db
def test_sign_up_and_sign_in_hand_the_way_back_to_each_other(client: Client) -> None:
    for here, there in ((LOGIN, SIGNUP), (SIGNUP, LOGIN)):
        page = client.get(here, {"next": NEXT})
        [link] = re.findall(rf'href="({there}\?next=[^"]+)"', page.text)
        assert client.get(link).context["redirect_field_value"] == NEXT


@pytest.mark.django_db
def test_sign_up_offers_the_devices_zone(client: Client) -> None:
    client.cookies["tz_detected"] = "Asia/Calcutta"
    assert '<option value="Asia/Kolkata" selected>' in client.get(SIGNUP).text


@pytest.mark.django_db
def test_sign_up_works_without_a_zone(client: Client) -> None:
    client.post(SIGNUP, {**NEWCOMER, "time_zone": ""})
    assert User.objects.get().zone is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("email", "nora"),
        ("email", "x" * 250 + "@example.com"),
        ("password1", "short"),
        ("password1", "12345678901"),
        ("password2", "something-else"),
        ("time_zone", "Mars/Olympus"),
    ],
)
def test_sign_up_refuses_what_is_wrong_and_keeps_what_was_typed(client: Client, field: str, bad: str) -> None:
    answer = client.post(SIGNUP, {**NEWCOMER, field: bad, "next": NEXT})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert answer.context["form"]["name"].value() == {**NEWCOMER, field: bad}["name"]
    assert answer.context["redirect_field_value"] == NEXT
    assert not User.objects.exists()


def test_sign_up_with_a_taken_address_says_so_where_addresses_are_not_confirmed(
    client: Client, student: User
) -> None:
    answer = client.post(SIGNUP, {**NEWCOMER, "email": "ARJUN@example.com"})
    assert answer.status_code == 422
    assert "email" in answer.context["form"].errors
    assert User.objects.count() == 1


@pytest.mark.usefixtures("production")
def test_sign_up_with_a_taken_address_looks_like_any_other(client: Client, student: User) -> None:
    fresh = client.post(SIGNUP, NEWCOMER)
    taken = Client().post(SIGNUP, {**NEWCOMER, "email": "ARJUN@example.com"})
    assert (fresh.status_code, fresh["Location"]) == (taken.status_code, taken["Location"])
    assert [message.subject for message in mail.outbox] == [
        "Welcome to Office Hours: confirm your e-mail address",
        "You have an account at Office Hours already",
    ]
    assert User.objects.filter(email__iexact="arjun@example.com").count() == 1


@pytest.mark.usefixtures("production")
def test_sign_up_costs_as_much_with_a_taken_address_as_with_any_other(
    client: Client, student: User, hasher: type[CountingHasher]
) -> None:
    taken = {**NEWCOMER, "email": "arjun@example.com"}
    assert hashes_of(hasher, lambda: client.post(SIGNUP, NEWCOMER)) == 1
    assert hashes_of(hasher, lambda: Client().post(SIGNUP, taken)) == 1


FOREIGN = {
    "HTTP_HOST": "evil.localhost"
}  # let in by ALLOWED_HOSTS in development, as a wildcard would be elsewhere


@pytest.mark.parametrize("verification", ["optional", "mandatory"])
def test_mail_leads_to_the_site_whatever_host_was_asked(
    client: Client, student: User, settings: Settings, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = verification == "mandatory"
    settings.SITE_URL = "https://hours.example"
    client.post(SIGNUP, NEWCOMER, **FOREIGN)
    Client().post(SIGNUP, {**NEWCOMER, "email": "arjun@example.com"}, **FOREIGN)
    for email in ("arjun@example.com", "nobody@example.com"):
        Client().post("/accounts/password/reset/", {"email": email}, **FOREIGN)
        Client().post("/accounts/login/code/", {"email": email}, **FOREIGN)
    assert len(mail.outbox) == (5 if verification == "optional" else 6)
    for message in mail.outbox:
        links = re.findall(r"\S+://[^/\s]+", message.body)
        assert set(links) == {"https://hours.example"}, message.body
    [reset] = [message for message in mail.outbox if message.subject.startswith("Choose a new password")]
    assert re.search(r"^https://hours\.example/accounts/password/reset/key/\w+-[\w-]+/$", reset.body, re.M)


@pytest.mark.parametrize("verification", ["optional", "mandatory"])
def test_mail_to_an_unconfirmed_address_repeats_nothing_that_was_typed(
    client: Client, student: User, settings: Settings, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = verification == "mandatory"
    words = "Buy-now"
    typed = {**NEWCOMER, "name": f"{words} at evil.example", "email": "buy-now@spam.example"}
    client.post(SIGNUP, typed)
    Client().post(SIGNUP, {**typed, "email": "arjun@example.com"})
    Client().post("/accounts/login/code/", {"email": "buy-now-too@spam.example"})
    Client().post("/accounts/password/reset/", {"email": "buy-now-again@spam.example"})
    assert len(mail.outbox) == (3 if verification == "optional" else 4)
    for message in mail.outbox:
        said = f"{message.subject} {message.body}".lower()
        assert "buy-now" not in said
        assert "spam.example" not in said
        assert "evil.example" not in said


@pytest.mark.parametrize("verification", ["optional", "mandatory"])
def test_sign_up_that_loses_a_race_for_the_address_is_no_failure(
    client: Client, student: User, settings: Settings, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = verification == "mandatory"
    checks = iter([True])  # the other one commits after the form's first look
    with patch(
        "allauth.account.internal.flows.manage_email.assess_unique_email",
        side_effect=lambda *args, **kwargs: next(checks, None if verification == "mandatory" else False),
    ):
        answer = client.post(SIGNUP, {**NEWCOMER, "email": "arjun@example.com", "next": NEXT}, follow=True)
    assert answer.status_code == 200
    assert User.objects.count() == 1
    assert not is_signed_in(client)
    if verification == "optional":
        assert "There is an account with this e-mail address already" in answer.text
        assert answer.context["redirect_field_value"] == NEXT
    else:
        assert mail.outbox[0].subject == "You have an account at Office Hours already"


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
def test_sign_up_lets_nobody_in_before_the_address_is_confirmed(client: Client) -> None:
    answer = client.post(SIGNUP, {**NEWCOMER, "next": NEXT})
    assert answer["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(client)
    [message] = mail.outbox
    assert message.to == ["nora@example.com"]
    code = re.search(r"^[A-Z]{4}-[A-Z]{4}$", message.body, re.M)
    assert code
    assert client.post(answer["Location"], {"code": "nonsense"}).status_code == 422
    assert client.post(answer["Location"], {"code": code[0]})["Location"] == NEXT
    assert is_signed_in(client)
    assert EmailAddress.objects.get().verified


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
def test_sign_up_with_a_mistyped_address_can_be_put_right(client: Client) -> None:
    client.post(SIGNUP, NEWCOMER)
    client.post("/accounts/confirm-email/", {"action": "change", "email": "nora.new@example.com"})
    assert mail.outbox[-1].to == ["nora.new@example.com"]


@pytest.mark.django_db
def test_sign_up_survives_a_mail_server_that_is_down(client: Client, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answer = client.post(SIGNUP, {**NEWCOMER, "next": "/settings/"}, follow=True)
    assert answer.status_code == 200
    assert "We could not send a mail just now" in answer.text
    assert is_signed_in(client)


# Signing out


def test_sign_out_takes_a_post(client: Client, student: User) -> None:
    client.force_login(student)
    assert "Sign out?" in client.get(LOGOUT).text
    assert is_signed_in(client)
    assert client.post(LOGOUT)["Location"] == "/"
    assert not is_signed_in(client)


# A forgotten password


def test_reset_leads_from_a_mail_to_a_new_password(client: Client, student: User) -> None:
    assert client.post("/accounts/password/reset/", {"email": "Arjun@Example.com"})["Location"] == (
        "/accounts/password/reset/done/"
    )
    [message] = mail.outbox
    assert message.subject == "Choose a new password for Office Hours"
    [link] = re.findall(r"http://localhost:8000(/\S+)", message.body)
    form = client.get(link, follow=True)
    assert "Choose a new password" in form.text
    target = form.redirect_chain[-1][0]
    assert client.post(target, {"password1": "short", "password2": "short"}).status_code == 422
    client.post(target, {"password1": PASSWORD, "password2": PASSWORD})
    sign_in(client, "arjun@example.com", PASSWORD)
    assert is_signed_in(client)
    assert "This link no longer works" in Client().get(link, follow=True).text
    assert mail.outbox[-1].subject == "Your password at Office Hours is changed"


def test_reset_does_not_tell_who_has_an_account(client: Client, student: User) -> None:
    known = client.post("/accounts/password/reset/", {"email": "arjun@example.com"})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["arjun@example.com"], ["nobody@example.com"]]


# People who were made by staff or the demo


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
def test_person_whom_we_made_signs_in_without_confirming(client: Client) -> None:
    create_person(email="Known@Example.com", password=PASSWORD, name="Known")
    sign_in(client, "known@example.com", PASSWORD)
    assert is_signed_in(client)
    assert mail.outbox == []
