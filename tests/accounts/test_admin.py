import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.services import create_person, vouch_for_email

URL = "/admin/accounts/user/"


def change(user: User, **fields: str) -> dict[str, str]:
    return {
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "phone": "",
        "is_active": "on",
        **fields,
    }


def test_admin_finds_people_by_address_and_name(
    client: Client, staff: User, student: User, stranger: User
) -> None:
    client.force_login(staff)
    for words in ("ARJUN@", "kapoor"):
        page = client.get(URL, {"q": words})
        assert [person.name for person in page.context["cl"].result_list] == ["Arjun Kapoor"]


@pytest.mark.usefixtures("production")
def test_admin_adds_a_person_who_can_sign_in_at_once(client: Client, staff: User) -> None:
    client.force_login(staff)
    password = {"usable_password": "true", "password1": "correct-horse", "password2": "correct-horse"}
    new = {"email": "New@Example.com", "name": "New", "time_zone": "", "phone": "", **password}
    assert client.post(f"{URL}add/", new).status_code == 302
    visitor = Client()
    visitor.post("/accounts/login/", {"login": "new@example.com", "password": "correct-horse"})
    assert "_auth_user_id" in visitor.session


def test_admin_changes_the_address_that_one_signs_in_with(client: Client, staff: User, student: User) -> None:
    vouch_for_email(student)
    client.force_login(staff)
    assert (
        client.post(f"{URL}{student.pk}/change/", change(student, email="AK@example.com")).status_code == 302
    )
    student.refresh_from_db()
    assert student.email == "ak@example.com"
    assert [row.email for row in EmailAddress.objects.filter(user=student)] == ["ak@example.com"]


def test_admin_refuses_an_address_that_is_taken(client: Client, staff: User, student: User) -> None:
    client.force_login(staff)
    answer = client.post(f"{URL}{student.pk}/change/", change(student, email="STELLA@example.com"))
    assert answer.context["adminform"].form.errors["email"] == ["Another person has this e-mail address."]


def test_admin_does_not_make_mentors_here(client: Client, staff: User, student: User) -> None:
    client.force_login(staff)
    client.post(f"{URL}{student.pk}/change/", change(student, is_mentor="on"))
    student.refresh_from_db()
    assert not student.is_mentor


def test_admin_deactivates_people_but_not_oneself(client: Client, staff: User, student: User) -> None:
    client.force_login(staff)
    chosen = {"_selected_action": [staff.pk, student.pk]}
    client.post(URL, {"action": "deactivate", **chosen})
    assert [user.is_active for user in User.objects.order_by("name")] == [False, True]
    client.post(URL, {"action": "activate", **chosen})
    assert [user.is_active for user in User.objects.order_by("name")] == [True, True]


def test_admin_is_closed_to_others(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.get(URL).status_code in (302, 403)


def test_address_belongs_to_one_person_whatever_its_case(student: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="Arjun@Example.com", name="Twin")


@pytest.mark.django_db
def test_create_person_writes_the_address_small_and_confirmed() -> None:
    person = create_person(email="New@Example.com", password=None, name="New", is_staff=True)
    assert (person.email, person.is_staff, person.has_usable_password()) == ("new@example.com", True, False)
    address = EmailAddress.objects.get(user=person)
    assert (address.email, address.verified, address.primary) == ("new@example.com", True, True)


def test_vouching_twice_changes_nothing(student: User) -> None:
    vouch_for_email(student)
    vouch_for_email(student)
    assert EmailAddress.objects.filter(user=student).count() == 1


@pytest.mark.parametrize(
    ("name", "initials", "first"),
    [("Meera Rao", "MR", "Meera"), ("Plato", "P", "Plato"), ("Ana de la Cruz", "AC", "Ana")],
)
def test_person_is_drawn_by_initials(name: str, initials: str, first: str) -> None:
    person = User(email="x@example.com", name=name)
    assert (person.initials, person.first_name) == (initials, first)
    assert User(email="x@example.com").initials == "X"
