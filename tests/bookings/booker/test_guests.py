"""Booking while signed out: an address, the code that was mailed there, and then the session; nothing before."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import create_person
from bookings.models import Booking, Status
from lib import encryption
from mentors.models import Mentor, SessionType
from tests.accounts.counting_hasher import CountingHasher
from tests.bookings.booker.test_wizard import START, confirm_url, counts, shown
from tests.factories import BookingFactory

NIA = {"name": "Nia Kolade", "email": "Nia@Example.com", "topic": "My churn test", "notes": "A notebook"}
CODE_PAGE = "/mentors/meera-rao/book/code/"
PASSWORD = "correct-horse-battery"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def production(settings: Settings) -> None:
    """Addresses are proven by codes, as when DEBUG is off. Allauth's pages, which hang on that, are those of DEBUG."""
    reverse("landing")
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


def press(client: Client, session_type: SessionType, **typed: str) -> HttpResponse:
    data = {"shown": shown(session_type)} | NIA | typed
    return client.post(confirm_url(session_type), data)  # type: ignore[return-value]


def code_in_mail(number: int = -1) -> str:
    found = re.search(r"^[A-Z]{4}-[A-Z]{4}$", str(mail.outbox[number].body), re.M)
    assert found
    return found[0]


def enter(client: Client, code: str, **more: str) -> HttpResponse:
    purpose = client.get(CODE_PAGE).context["entry"].purpose
    return client.post(CODE_PAGE, {"code": code, "purpose": purpose} | more)  # type: ignore[return-value]


def who_is_signed_in(client: Client) -> str:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).email if pk else ""


def known(**facts: Any) -> User:
    long_ago = timezone.now() - timedelta(days=100)
    facts = {"name": "Known Nia", "password": PASSWORD, "date_joined": long_ago} | facts
    return create_person(email="nia@example.com", **facts)


def outcome(client: Client, answer: HttpResponse) -> Booking:
    booking = Booking.objects.get()
    page = "payment" if booking.status == Status.AWAITING_PAYMENT else "confirmation"
    assert answer["Location"] == f"/sessions/{booking.reference}/{page}/"
    assert client.get(answer["Location"]).status_code == 200
    return booking


# A new address


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("which", ["free", "paid"])
def test_a_new_address_gets_a_code_and_with_it_an_account_and_the_session(
    client: Client, which: str, request: pytest.FixtureRequest
) -> None:
    client.cookies["tz_detected"] = "Africa/Lagos"
    session_type = request.getfixturevalue(which)
    page = client.get(confirm_url(session_type)).content.decode()
    assert "Nothing is held yet" in page
    assert press(client, session_type)["Location"] == CODE_PAGE
    page = client.get(CODE_PAGE).content.decode()
    assert "We sent a code to <strong>nia@example.com</strong>" in page
    assert "Nothing is held yet" in page
    assert counts() == (0, 0, 0)
    assert not User.objects.filter(email="nia@example.com").exists()

    answer = enter(client, code_in_mail().lower().replace("-", " "))
    booking = outcome(client, answer)
    nia = booking.student
    assert (nia.email, nia.name, nia.time_zone) == ("nia@example.com", "Nia Kolade", "Africa/Lagos")
    assert not nia.has_usable_password()
    assert EmailAddress.objects.get(user=nia).verified
    assert (booking.topic, booking.notes) == ("My churn test", "A notebook")
    assert who_is_signed_in(client) == "nia@example.com"
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("production")
def test_a_password_is_set_on_the_account_that_is_made(client: Client, free: SessionType) -> None:
    press(client, free, password=PASSWORD)
    assert PASSWORD not in str(dict(client.session))
    outcome(client, enter(client, code_in_mail()))
    assert User.objects.get(email="nia@example.com").check_password(PASSWORD)


def test_without_codes_the_account_is_made_at_once(client: Client, paid: SessionType) -> None:
    booking = outcome(client, press(client, paid, password=PASSWORD))
    assert booking.student.check_password(PASSWORD)
    assert not EmailAddress.objects.get(user=booking.student).verified
    again = Client()
    answer = press(again, paid)
    assert answer.status_code == 422
    assert "There is an account with this address already" in answer.content.decode()
    assert who_is_signed_in(again) == ""


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "Write your name"),
        ({"name": "See https://evil.example"}, "web address"),
        ({"email": ""}, "Write your e-mail address"),
        ({"email": "nia@example"}, "Write the whole address"),
        ({"email": "n" * 250 + "@example.com"}, "at most 254 characters"),
        ({"password": "short"}, "at least 8 characters"),
        ({"password": "nia@example.com"}, "less like your"),
        ({"topic": "x" * 201}, "up to 200 characters"),
    ],
)
@pytest.mark.usefixtures("production")
def test_bad_input_is_said_beside_its_field_and_the_rest_kept(
    client: Client, free: SessionType, typed: dict[str, str], words: str
) -> None:
    answer = press(client, free, **typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "A notebook" in page
    assert (len(mail.outbox), counts()) == (0, (0, 0, 0))


# A known address


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("typed_password", ["", "another-password"])
def test_a_known_address_is_signed_in_and_nothing_of_it_changes(
    client: Client, free: SessionType, typed_password: str
) -> None:
    nia = known(time_zone="Europe/Lisbon")
    press(client, free, password=typed_password)
    booking = outcome(client, enter(client, code_in_mail()))
    assert booking.student == nia
    nia.refresh_from_db()
    assert (nia.name, nia.time_zone, nia.check_password(PASSWORD)) == ("Known Nia", "Europe/Lisbon", True)


@pytest.mark.usefixtures("production")
def test_page_mail_and_work_are_the_same_for_known_new_and_closed_addresses(
    free: SessionType, settings: Settings, django_assert_num_queries: Callable[..., Any]
) -> None:
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    known()
    create_person(email="off@example.com", password=None, name="Off", is_active=False)
    seen, hashes = set(), set()
    for email in ("nia@example.com", "new@example.com", "off@example.com"):
        client, before = Client(), CountingHasher.asked
        answer = press(client, free, email=email, password="a-new-password")
        hashes.add(CountingHasher.asked - before)
        page = client.get(answer["Location"])
        words = re.sub(r'name="(csrfmiddlewaretoken|purpose)" value="[^"]+"', "", page.content.decode())
        seen.add((answer["Location"], page.status_code, words.replace(email, "")))
    assert len(seen) == len(hashes) == 1
    bodies = [re.sub(r"[A-Z]{4}-[A-Z]{4}|token=\S+", "", str(each.body)) for each in mail.outbox]
    assert mail.outbox[0].subject == mail.outbox[1].subject
    assert bodies[0] == bodies[1]
    assert "switched off" in mail.outbox[2].body
    assert "nothing was booked" in mail.outbox[2].body
    assert not re.search(r"^[A-Z]{4}-[A-Z]{4}$", mail.outbox[2].body, re.M)


@pytest.mark.usefixtures("production")
def test_the_mail_repeats_nothing_that_was_typed(
    client: Client, free: SessionType, settings: Settings
) -> None:
    settings.SITE_URL = "https://hours.example"
    press(client, free, name="Buy now", topic="Cheap pills", notes="evil.example")
    [message] = mail.outbox
    for word in ("Buy now", "Cheap pills", "evil.example"):
        assert word not in f"{message.subject} {message.body}"
    assert f"https://hours.example{CODE_PAGE}?token=" in message.body


@pytest.mark.usefixtures("production")
def test_an_address_that_somebody_else_signed_up_with_and_never_proved_is_made_anew(
    client: Client, free: SessionType
) -> None:
    thief = User.objects.create_user("nia@example.com", "the-thiefs-password", name="Thief")
    EmailAddress.objects.create(user=thief, email="nia@example.com", primary=True, verified=False)
    press(client, free)
    nia = outcome(client, enter(client, code_in_mail())).student
    assert (nia.name, nia.has_usable_password()) == ("Nia Kolade", False)


@pytest.mark.usefixtures("production")
def test_an_address_that_somebody_only_asks_to_change_to_is_not_theirs(
    client: Client, free: SessionType, stranger: User
) -> None:
    EmailAddress.objects.create(user=stranger, email="nia@example.com", verified=False)
    press(client, free)
    assert outcome(client, enter(client, code_in_mail())).student != stranger


@pytest.mark.usefixtures("production")
def test_who_is_switched_off_meanwhile_gets_nothing(client: Client, free: SessionType) -> None:
    known()
    press(client, free)
    User.objects.filter(email="nia@example.com").update(is_active=False)
    assert enter(client, code_in_mail())["Location"] == "/accounts/inactive/"
    assert (who_is_signed_in(client), counts()) == ("", (0, 0, 0))


@pytest.mark.usefixtures("production")
def test_a_mentor_does_not_book_themselves_by_their_address(client: Client, free: SessionType) -> None:
    press(client, free, email=free.mentor.user.email)
    answer = client.get(enter(client, code_in_mail())["Location"])
    assert answer.status_code == 422
    assert "your own page" in answer.content.decode()
    assert counts() == (0, 0, 0)


def second_step(client: Client, answer: HttpResponse) -> HttpResponse:
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(SECRET, counter))
    return client.post(answer["Location"], {"code": code})  # type: ignore[return-value]


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("by", ["code", "password"])
def test_two_step_people_meet_their_second_step_before_anything_is_booked(
    client: Client, free: SessionType, by: str
) -> None:
    secret = encryption.encrypt(SECRET)
    Authenticator.objects.create(user=known(), type=Authenticator.Type.TOTP, data={"secret": secret})
    if by == "code":
        press(client, free)
        answer = enter(client, code_in_mail())
    else:
        answer = press(client, free, login="nia@example.com", password=PASSWORD)
    assert (counts(), who_is_signed_in(client)) == ((0, 0, 0), "")
    assert outcome(client, second_step(client, answer)).topic == "My churn test"


# With a password


def test_i_have_an_account_reloads_the_step_and_keeps_what_was_typed(
    client: Client, free: SessionType
) -> None:
    answer = press(client, free, account="yes")
    page = client.get(answer["Location"]).content.decode()
    for words in ("My churn test", "A notebook", "Nia@Example.com", 'name="login"', "I’m new here"):
        assert words in page
    back = client.post(answer["Location"], {"login": "nia@example.com", "topic": "Another", "account": "no"})
    page = client.get(back["Location"]).content.decode()
    for words in ("Another", "nia@example.com", 'name="email"', "I have an account"):
        assert words in page
    assert counts() == (0, 0, 0)


def test_back_to_another_time_keeps_what_was_typed(client: Client, free: SessionType, student: User) -> None:
    for _ in range(2):  # signed out, then signed in
        answer = press(client, free, back="time", topic="x" * 201)
        assert "date=2026-12-10" in answer["Location"]
        assert "start" not in answer["Location"]
        page = client.get(confirm_url(free, START + timedelta(hours=1))).content.decode()
        assert "x" * 201 in page
        assert "A notebook" in page
        client.force_login(student)
    assert counts() == (0, 0, 0)


@pytest.mark.usefixtures("production")
def test_address_and_password_book_in_one_press(client: Client, free: SessionType) -> None:
    known()
    wrong = press(client, free, login="nia@example.com", password="wrong")
    assert wrong.status_code == 422
    assert "do not belong together" in wrong.content.decode()
    assert "A notebook" in wrong.content.decode()
    booking = outcome(client, press(client, free, login="nia@example.com", password=PASSWORD))
    assert (booking.student.name, booking.notes) == ("Known Nia", "A notebook")
    assert mail.outbox == []


# Codes


@pytest.mark.usefixtures("production")
def test_wrong_codes_are_counted_and_a_new_one_makes_good(client: Client, free: SessionType) -> None:
    press(client, free)
    code = code_in_mail()
    assert enter(client, "").status_code == 422  # nothing typed is no try
    for _ in range(5):
        answer = enter(client, "BBBB-BBBB")
        assert answer.status_code == 422
    assert "one wrong code too many" in answer.content.decode()
    assert enter(client, code).status_code == 422
    assert counts() == (0, 0, 0)
    assert enter(client, "", action="resend")["Location"] == CODE_PAGE
    assert enter(client, code).status_code == 422
    outcome(client, enter(client, code_in_mail()))


@pytest.mark.usefixtures("production")
def test_a_code_lasts_fifteen_minutes(client: Client, free: SessionType) -> None:
    press(client, free)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        answer = enter(client, code_in_mail())
        assert answer.status_code == 422
        assert "This code has expired" in answer.content.decode()
    assert counts() == (0, 0, 0)


@pytest.mark.usefixtures("production")
def test_an_address_gets_three_codes_a_minute(client: Client, free: SessionType) -> None:
    press(client, free)
    for _ in range(2):
        enter(client, "", action="resend")
    answer = enter(client, "", action="resend")
    assert answer.status_code == 429
    assert "several codes" in answer.content.decode()
    from_elsewhere = press(Client(REMOTE_ADDR="203.0.113.9"), free)
    assert from_elsewhere.status_code == 429
    assert "A notebook" in from_elsewhere.content.decode()
    assert len(mail.outbox) == 3
    outcome(client, enter(client, code_in_mail()))


@pytest.mark.usefixtures("production")
def test_a_code_works_once_and_only_in_the_browser_that_asked_for_it(
    client: Client, free: SessionType
) -> None:
    press(client, free)
    code, link = code_in_mail(), re.search(rf"{CODE_PAGE}\?token=\S+", mail.outbox[0].body)
    assert link
    other = Client()
    for answer in (other.get(link[0]), other.get(CODE_PAGE), other.post(CODE_PAGE, {"code": code})):
        assert answer.status_code == 410
        assert code not in answer.content.decode()
    press(other, free, email="thief@example.com")
    assert other.get(link[0]).context["form"].initial == {"code": ""}
    assert enter(other, code).status_code == 422
    assert (counts(), who_is_signed_in(other)) == ((0, 0, 0), "")

    page = client.get(link[0])  # looking at it, as a mail's scanner does, books nothing
    assert f'value="{code}"' in page.content.decode()
    assert counts() == (0, 0, 0)
    outcome(client, enter(client, code))
    assert client.get(link[0]).status_code == 410
    assert client.post(CODE_PAGE, {"code": code}).status_code == 410
    assert Booking.objects.count() == 1


@pytest.mark.usefixtures("production")
def test_the_code_books_what_its_page_shows(client: Client, free: SessionType, paid: SessionType) -> None:
    press(client, free)
    first = client.get(CODE_PAGE).context["entry"].purpose
    press(client, paid)
    answer = client.post(CODE_PAGE, {"code": code_in_mail(), "purpose": first})
    assert answer.status_code == 409
    assert "Career Guidance" in answer.content.decode()
    assert counts() == (0, 0, 0)
    assert outcome(client, enter(client, code_in_mail())).session_type == paid


@pytest.mark.usefixtures("production")
def test_who_signs_in_meanwhile_presses_once_more_and_books_as_themselves(
    client: Client, free: SessionType, student: User
) -> None:
    press(client, free)
    code = code_in_mail()
    purpose = client.get(CODE_PAGE).context["entry"].purpose
    client.force_login(student)
    answer = client.post(CODE_PAGE, {"code": code, "purpose": purpose}, follow=True)
    assert "Nothing is booked yet" in answer.content.decode()
    assert answer.context["changes"] == []
    assert "My churn test" in answer.content.decode()
    assert counts() == (0, 0, 0)
    assert client.get(CODE_PAGE).status_code == 410


@pytest.mark.usefixtures("production")
def test_another_sign_in_books_nothing_of_what_was_pressed(client: Client, free: SessionType) -> None:
    known()
    press(client, free)
    client.post("/accounts/login/", {"login": "nia@example.com", "password": PASSWORD})
    assert (who_is_signed_in(client), counts()) == ("nia@example.com", (0, 0, 0))


def test_other_methods_and_unknown_mentors_are_refused(client: Client, free: SessionType) -> None:
    assert client.put(CODE_PAGE).status_code == 405
    assert client.get("/mentors/nobody/book/code/").status_code == 404


# Meanwhile


@pytest.mark.usefixtures("production")
def test_a_time_taken_before_the_code_shows_the_nearest_and_keeps_what_was_typed(
    client: Client, free: SessionType
) -> None:
    press(client, free)
    BookingFactory(session_type=free, starts_at=START)
    answer = client.get(enter(client, code_in_mail())["Location"])
    assert answer.status_code == 409
    assert len(answer.context["nearest"]) == 3
    page = client.get(answer.context["nearest"][0]["url"]).content.decode()
    assert "My churn test" in page
    assert "A notebook" in page
    assert who_is_signed_in(client) == "nia@example.com"
    assert Booking.objects.count() == 1


@pytest.mark.usefixtures("production")
def test_a_time_taken_before_the_press_needs_no_code(client: Client, free: SessionType) -> None:
    BookingFactory(session_type=free, starts_at=START)
    answer = press(client, free)
    assert answer.status_code == 409
    assert len(answer.context["nearest"]) == 3
    assert "A notebook" in client.get(answer.context["nearest"][0]["url"]).content.decode()
    never = client.post(
        confirm_url(free, START.replace(hour=22)), {"shown": shown(free, START.replace(hour=22))} | NIA
    )
    assert never.status_code == 422
    assert mail.outbox == []


@pytest.mark.usefixtures("production")
def test_a_price_changed_before_the_press_or_before_the_code_is_shown_and_not_booked(
    client: Client, paid: SessionType
) -> None:
    old = shown(paid)
    SessionType.objects.update(price_minor=150_000)
    paid.refresh_from_db()
    answer = press(client, paid, shown=old)
    assert answer.status_code == 409
    assert "The price is now ₹1,575" in answer.content.decode()
    assert 'value="Nia Kolade"' in answer.content.decode()
    assert mail.outbox == []

    press(client, paid)
    Mentor.objects.update(cancellation_policy="strict")
    SessionType.objects.update(price_minor=200_000)
    answer = client.get(enter(client, code_in_mail())["Location"])
    assert answer.status_code == 409
    assert "The price is now ₹2,100; it was ₹1,575" in answer.content.decode()
    assert "If you cancel, it is now" in answer.content.decode()
    assert counts() == (0, 0, 0)


@pytest.mark.usefixtures("production")
def test_a_type_switched_off_before_the_code_is_said(client: Client, free: SessionType) -> None:
    press(client, free)
    SessionType.objects.update(is_active=False)
    assert client.get(CODE_PAGE).status_code == 200
    page = client.get(enter(client, code_in_mail())["Location"]).content.decode()
    assert "doesn’t offer this session type" in page
    assert counts() == (0, 0, 0)
