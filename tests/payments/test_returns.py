"""What the payer's browser brings back from the provider, and who it is believed of."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.services import book
from payments.models import Payment
from tests.factories import UserFactory
from tests.payments.factories import STARTS_AT
from tests.payments.markers import with_webhooks
from tests.payments.steps import assert_booked_once, assert_nothing_happened

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("one_try")]


@pytest.fixture
def others(harness, booking) -> Payment:
    """Somebody else's checkout, paid."""
    other = book(
        student=UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT + timedelta(hours=2),
        now=timezone.now(),
    )
    payment = harness.open(other)
    harness.pay(payment.provider_ref)
    return payment


def come_back_with(harness, client, booking, data):
    if harness.name == "stripe":
        return client.get(reverse("payment_return", args=[booking.reference]), data)
    return client.post(reverse("payment_razorpay_return", args=[booking.reference]), data)


@with_webhooks
def test_return_with_somebody_elses_proof_books_nothing(harness, signed_in, booking, payment, others):
    stolen = harness.returned(others.provider_ref)
    assert come_back_with(harness, signed_in, booking, stolen).status_code in (400, 404)
    assert_nothing_happened(booking)


@with_webhooks
def test_made_up_return_books_nothing(harness, signed_in, booking, payment):
    for made_up in (
        {"session_id": "cs_test_made_up"},
        {"session_id": ""},
        {
            "razorpay_order_id": payment.provider_ref,
            "razorpay_payment_id": "pay_1",
            "razorpay_signature": "00",
        },
        {"razorpay_payment_id": "pay_1", "razorpay_signature": "é"},
    ):
        if ("session_id" in made_up) == (harness.name == "stripe"):
            assert come_back_with(harness, signed_in, booking, made_up).status_code in (400, 404)
    assert_nothing_happened(booking)


def test_return_without_paying_books_nothing(harness, signed_in, booking, payment):
    response = harness.come_back(signed_in, payment)
    assert (response.status_code, response["Location"]) == (303, reverse("payment", args=[booking.reference]))
    assert_nothing_happened(booking)


def test_return_to_somebody_elses_session_is_not_found(harness, client, booking, paid, stranger):
    client.force_login(stranger)
    assert harness.come_back(client, paid).status_code == 404
    assert_nothing_happened(booking)


def test_replayed_return_is_harmless(harness, signed_in, booking, paid):
    for _ in range(3):
        response = harness.come_back(signed_in, paid)
        confirmation = reverse("session_confirmation", args=[booking.reference])
        assert (response.status_code, response["Location"]) == (303, confirmation)
    assert_booked_once(booking, paid)
