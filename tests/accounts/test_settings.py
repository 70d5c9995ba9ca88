import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.once

URL = "/settings/"
GOOD = {"name": "Arjun K.", "time_zone": "Asia/Calcutta", "phone": "0049 (170) 123-4567"}


def test_settings_show_what_is_saved(client: Client, student: User) -> None:
    client.force_login(student)
    page = client.get(URL)
    assert page.status_code == 200
    assert 'value="Arjun Kapoor"' in page.text
    assert '<option value="Europe/Berlin" selected>' in page.text
    assert "arjun@example.com" in page.text


def test_settings_offer_the_devices_zone_until_one_is_saved(client: Client, student: User) -> None:
    User.objects.update(time_zone="")
    client.force_login(student)
    client.cookies["tz"] = "Asia/Kolkata"
    assert '<option value="Asia/Kolkata" selected>' in client.get(URL).text


def test_settings_are_saved_in_their_plain_form(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.post(URL, GOOD)["Location"] == URL
    student.refresh_from_db()
    assert (student.name, student.time_zone, student.phone) == ("Arjun K.", "Asia/Kolkata", "+491701234567")


def test_settings_save_only_what_they_show(client: Client, student: User) -> None:
    client.force_login(student)
    forged = {"is_staff": "on", "is_superuser": "on", "is_mentor": "on", "email": "x@example.com"}
    client.post(URL, {**GOOD, **forged})
    student.refresh_from_db()
    assert (student.is_staff, student.is_superuser, student.is_mentor) == (False, False, False)
    assert student.email == "arjun@example.com"


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("time_zone", "Mars/Olympus"),
        ("phone", "12"),
        ("phone", "98765 43210"),
        ("phone", "+0123456789"),
        ("phone", "+٤٩١٧٠١٢٣٤٥٦٧"),
        ("phone", "+49 170 CALL ME"),
    ],
)
def test_settings_refuse_what_is_wrong_and_keep_what_was_typed(
    client: Client, student: User, field: str, bad: str
) -> None:
    client.force_login(student)
    answer = client.post(URL, {**GOOD, field: bad})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert answer.context["form"]["phone"].value() == {**GOOD, field: bad}["phone"]
    assert answer.context["user"].name == "Arjun Kapoor"
    student.refresh_from_db()
    assert student.phone == ""


def test_settings_say_whether_signing_in_takes_two_steps(client: Client, student: User) -> None:
    client.force_login(student)
    assert "Off" in client.get(URL).text
    Authenticator.objects.create(user=student, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert "On: a code from your app as well" in client.get(URL).text


@pytest.mark.django_db
def test_settings_ask_a_stranger_to_sign_in(client: Client) -> None:
    assert client.get(URL)["Location"] == "/accounts/login/?next=/settings/"
    assert client.post(URL, GOOD)["Location"] == "/accounts/login/?next=/settings/"


def test_settings_refuse_other_methods(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.put(URL).status_code == 405
