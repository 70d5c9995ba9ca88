from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from mentors.models import Mentor
from mentors.services import keep_figures
from tests import factories
from tests.factories import NOW
from tests.mentors import pictures

pytestmark = pytest.mark.once

URL = "/become-a-mentor/"


@pytest.fixture
def answers(db: None) -> dict[str, Any]:
    return {
        "headline": "Baker, nine years",
        "bio": "Bread, and what it teaches.",
        "other_skills": "Baking,  Sour  dough, ",
        "languages": [factories.LanguageFactory(code=code).pk for code in ("en", "de")],
        "time_zone": "Europe/Berlin",
    }


def test_signed_out_it_explains_and_leads_to_an_account(client: Client, db: None) -> None:
    html = client.get(URL).content.decode()
    assert 'href="/accounts/signup/?next=/become-a-mentor/"' in html
    assert 'href="/accounts/login/?next=/become-a-mentor/"' in html
    response = client.post(URL, {"headline": "Baker"})
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/become-a-mentor/")


def test_apply_is_kept_and_shown_at_the_same_address(
    client: Client, student: User, answers: dict[str, Any]
) -> None:
    client.force_login(student)
    response = client.post(URL, {**answers, "photo": pictures.upload(pictures.plain())}, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "with our staff" in response.content.decode()
    mentor = Mentor.objects.get(user=student)
    assert (mentor.status, mentor.time_zone) == ("applied", "Europe/Berlin")
    assert {skill.name for skill in mentor.skills.all()} == {"Baking", "Sour dough"}
    assert {language.code for language in mentor.languages.all()} == {"en", "de"}
    assert mentor.photo_url


def test_the_zone_in_which_the_reader_lives_is_chosen_beforehand(client: Client, student: User) -> None:
    client.force_login(student)
    assert '<option value="Europe/Berlin" selected>' in client.get(URL).content.decode()


def test_skills_that_mentors_have_can_be_chosen(
    client: Client, student: User, answers: dict[str, Any], mentor: Mentor
) -> None:
    mentor.skills.add(factories.SkillFactory(name="Python", slug="python"))
    factories.SessionTypeFactory(mentor=mentor)
    factories.MentorFactory(status="applied").skills.add(factories.SkillFactory(name="Unseen"))
    keep_figures(NOW)
    client.force_login(student)
    html = client.get(URL).content.decode()
    assert 'value="Python"' in html
    assert "Unseen" not in html
    client.post(URL, {**answers, "skills": ["Python"], "other_skills": "python, Go"})
    assert {skill.name for skill in student.mentor.skills.all()} == {"Python", "Go"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("headline", ""),
        ("headline", "x" * 121),
        ("bio", ""),
        ("other_skills", " , "),
        ("other_skills", "x" * 61),
        ("other_skills", ", ".join(f"Skill {n}" for n in range(13))),
        ("languages", []),
        ("languages", ["999999"]),
        ("languages", ["x"]),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
    ],
)
def test_bad_answers_are_refused_and_everything_typed_is_kept(
    client: Client, student: User, answers: dict[str, Any], field: str, value: Any
) -> None:
    client.force_login(student)
    response = client.post(URL, {**answers, field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    kept = {"headline": "Baker, nine years", "bio": "Bread, and what it teaches."}
    assert all(words in html for name, words in kept.items() if name != field)
    assert not Mentor.objects.exists()


def test_an_empty_form_is_refused(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.post(URL, {}).status_code == 422


@pytest.mark.parametrize(
    "content",
    [b"MZ not a picture", pictures.bomb(), pictures.plain("GIF"), b""],
    ids=["exe", "bomb", "gif", "empty"],
)
def test_a_bad_photo_is_an_error_of_its_field(
    client: Client, student: User, answers: dict[str, Any], content: bytes
) -> None:
    client.force_login(student)
    response = client.post(URL, {**answers, "photo": pictures.upload(content)})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["photo"]
    assert not Mentor.objects.exists()


def test_the_name_and_type_of_an_upload_mean_nothing(
    client: Client, student: User, answers: dict[str, Any]
) -> None:
    client.force_login(student)
    photo = pictures.upload(pictures.plain("PNG"), "../../evil.php", "text/html")
    client.post(URL, {**answers, "photo": photo})
    assert student.mentor.photo.name.startswith("mentors/")
    assert student.mentor.photo.name.endswith(".jpg")
    response = client.get(student.mentor.photo_url)
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    response.close()


def test_one_application_a_person(client: Client, student: User, answers: dict[str, Any]) -> None:
    client.force_login(student)
    client.post(URL, answers)
    client.post(URL, {**answers, "headline": "Another"})
    assert [mentor.headline for mentor in Mentor.objects.all()] == ["Baker, nine years"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("applied", "Your application is with our staff"),
        ("approved", "You are a mentor"),
        ("rejected", "not accepted"),
        ("suspended", "suspended"),
    ],
)
def test_the_page_says_what_became_of_the_application(
    client: Client, mentor: Mentor, status: str, words: str
) -> None:
    Mentor.objects.update(status=status)
    client.force_login(mentor.user)
    assert words in client.get(URL).content.decode()


@pytest.mark.parametrize("became", ["rejected", "suspended"])
def test_who_was_turned_down_or_suspended_reads_why(
    client: Client, mentor: Mentor, staff: User, became: str
) -> None:
    Mentor.objects.update(status=became)
    mentor.status_changes.create(was="applied", became="approved", by=staff, at=NOW)
    mentor.status_changes.create(was="approved", became=became, by=staff, at=NOW, reason="We <3 bakers.")
    client.force_login(mentor.user)
    html = client.get(URL).content.decode()
    assert "We &lt;3 bakers." in html
    assert "Stella" not in html
    assert ("Go to your dashboard" in html) == (became == "suspended")


def test_the_page_calls_nobody_listed_who_is_not(client: Client, mentor: Mentor) -> None:
    client.force_login(mentor.user)
    assert "something is still missing" in client.get(URL).content.decode()
    factories.SessionTypeFactory(mentor=mentor)
    assert "is listed, and students can book" in client.get(URL).content.decode()


def test_answers_cannot_set_what_staff_decide(client: Client, student: User, answers: dict[str, Any]) -> None:
    client.force_login(student)
    forged = {"status": "approved", "rating_mean": "5", "slug": "admin", "user": "1", "is_paused": "on"}
    client.post(URL, {**answers, **forged})
    mentor = student.mentor
    assert (mentor.status, mentor.rating_mean, mentor.slug, mentor.is_paused) == (
        "applied",
        None,
        "arjun-kapoor",
        False,
    )


def test_wrong_method(client: Client, db: None) -> None:
    assert client.delete(URL).status_code == 405
