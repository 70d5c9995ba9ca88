from itertools import product

import pytest
from django.db import IntegrityError

from payments.models import (
    LIVE,
    PAYMENT_TRANSITIONS,
    REFUND_TRANSITIONS,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from tests.factories import NOW

pytestmark = pytest.mark.django_db

PAYMENT_WAYS = {
    ("created", "open"),
    ("created", "canceled"),
    *product(["open"], ["processing", "authorized", "succeeded", "failed", "expired", "canceled"]),
    *product(["processing"], ["authorized", "succeeded", "failed", "expired", "canceled"]),
    *product(["authorized"], ["succeeded", "failed", "expired", "canceled"]),
    *product(["failed", "expired", "canceled"], ["succeeded"]),
}
REFUND_WAYS = {
    *product(["requested"], ["pending", "succeeded", "failed", "dropped"]),
    *product(["pending"], ["succeeded", "failed"]),
    ("succeeded", "failed"),  # the bank sent it back
    *product(["failed"], ["requested", "pending", "succeeded", "dropped"]),
}


@pytest.fixture
def order(booking) -> Payment:
    return booking.payments.get()


def another(booking, **fields) -> Payment:
    plain = {"amount_minor": 105_000, "platform_fee_minor": 5_000, "currency": "INR", "created_at": NOW}
    return Payment.objects.create(booking=booking, **{**plain, **fields})


def succeeded(booking, **fields) -> Payment:
    return another(booking, status=PaymentStatus.SUCCEEDED, succeeded_at=NOW, **fields)


def refund(order, **fields) -> Refund:
    plain = {"amount_minor": 100, "reason": Refund.Reason.SURPLUS, "due_at": NOW, "created_at": NOW}
    return Refund.objects.create(payment=order, **{**plain, **fields})


@pytest.mark.parametrize(("old", "new"), list(product(PaymentStatus, PaymentStatus)))
def test_payment_moves_forward_only(old, new):
    assert Payment(status=old).may_become(new) == ((old, new) in PAYMENT_WAYS)


@pytest.mark.parametrize(("old", "new"), list(product(RefundStatus, RefundStatus)))
def test_refund_moves_only_where_it_may(old, new):
    assert Refund(status=old).may_become(new) == ((old, new) in REFUND_WAYS)


def test_every_status_has_its_transitions():
    assert set(PAYMENT_TRANSITIONS) == set(PaymentStatus)
    assert set(REFUND_TRANSITIONS) == set(RefundStatus)


def test_order_reference_is_unguessable(order):
    prefix, code = order.reference.split("-")
    assert (prefix, len(code)) == ("ORDER", 10)


def test_price_is_the_amount_without_the_fee(order):
    assert (order.amount_minor, order.platform_fee_minor, order.price_minor) == (105_000, 5_000, 100_000)


@pytest.mark.parametrize("status", LIVE)
def test_booking_has_one_live_payment(booking, order, status):
    with pytest.raises(IntegrityError):
        another(booking, status=status)


def test_booking_may_be_asked_for_again_after_a_failure(booking, order):
    another(booking, status=PaymentStatus.FAILED)
    another(booking, status=PaymentStatus.EXPIRED)


def test_booking_has_one_payment_that_counts(booking):
    succeeded(booking)
    succeeded(booking, is_surplus=True)
    with pytest.raises(IntegrityError):
        succeeded(booking)


@pytest.mark.parametrize("field", ["provider_ref", "payment_id"])
def test_providers_ids_are_of_one_payment(booking, field):
    another(booking, status=PaymentStatus.FAILED, gateway="mock", **{field: "X"})
    another(booking, status=PaymentStatus.FAILED, gateway="other", **{field: "X"})
    with pytest.raises(IntegrityError):
        another(booking, status=PaymentStatus.FAILED, gateway="mock", **{field: "X"})


@pytest.mark.parametrize(
    "fields",
    [
        {"amount_minor": 0, "platform_fee_minor": 0},
        {"platform_fee_minor": 105_001},
        {"refunded_minor": 100_000, "reserved_minor": 5_001},
        {"status": PaymentStatus.SUCCEEDED},
    ],
)
def test_payment_that_cannot_be_is_refused_by_the_database(booking, fields):
    with pytest.raises(IntegrityError):
        another(booking, **{"status": PaymentStatus.FAILED, **fields})


def test_refund_of_nothing_is_refused_by_the_database(order):
    with pytest.raises(IntegrityError):
        refund(order, key="a", amount_minor=0)


def test_refund_key_is_used_once(order):
    refund(order, key="a")
    with pytest.raises(IntegrityError):
        refund(order, key="a")


def test_providers_refund_id_is_of_one_refund(order):
    refund(order, key="a", provider_id="X")
    with pytest.raises(IntegrityError):
        refund(order, key="b", provider_id="X")
