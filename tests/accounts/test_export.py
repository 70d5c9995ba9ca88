"""What a person downloads: all that tells of them, and nothing of others that the site does not show them."""

import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.test import Client

from accounts.export import make_archive
from accounts.models import User
from bookings.models import Booking
from bookings.services import hide_review, record_review
from payments.services import enqueue_refund
from tests.accounts.traces import EMAIL, NAME, PHONE, WORDS
from tests.factories import NOW, BookingFactory

PAGE, URL = "/settings/data/", "/settings/data/download/"

# Every table that refers to a person, and where its rows are in the download; or why they are not.
TABLES = {
    "accounts.user_groups": "what staff may do",
    "accounts.user_user_permissions": "what staff may do",
    "account.emailaddress": "account.email_addresses",
    "admin.logentry": "what staff did",
    "mfa.authenticator": "account.two_step_sign_in",
    "mentors.mentor": "mentor_profile",
    "mentors.mentorstatuschange": "mentor_profile.decisions",
    "bookings.booking": "sessions_as_student, sessions_as_mentor",
    "bookings.bookingevent": "history of each session",
    "bookings.moverequest": "asked_to_move of each session",
    "bookings.review": "review of each session",
    "bookings.timeclaim": "the times of sessions again",
    "payments.payment": "payments; who looked at one is staff's",
    "payments.refund": "refunds of each payment",
    "payments.providercustomer": "saved_cards",
    "payments.payout": "payouts; who recorded one is staff's",
    "notifications.message": "messages",
}


def read(archive: bytes) -> tuple[dict, dict[str, bytes]]:
    with ZipFile(BytesIO(archive)) as files:
        contents = {name: files.read(name) for name in files.namelist()}
    return json.loads(contents.pop("data.json")), contents


def downloaded(user: User) -> dict:
    return read(make_archive(user, site="http://testserver", now=NOW))[0]


def test_every_table_that_refers_to_a_person_is_thought_of() -> None:
    """With a new one: is it in the download, and what becomes of it when the account is closed?"""
    found = {
        model._meta.label_lower
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.concrete and field.related_model is User
    }
    assert found == TABLES.keys()


def test_all_that_somebody_left_is_in_their_download(rich: User) -> None:
    data, files = read(make_archive(rich, site="http://testserver", now=NOW))
    account = data["account"]
    assert (account["name"], account["email"], account["phone"]) == (NAME, EMAIL, PHONE)
    assert account["email_addresses"] == [{"email": EMAIL, "verified": True, "primary": True}]
    assert [each["type"] for each in account["two_step_sign_in"]] == ["totp"]
    profile = data["mentor_profile"]
    assert profile["headline"] == f"{WORDS} tamer"
    assert [each["became"] for each in profile["decisions"]] == ["applied", "approved"]
    assert profile["dates"][0]["note"] == f"{WORDS} show"
    assert profile["weekly_hours"][0]["weekday"] == "Monday"
    assert profile["session_types"][0]["price"] == "₹1,000.00"
    past, cancelled = data["sessions_as_student"]
    assert (past["topic"], past["notes"], past["review"]["words"]) == (
        f"My {WORDS}",
        PHONE,
        "Clear and kind.",
    )
    assert (cancelled["status"], cancelled["history"][-1]["note"]) == ("Cancelled", f"My {WORDS} is ill.")
    [given] = data["sessions_as_mentor"]
    assert given["student"] == "Arjun Kapoor"
    [payment] = data["payments"]
    assert payment["amount"] == {"minor": 105_000, "currency": "INR", "words": "₹1,050.00"}
    assert payment["receipt"].startswith("RECEIPT-")
    [card] = data["saved_cards"]
    assert card == {"brand": WORDS, "last_four": "4242", "expires_month": 1, "expires_year": 2030}
    [earning] = data["earnings"]
    assert (earning["share"]["words"], earning["state"]) == ("₹1,000.00", "available")
    assert data["payouts"] == []
    assert [(each["about"], each["address"]) for each in data["messages"]] == [
        ("News of a second payment", EMAIL)
    ]
    assert files.keys() == {"photo.jpg"}
    assert files["photo.jpg"].startswith(b"\xff\xd8")


def test_refunds_are_in_the_download(rich: User, staff: User) -> None:
    payment = Booking.objects.get(student=rich, status="completed").payments.get()
    enqueue_refund(
        payment.pk, amount_minor=5_000, reason="staff", key="one", actor=staff, now=NOW, note="Sorry."
    )
    [refund] = downloaded(rich)["payments"][0]["refunds"]
    assert (refund["amount"]["words"], refund["status"]) == ("₹50.00", "Requested")


def test_nothing_secret_and_nobody_elses_address_is_in_it(rich: User, student: User, staff: User) -> None:
    text = json.dumps(downloaded(rich))
    others = User.objects.exclude(pk=rich.pk).values_list("email", flat=True)
    assert student.email in others
    assert [email for email in others if email in text] == []
    assert staff.name not in text
    assert rich.password not in text
    for kept in ("secret", "pm_1", "cus_1", "room", "meet.jit.si"):
        assert kept not in text
    assert [room for room in Booking.objects.values_list("room", flat=True) if room in text] == []


def test_other_peoples_sessions_are_not_in_it(rich: User, student: User) -> None:
    theirs = BookingFactory(student=student, topic="A secret plan")
    text = json.dumps(downloaded(rich))
    assert theirs.reference not in text
    assert "A secret plan" not in text


def test_a_review_that_staff_hid_is_its_writers_and_not_its_mentors(
    rich: User, student: User, staff: User
) -> None:
    given = Booking.objects.get(mentor__user=rich)
    review = record_review(given, rating=1, words="What a bore.", now=NOW)
    assert "What a bore." in json.dumps(downloaded(rich))
    hide_review(review.pk, by=staff, reason="Rude.", now=NOW)
    assert "What a bore." not in json.dumps(downloaded(rich))
    [written] = [each["review"] for each in downloaded(student)["sessions_as_student"]]
    assert (written["words"], written["is_hidden"]) == ("What a bore.", True)
    assert "Rude." not in json.dumps(downloaded(student))


def test_somebody_who_did_nothing_yet_gets_a_file_too(student: User) -> None:
    data, files = read(make_archive(student, site="http://testserver", now=NOW))
    assert (data["sessions_as_student"], data["payments"], files) == ([], [], {})
    assert "mentor_profile" not in data


# The page


def test_the_button_downloads_the_file(client: Client, student: User) -> None:
    client.force_login(student)
    assert f'action="{URL}"' in client.get(PAGE).text
    answer = client.post(URL)
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="my-data-2026-12-02.zip"'
    assert "no-store" in answer["Cache-Control"]
    assert read(answer.content)[0]["account"]["name"] == "Arjun Kapoor"


@pytest.mark.django_db
def test_whoever_is_signed_out_downloads_nothing(client: Client) -> None:
    assert client.post(URL)["Location"] == f"/accounts/login/?next={URL}"


def test_other_methods_are_refused(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.get(URL).status_code == 405


def test_downloads_have_a_limit(client: Client, student: User) -> None:
    client.force_login(student)
    assert [client.post(URL).status_code for _ in range(6)] == [200] * 5 + [429]


@pytest.mark.parametrize("sessions", [1, 30])
def test_the_download_costs_the_same_for_one_session_and_for_thirty(
    student: User, sessions: int, django_assert_num_queries
) -> None:
    for _ in range(sessions):
        BookingFactory(student=student, status="cancelled")
    with django_assert_num_queries(10):
        downloaded(student)
