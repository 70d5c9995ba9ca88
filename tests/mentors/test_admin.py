import pytest
from django.test import Client

from accounts.models import User
from mentors import services
from mentors.models import Mentor, SessionType
from tests import factories

URL = "/admin/mentors/mentor/"


@pytest.fixture
def office(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("approve", "applied", "approved"),
        ("reject", "applied", "rejected"),
        ("suspend", "approved", "suspended"),
        ("approve", "suspended", "approved"),
        ("reject", "approved", "approved"),
    ],
)
def test_staff_decide_by_actions(office: Client, action: str, before: str, after: str) -> None:
    mentor = factories.MentorFactory(status=before)
    data = {"action": action, "_selected_action": [mentor.pk], "reason": "Three complaints."}
    response = office.post(URL, data, follow=True)
    mentor.refresh_from_db()
    assert mentor.status == after
    assert mentor.name in response.content.decode()


@pytest.mark.parametrize(("action", "before"), [("reject", "applied"), ("suspend", "approved")])
def test_staff_are_asked_why_and_it_is_kept(office: Client, staff: User, action: str, before: str) -> None:
    one, two = factories.MentorFactory.create_batch(2, status=before)
    data = {"action": action, "_selected_action": [one.pk, two.pk]}
    page = office.post(URL, data)
    assert (page.status_code, [one.name in page.text, two.name in page.text]) == (200, [True, True])
    assert office.post(URL, {**data, "reason": " "}).status_code == 422
    assert not one.status_changes.exists()
    assert office.post(URL, {**data, "reason": "Three complaints."}).status_code == 302
    for mentor in (one, two):
        [change] = mentor.status_changes.all()
        assert (change.by, change.reason, change.was) == (staff, "Three complaints.", before)
        assert "Three complaints." in office.get(f"{URL}{mentor.pk}/change/").text


def test_a_mentors_page_has_the_decisions_that_can_be_taken_as_buttons(office: Client) -> None:
    mentor = factories.MentorFactory(status="applied")
    html = office.get(f"{URL}{mentor.pk}/change/").text
    assert ['value="approve"' in html, 'value="reject"' in html, 'value="suspend"' in html] == [
        True,
        True,
        False,
    ]
    data = {"action": "reject", "_selected_action": [mentor.pk], "_back": "1"}
    assert 'name="_back"' in office.post(URL, data).text
    done = office.post(URL, {**data, "reason": "Too few words."})
    assert done["Location"] == f"{URL}{mentor.pk}/change/"


def test_what_was_decided_is_not_rewritten(office: Client, staff: User) -> None:
    mentor = factories.MentorFactory()
    services.suspend(mentor, by=staff, now=factories.NOW, reason="Three complaints.")
    html = office.get(f"{URL}{mentor.pk}/change/").text
    assert "status_changes-0-reason" not in html
    assert "status_changes-0-DELETE" not in html


def test_who_approved_is_written_down(office: Client, staff: User) -> None:
    mentor = factories.MentorFactory(status="applied", approved_at=None)
    office.post(URL, {"action": "approve", "_selected_action": [mentor.pk]})
    mentor.refresh_from_db()
    assert mentor.approved_by == staff


def test_pages_open(office: Client, mentor: Mentor) -> None:
    factories.SessionTypeFactory(mentor=mentor)
    pages = (URL, f"{URL}?status__exact=applied", f"{URL}?q=meera", f"{URL}{mentor.pk}/change/")
    for page in (*pages, "/admin/mentors/skill/", "/admin/mentors/language/add/"):
        assert office.get(page).status_code == 200


def test_mentors_are_neither_made_nor_deleted_here(office: Client, mentor: Mentor) -> None:
    assert office.get(f"{URL}add/").status_code == 403
    assert office.post(f"{URL}{mentor.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_kept_figures_and_the_status_are_read_only(office: Client, mentor: Mentor) -> None:
    html = office.get(f"{URL}{mentor.pk}/change/").content.decode()
    for name in ("status", "rating_mean", "review_count", "session_count", "slug", "photo"):
        assert f'name="{name}"' not in html


def test_strangers_decide_nothing(client: Client, stranger: User) -> None:
    mentor = factories.MentorFactory(status="applied")
    client.force_login(stranger)
    assert client.post(URL, {"action": "approve", "_selected_action": [mentor.pk]}).status_code == 302
    mentor.refresh_from_db()
    assert mentor.status == "applied"


def test_a_session_type_can_be_switched_off_by_staff(office: Client, mentor: Mentor) -> None:
    session_type = factories.SessionTypeFactory(mentor=mentor)
    page = office.get(f"{URL}{mentor.pk}/change/")
    data: dict[str, object] = {}
    for form in (
        page.context["adminform"].form,
        *[f for s in page.context["inline_admin_formsets"] for f in s.formset],
    ):
        data |= {
            form.add_prefix(name): form.get_initial_for_field(field, name)
            for name, field in form.fields.items()
        }
    for each in page.context["inline_admin_formsets"]:
        management = each.formset.management_form
        data |= {management.add_prefix(name): management.initial[name] for name in management.fields}
    data = {name: value for name, value in data.items() if value is not None and value is not False}
    skill, language = factories.SkillFactory(), factories.LanguageFactory()
    data |= {"skills": [skill.pk], "languages": [language.pk]}
    del data["session_types-0-is_active"]
    response = office.post(f"{URL}{mentor.pk}/change/", data)
    assert response.status_code == 302, response.context["errors"]
    assert not SessionType.objects.get(pk=session_type.pk).is_active
