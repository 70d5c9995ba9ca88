import pytest
from django.urls import reverse

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
