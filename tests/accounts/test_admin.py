from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.services import create_person, vouch_for_email
from tests.factories import UserFactory

URL = "/admin/accounts/user/"


def change(user: User, **fields: Any) -> dict[str, Any]:
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


# What decides who may what, and how one signs in


@pytest.fixture
def helper(db: None) -> User:
    """Of the staff, with every permission that an owner may hand out, and yet no superuser."""
    person = UserFactory(is_staff=True)
    labels = ("accounts", "account", "mfa")
    person.user_permissions.set(Permission.objects.filter(content_type__app_label__in=labels))
    return person


def test_admin_lets_only_superusers_hand_out_powers(client: Client, helper: User, student: User) -> None:
    client.force_login(helper)
    powers = {"is_staff": "on", "is_superuser": "on", "groups": [str(Group.objects.all()[0].pk)]}
    answer = client.post(f"{URL}{student.pk}/change/", change(student, name="Renamed", **powers))
    assert answer.status_code == 302
    student.refresh_from_db()
    assert (student.name, student.is_staff, student.is_superuser) == ("Renamed", False, False)
    assert not student.groups.exists()


@pytest.mark.parametrize("path", ["change", "password", "delete"])
def test_admin_lets_only_superusers_change_staff(
    client: Client, helper: User, staff: User, path: str
) -> None:
    colleague = UserFactory(is_staff=True)
    client.force_login(helper)
    for person in (staff, colleague, helper):
        answer = client.post(f"{URL}{person.pk}/{path}/", {**change(person, name="Renamed"), "post": "yes"})
        assert answer.status_code == 403
        person.refresh_from_db()
        assert person.name != "Renamed"


def test_admin_deactivates_no_staff_unless_a_superuser_asks(
    client: Client, helper: User, staff: User, student: User
) -> None:
    everybody = {"action": "deactivate", "_selected_action": [staff.pk, helper.pk, student.pk]}
    client.force_login(helper)
    client.post(URL, everybody)
    assert set(User.objects.filter(is_active=False)) == {student}
    client.force_login(staff)
    client.post(URL, everybody)
    assert set(User.objects.filter(is_active=False)) == {student, helper}
    client.post(URL, {**everybody, "action": "activate"})
    assert not User.objects.filter(is_active=False).exists()


ADDRESSES = "/admin/account/emailaddress/"


def test_admin_confirms_addresses_with_the_permission_alone(client: Client, student: User) -> None:
    row = EmailAddress.objects.create(user=student, email=student.email, primary=True)
    looker = UserFactory(is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename="view_emailaddress"))
    chosen = {"action": "make_verified", "_selected_action": row.pk}
    client.force_login(looker)
    client.post(ADDRESSES, chosen)
    row.refresh_from_db()
    assert not row.verified
    looker.user_permissions.set(Permission.objects.filter(codename__endswith="_emailaddress"))
    client.force_login(looker)
    client.post(ADDRESSES, chosen)
    row.refresh_from_db()
    assert row.verified


def test_admin_gives_staffs_account_no_other_address(
    client: Client, helper: User, staff: User, student: User
) -> None:
    vouch_for_email(student)
    own = EmailAddress.objects.create(user=staff, email="second@example.com")
    row = EmailAddress.objects.get(user=student)
    client.force_login(helper)
    new = {"user": staff.pk, "email": "mine@example.com", "verified": "on"}
    assert client.post(f"{ADDRESSES}add/", new).status_code == 403
    assert client.post(f"{ADDRESSES}{own.pk}/change/", new).status_code == 403
    client.post(f"{ADDRESSES}{row.pk}/change/", new)
    client.post(ADDRESSES, {"action": "make_verified", "_selected_action": own.pk})
    assert list(EmailAddress.objects.filter(user=staff).values_list("email", "verified")) == [
        ("second@example.com", False)
    ]


STEPS = "/admin/mfa/authenticator/"
SECRET = "CANARYOFASECRET234567"


def test_admin_shows_that_there_is_a_second_step_and_never_its_secret(
    client: Client, staff: User, student: User
) -> None:
    row = Authenticator.objects.create(user=student, type="totp", data={"secret": SECRET})
    client.force_login(staff)
    pages = [client.get(page) for page in (STEPS, f"{STEPS}{row.pk}/change/", f"{STEPS}{row.pk}/delete/")]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert not any(SECRET in page.text or "secret" in page.text.lower() for page in pages)
    assert client.post(f"{STEPS}{row.pk}/change/", {"data": "{}"}).status_code == 403
    assert client.get(f"{STEPS}add/").status_code == 403


def test_admin_takes_a_lost_second_step_away_but_not_staffs(
    client: Client, helper: User, staff: User, student: User
) -> None:
    rows = [Authenticator.objects.create(user=each, type="totp", data={}) for each in (student, staff)]
    client.force_login(helper)
    answers = [client.post(f"{STEPS}{row.pk}/delete/", {"post": "yes"}) for row in rows]
    assert [answer.status_code for answer in answers] == [302, 403]
    client.post(STEPS, {"action": "delete_selected", "_selected_action": rows[1].pk, "post": "yes"})
    assert [row.user for row in Authenticator.objects.all()] == [staff]
