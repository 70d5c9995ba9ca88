from datetime import timedelta

import pytest
from django.urls import reverse

from bookings.models import Booking
from payments import services
from payments.gateways.mock import Outcome, simulate
from payments.models import Payment, PaymentStatus, RefundStatus
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import paid_session, payment_of, refunded

pytestmark = pytest.mark.django_db
URL = reverse("payment_list")


@pytest.fixture
def shown(client, student):
    """The page's text as the student reads it."""
    client.force_login(student)

    def read(url=""):
        return " ".join(client.get(url if url.startswith("/") else URL + url).content.decode().split())

    return read


def test_anonymous_signs_in(client):
    assert client.get(URL)["Location"] == f"{reverse('account_login')}?next={URL}"


def test_list_takes_no_post(client, student):
    client.force_login(student)
    assert client.post(URL).status_code == 405


def test_list_shows_nobody_elses_payments(client, student, stranger, mentor, staff):
    payment = paid_session(student=student, session_type=SessionTypeFactory(mentor=mentor))
    for person in (stranger, mentor.user, staff):
        client.force_login(person)
        response = client.get(URL)
        assert "No payments yet" in response.content.decode()
        assert payment.booking.reference not in response.content.decode()


def test_empty_list_leads_to_the_mentors(shown):
    page = shown()
    assert "No payments yet" in page
    assert f'href="{reverse("mentor_list")}"' in page


def test_row_names_date_session_amount_state_and_receipt(shown, student):
    payment = paid_session(student=student, price_minor=123_456_700, fee_minor=50, type_name="Mock Interview")
    page = shown()
    for part in ("23 Nov 2026", "Mock Interview", payment.booking.mentor.user.name, "₹12,34,567.50", "Paid"):
        assert part in page
    for name in ("session_detail", "session_receipt_page"):
        assert f'href="{reverse(name, args=[payment.booking.reference])}"' in page


def test_date_is_the_readers(shown, student):
    payment = paid_session(student=student)
    Payment.objects.update(succeeded_at=NOW.replace(hour=23, minute=30))
    assert "3 Dec 2026" in shown()  # in Berlin
    assert payment.succeeded_at is not None


@pytest.mark.parametrize(
    ("status", "words", "state"),
    [
        (RefundStatus.SUCCEEDED, "refunded ₹500.00", "Partly refunded ₹500"),
        (RefundStatus.PENDING, "on its way back, ₹500.00", "Refund on its way"),
        (RefundStatus.FAILED, "refund delayed, ₹500.00", "Refund failed"),
    ],
)
def test_refunds_are_in_the_row(shown, student, status, words, state):
    refunded(paid_session(student=student), 50_000, status=status)
    page = shown()
    assert words in page
    assert state in page


def test_refund_that_came_to_nothing_is_not_in_the_row(shown, student):
    payment = paid_session(student=student)
    refund = refunded(payment, 50_000, status=RefundStatus.DROPPED)
    Payment.objects.update(reserved_minor=0)
    assert "₹500.00" not in shown()
    page = reverse("session_detail", args=[payment.booking.reference])
    assert refund.reference not in shown(page)


def test_chargeback_is_in_the_row(shown, student):
    paid_session(student=student)
    Payment.objects.update(lost_minor=105_000)
    assert "Charged back ₹1,050" in shown()


def test_held_session_can_be_paid_from_here(shown, booking):
    page = shown()
    assert "Unpaid" in page
    assert f'href="{reverse("payment", args=[booking.reference])}"' in page


def test_declined_card_is_in_the_list(shown, payment):
    simulate(payment.provider_ref, Outcome.FAILURE)
    services.settle(payment.pk, source="test", now=NOW)
    assert "Payment failed" in shown()


def test_money_that_came_twice_is_a_row_without_a_receipt(shown, student):
    payment = paid_session(student=student)
    second = payment_of(payment.booking, paid_at=NOW, is_surplus=True, provider_ref="B", payment_id="PAY-B")
    refunded(second, second.amount_minor)
    page = shown()
    assert page.count("₹1,050.00") == 3
    assert page.count("/receipt/") == 1


@pytest.mark.parametrize("status", [PaymentStatus.CREATED, PaymentStatus.CANCELED, PaymentStatus.EXPIRED])
def test_orders_that_nobody_tried_to_pay_are_left_out(shown, booking, status):
    Payment.objects.update(status=status)
    Booking.objects.update(hold_expires_at=NOW - timedelta(minutes=1))
    assert "No payments yet" in shown()


def test_what_is_being_looked_at_is_not_hidden(shown, booking):
    Payment.objects.update(status=PaymentStatus.EXPIRED, needs_review=True)
    assert "Payment being checked" in shown()


def test_list_has_pages(shown, student):
    for days in range(21):
        paid_session(student=student, ended_ago=timedelta(days=days + 1))
    assert shown().count("/receipt/") == 20
    assert shown("?page=2").count("/receipt/") == 1
    assert shown("?page=odd").count("/receipt/") == 20


@pytest.mark.parametrize("count", [1, 30])
def test_list_costs_the_same_for_one_row_and_for_thirty(
    client, student, mentor, count, django_assert_num_queries
):
    session_type = SessionTypeFactory(mentor=mentor)
    for days in range(count):
        payment = paid_session(student=student, session_type=session_type, ended_ago=timedelta(days=days + 1))
        refunded(payment, 100)
    client.force_login(student)
    with django_assert_num_queries(5):  # session, person, count, payments, refunds
        client.get(URL)


def test_menu_leads_to_the_list(client, student):
    client.force_login(student)
    assert f'href="{URL}"' in client.get(reverse("my_sessions")).content.decode()
