from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from config.models import FailingRow
from tests import factories
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_admin_sends_to_the_sites_own_sign_in(client):
    response = client.get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0] == f"{reverse('account_login')}?next=%2Fadmin%2F"


def test_admin_greets_staff(client, staff):
    client.force_login(staff)
    assert "Office Hours" in client.get(reverse("admin:index")).content.decode()


def test_admin_is_closed_to_everyone_else(client, student):
    client.force_login(student)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_every_page_is_under_the_strict_policy(client):
    policy = client.get(reverse("account_login"))["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def counts(client: Client) -> dict[str, tuple[str, str, str]]:
    """Number, what is said of it and where it leads, by label."""
    page = client.get("/admin/")
    return {each.label: (each.number, each.note, each.url) for each in page.context["attention"]}


def test_staff_meet_what_needs_attention_each_count_with_its_list(client: Client, staff: User) -> None:
    client.force_login(staff)
    assert {number for number, *_ in counts(client).values()} == {"0"}
    for days in (2, 5):
        factories.MentorFactory(status="applied", applied_at=NOW - timedelta(days=days))
    for name in ("1", "2"):
        FailingRow.objects.create(sweep="x", row=name, error="e", first_at=NOW, last_at=NOW)
    FailingRow.objects.filter(row="2").update(resolved_at=NOW)
    found = counts(client)
    assert found["Applications"][:2] == ("2", "oldest 5 days")
    assert found["Failing rows"][:2] == ("1", "oldest just now")
    for label, (number, _, url) in found.items():
        page = client.get(url)
        assert (page.status_code, "e=1" in page.headers.get("Location", "")) == (200, False), label
        assert str(page.context["cl"].result_count) == number, label


def test_staff_see_only_counts_of_what_they_may_look_at(client: Client, staff: User) -> None:
    User.objects.filter(pk=staff.pk).update(is_superuser=False)
    client.force_login(staff)
    assert counts(client) == {}
    staff.groups.set([Group.objects.get(name="Mentor approval")])
    assert list(counts(client)) == ["Applications"]


def test_staff_find_a_row_by_its_reference_and_people_by_words(client: Client, staff: User) -> None:
    booking = factories.BookingFactory()
    client.force_login(staff)
    for typed in (booking.reference, f"  {booking.reference.lower()} "):
        assert (
            client.get("/admin/find/", {"q": typed})["Location"]
            == f"/admin/bookings/booking/{booking.pk}/change/"
        )
    assert client.get("/admin/find/", {"q": "Nia K"})["Location"] == "/admin/accounts/user/?q=Nia+K"
    for unknown in ("SESSION-0000000000", "ORDER-<b>"):
        assert "No reference is" in client.get("/admin/find/", {"q": unknown}, follow=True).text
    assert client.post("/admin/find/").status_code == 405
    User.objects.filter(pk=staff.pk).update(is_superuser=False)
    assert client.get("/admin/find/", {"q": booking.reference})["Location"] == "/admin/"


def test_only_staff_find(client: Client, student: User) -> None:
    assert client.get("/admin/find/?q=x").status_code == 302
    client.force_login(student)
    assert client.get("/admin/find/?q=x", follow=True).status_code == 403
