"""A name stands in mail and on other people's pages: what hides, turns the writing round or links is refused."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from bookings.invitations import one_line
from lib.names import plain_name, validate_name
from mentors.models import Mentor
from tests.factories import SessionTypeFactory

pytestmark = pytest.mark.once

NAMES = [
    "Arjun Kapoor",
    "O'Neil & Söhne",
    "José Ñandú-Žižek",
    "María de los Ángeles",
    "Nguyễn Thị Minh Khai",
    "陳大文",
    "はるか みねぎし",
    "محمد الفاتح",
    "علی‌رضا",  # a joiner that Persian is written with
    "क्‍षमा श्रीधर",  # and one of Hindi's
    "דוד בן־גוריון",
    "Ann (she/her) 👩\u200d💻",
    "Dr. K. R. Narayanan, Ph.D.",
    "a: b // c",
]
BAD = {
    "turned round": "Ann \u202efdp.exe",
    "isolated": "Ann \u2066Admin\u2069",
    "marked left to right": "Ann\u200e",
    "marked right to left": "\u200fAnn",
    "a new line": "Ann\nBcc: all@example.com",
    "a carriage return": "Ann\rBcc: all@example.com",
    "a tab": "Ann\tSmith",
    "a bell": "Ann\x07",
    "an escape": "Ann\x1b[31m",
    "a line separator": "Ann\u2028Smith",
    "nothing seen": "\u200b",
    "a space of no width": "Sup\u200bport",
    "a joiner that hides": "Sup\u200dport",
    "a joiner at the end": "علی\u200c",
    "two joiners": "علی\u200c\u200cرضا",
    "a soft hyphen": "Sup\u00adport",
    "a byte order mark": "\ufeffAnn",
    "a filler": "\u3164",
    "a tag": "Ann\U000e0041",
    "of private use": "Ann \ue000",
    "a web address": "See https://evil.example",
    "any address": "x://y",
}


@pytest.mark.parametrize("name", NAMES)
def test_name_of_any_script_is_taken_as_it_is(name: str) -> None:
    validate_name(name)
    assert plain_name(name) == name
    assert one_line(name) == name


@pytest.mark.parametrize("name", BAD.values(), ids=BAD.keys())
def test_name_that_misleads_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_name(name)
    assert refusal.value.messages[0].endswith(("Type it anew.", "around “://”."))


def test_name_is_plain_without_what_misleads() -> None:
    assert plain_name("Ann \u202efdp\u200b.exe\n") == "Ann fdp.exe"
    assert one_line("Ann\r\nBcc: \u2066all\u2069") == "Ann Bcc: all"


MISLEADING = ["Ann \u202efdp.exe", "Sup\u200bport", "http://evil.example"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", MISLEADING)
def test_sign_up_refuses_a_name_that_misleads(client: Client, name: str) -> None:
    typed = {
        "name": name,
        "email": "n@example.com",
        "password1": "correct-horse",
        "password2": "correct-horse",
    }
    answer = client.post("/accounts/signup/", typed)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["name"])
    assert answer.context["form"]["name"].value() == name
    assert not User.objects.exists()


@pytest.mark.parametrize("name", MISLEADING)
def test_settings_refuse_a_name_that_misleads(client: Client, student: User, name: str) -> None:
    client.force_login(student)
    answer = client.post("/settings/", {"name": name})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["name"])
    student.refresh_from_db()
    assert student.name == "Arjun Kapoor"


@pytest.mark.parametrize("name", MISLEADING)
def test_staff_are_refused_a_name_that_misleads(
    client: Client, staff: User, student: User, name: str
) -> None:
    client.force_login(staff)
    answer = client.post(f"/admin/accounts/user/{student.pk}/change/", {"email": student.email, "name": name})
    assert "name" in answer.context["adminform"].errors


@pytest.mark.parametrize("words", MISLEADING)
def test_mentor_is_refused_words_that_mislead_where_they_stand_as_a_name(
    client: Client, mentor: Mentor, words: str
) -> None:
    client.force_login(mentor.user)
    session_type = SessionTypeFactory(mentor=mentor)
    profile = client.post("/dashboard/profile/", {"headline": words})
    assert "headline" in profile.context["form"].errors
    edited = client.post(f"/dashboard/session-types/{session_type.slug}/", {"name": words})
    assert "name" in edited.context["form"].errors
