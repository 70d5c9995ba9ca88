import pytest
from django.test import Client

from accounts.models import User
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
    response = office.post(URL, {"action": action, "_selected_action": [mentor.pk]}, follow=True)
    mentor.refresh_from_db()
    assert mentor.status == after
    assert mentor.name in response.content.decode()


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
