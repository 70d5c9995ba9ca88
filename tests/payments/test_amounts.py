"""Odd amounts and currencies, to the unit."""

import pytest

from bookings.services import book, cancel
from lib.money import unchargeable
from payments.models import Payment
from payments.services import NotRefundable
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import STARTS_AT
from tests.payments.steps import at_provider, pay_for, refund_by_staff, send_all, sums

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try", "the_money_adds_up")]


def test_free_session_meets_no_gateway(harness, mentor, student):
    kind = SessionTypeFactory(mentor=mentor, price_minor=0)
    free = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    cancel(free.pk, actor=student, now=NOW)
    assert not Payment.objects.exists()
    assert harness.checkouts_made() == 0


@pytest.mark.parametrize(("minor", "currency"), [(49, "USD"), (99, "INR"), (49, "JPY"), (1_005, "KWD")])
def test_price_that_cannot_be_charged_is_refused_when_it_is_set(minor, currency):
    assert unchargeable(minor, currency)
    assert not unchargeable(minor + 5, currency)


@pytest.mark.parametrize(
    ("price", "fee", "currency", "half"),
    [
        (9_999, 500, "JPY", 5_000),
        (12_350, 620, "KWD", 6_180),
        (9_99, 100, "USD", 500),
        (33_333, 1_667, "INR", 16_667),
    ],
)
def test_odd_amounts_and_currencies_are_exact_to_the_unit(
    harness, mentor, student, travel_to, price, fee, currency, half
):
    kind = SessionTypeFactory(mentor=mentor, price_minor=price, currency=currency)
    odd = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    type(odd).objects.update(cancellation_policy="strict")
    payment = pay_for(harness, odd)
    assert (payment.amount_minor, payment.platform_fee_minor) == (price + fee, fee)
    cancel(odd.pk, actor=student, now=NOW)
    send_all()
    assert (sums(payment), at_provider(harness, payment)) == ((0, half), [half])


def test_thousandths_that_no_provider_refunds_are_refused(harness, mentor, student, staff):
    kind = SessionTypeFactory(mentor=mentor, price_minor=10_000, currency="KWD")
    odd = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    with pytest.raises(NotRefundable, match="third digit"):
        refund_by_staff(pay_for(harness, odd), staff, 1_005)
