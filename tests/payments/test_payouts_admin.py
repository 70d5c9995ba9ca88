"""Staff record a payout: whom, how much, by which transfer; and say when a transfer came back."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from payments.models import Payout
from payments.services.payouts import record_payout
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import paid_session, refunded

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LIST = reverse("admin:payments_payout_changelist")
ADD = reverse("admin:payments_payout_add")


@pytest.fixture
def session_type(mentor):
    return SessionTypeFactory(mentor=mentor)


@pytest.fixture
def payment(session_type):
    return paid_session(session_type=session_type)


@pytest.fixture
def desk(client, staff):
    client.force_login(staff)
    return client


def of(mentor, currency="INR") -> str:
    return f"{ADD}?mentor={mentor.pk}&currency={currency}"


def send(desk, mentor, amount_minor=100_000, reference="NEFT-1", url=None):
    return desk.post(url or of(mentor), {"amount_minor": amount_minor, "transfer_reference": reference})


def shown(response) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("person", ["student", "stranger", "mentor"])
@pytest.mark.parametrize("url", [LIST, ADD])
def test_others_do_not_get_in(client, request, person, url):
    someone = request.getfixturevalue(person)
    client.force_login(getattr(someone, "user", someone))
    assert client.get(url).status_code == 302


def test_staff_without_the_permission_can_not_record(client, staff, mentor, payment):
    staff.is_superuser = False
    staff.save()
    client.force_login(staff)
    assert client.get(of(mentor)).status_code == 403
    assert send(client, mentor).status_code == 403
    assert not Payout.objects.exists()


def test_choice_names_who_can_be_paid(desk, mentor, payment):
    page = shown(desk.get(ADD))
    assert "Meera Rao" in page
    assert "₹1,000.00" in page
    assert f"?mentor={mentor.pk}&amp;currency=INR" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?q=meera", "Pay Meera Rao in INR"),
        ("?q=meera@example.com", "Pay Meera Rao in INR"),
        ("?q=nobody", "Nobody of that name or address is owed anything"),
        ("?after=odd", "Pay Meera Rao in INR"),
        ("?after=999999", "Nobody is owed anything"),
    ],
)
def test_choice_is_looked_through(desk, payment, query, words):
    assert words in shown(desk.get(ADD + query))


def test_choice_is_empty_when_nobody_is_owed_anything(desk):
    assert "Nobody is owed anything" in shown(desk.get(ADD))


def test_payout_shows_what_it_pays_before_it_is_recorded(desk, mentor, payment):
    page = shown(desk.get(of(mentor)))
    assert "₹1,000.00" in page
    assert payment.reference in page
    assert not Payout.objects.exists()


def test_payout_is_recorded_by_name(desk, mentor, staff, payment):
    response = send(desk, mentor)
    payout = Payout.objects.get()
    assert response["Location"] == reverse("admin:payments_payout_change", args=[payout.pk])
    assert (payout.amount_minor, payout.transfer_reference, payout.recorded_by) == (100_000, "NEFT-1", staff)
    assert LogEntry.objects.get().object_id == str(payout.pk)


@pytest.mark.parametrize("reference", ["", "   ", "x" * 101])
def test_payout_without_a_sound_reference_is_asked_for_again(desk, mentor, payment, reference):
    assert send(desk, mentor, reference=reference).status_code == 422
    assert not Payout.objects.exists()


@pytest.mark.parametrize("amount", ["", "odd", "1", "99999999999999999999"])
def test_forged_amount_records_nothing(desk, mentor, payment, amount):
    assert send(desk, mentor, amount).status_code == 409
    assert not Payout.objects.exists()


def test_amount_that_changed_meanwhile_is_shown_again_with_what_was_typed(desk, mentor, payment):
    refunded(payment, 30_000)
    response = send(desk, mentor)
    page = shown(response)
    assert response.status_code == 409
    assert "has changed meanwhile: it was ₹1,000.00, and it is now ₹700.00" in page
    assert 'value="NEFT-1"' in page
    assert 'value="70000"' in page
    assert send(desk, mentor, 70_000).status_code == 302


def test_second_press_records_nothing(desk, mentor, payment):
    send(desk, mentor)
    assert send(desk, mentor).status_code == 409
    assert Payout.objects.count() == 1


@pytest.mark.parametrize("query", ["?mentor=odd&currency=INR", "?mentor=999&currency=INR", "?mentor=1"])
def test_nobodys_payout_is_the_choice_again(desk, payment, query):
    page = shown(desk.get(ADD + query))
    assert "Nothing can be paid out there" in page
    assert "Who can be paid" in page


def test_payout_of_another_currency_is_its_own(desk, mentor, session_type, payment):
    paid_session(session_type=session_type, currency="KWD", price_minor=7_500, ended_ago=timedelta(days=9))
    assert send(desk, mentor, 7_500, url=of(mentor, "KWD")).status_code == 302
    assert Payout.objects.get().currency == "KWD"


@pytest.fixture
def payout(mentor, staff, payment):
    return record_payout(
        mentor=mentor,
        currency="INR",
        amount_minor=100_000,
        transfer_reference="NEFT-1",
        actor=staff,
        now=NOW,
    )


@pytest.mark.parametrize("query", ["NEFT-1", "Meera", "meera@example.com"])
def test_payouts_are_listed_and_found(desk, payout, query):
    assert payout.reference in shown(desk.get(LIST, {"q": query}))
    assert payout.reference not in shown(desk.get(LIST, {"q": "nothing"}))


def test_payout_can_be_read_and_not_changed(desk, payout, payment):
    url = reverse("admin:payments_payout_change", args=[payout.pk])
    page = shown(desk.get(url))
    assert payment.booking.reference in page
    assert "₹1,000.00" in page
    assert 'name="transfer_reference"' not in page
    desk.post(url, {"amount_minor": 1, "transfer_reference": "other"})
    payout.refresh_from_db()
    assert (payout.amount_minor, payout.transfer_reference) == (100_000, "NEFT-1")
    assert desk.post(reverse("admin:payments_payout_delete", args=[payout.pk])).status_code == 403


def test_transfer_that_came_back_is_marked_once(desk, staff, payout):
    for _ in range(2):
        desk.post(LIST, {"action": "mark_returned", "_selected_action": [payout.pk]})
    payout.refresh_from_db()
    assert (payout.returned_by, LogEntry.objects.count()) == (staff, 1)
    assert "The bank sent the transfer back" not in shown(
        desk.get(reverse("admin:payments_payout_change", args=[payout.pk]))
    )


@pytest.mark.parametrize("count", [1, 30])
def test_choice_costs_the_same_for_one_session_and_for_thirty(
    desk, session_type, count, django_assert_max_num_queries
):
    for days in range(count):
        paid_session(session_type=session_type, ended_ago=timedelta(days=days + 3))
    with django_assert_max_num_queries(4):  # session, person, payments, mentors
        desk.get(ADD)
