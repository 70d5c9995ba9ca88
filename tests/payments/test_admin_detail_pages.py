"""Staff's pages of one row cost the same queries however many rows hang on it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments.models import Dispute, Payout, PayoutLine, Refund
from tests.factories import NOW, UserFactory
from tests.payments.factories import paid_session, refunded

pytestmark = pytest.mark.django_db


def payment_page(count: int) -> str:
    """Of a payment with so many refunds, each by another of the staff, and as many disputes."""
    payment = paid_session()
    for number in range(count):
        Refund.objects.filter(pk=refunded(payment, 100).pk).update(actor=UserFactory())
        Dispute.objects.create(payment=payment, dispute_id=f"D{number}", amount_minor=1, opened_at=NOW)
    return reverse("admin:payments_payment_change", args=[payment.pk])


def payout_page(count: int) -> str:
    """Of a payout of so many shares."""
    payments = [paid_session(price_minor=1_000, fee_minor=0) for _ in range(count)]
    payout = Payout.objects.create(
        mentor=payments[0].booking.mentor,
        currency="INR",
        amount_minor=1_000 * count,
        transfer_reference="NEFT-1",
        recorded_at=NOW,
        recorded_by=UserFactory(),
    )
    PayoutLine.objects.bulk_create(
        PayoutLine(payout=payout, payment=each, kind=PayoutLine.Kind.SHARE, amount_minor=1_000)
        for each in payments
    )
    return reverse("admin:payments_payout_change", args=[payout.pk])


@pytest.mark.parametrize("page", [payment_page, payout_page])
def test_detail_page_costs_the_same_for_one_row_and_for_twenty(client, staff, page):
    client.force_login(staff)
    few, many = page(1), page(20)
    client.get(few)  # what is read once a process, such as content types
    counts = []
    for url in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], counts
