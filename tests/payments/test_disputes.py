"""A payer's bank that asks for the money back."""

import pytest
from django.utils import timezone

from bookings.models import Status
from payments import services
from payments.models import Refund
from payments.services import NotRefundable
from tests.payments.markers import with_webhooks
from tests.payments.steps import PAID, PART, assert_money, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try")]


@pytest.fixture
def disputed(harness, settled) -> str:
    """The id of a dispute that we have heard of."""
    dispute_id = harness.dispute(settled)
    harness.deliver_all()
    return dispute_id


def refund_now(payment, staff) -> Refund:
    return services.refund_by_staff(
        payment.pk, amount_minor=PART, seen_refunds=0, actor=staff, note="Sorry", now=timezone.now()
    )


@with_webhooks
def test_open_dispute_holds_the_payout_and_every_refund(harness, booking, settled, disputed, staff):
    dispute = fresh(settled).disputes.get()
    assert (dispute.dispute_id, dispute.status, dispute.amount_minor) == (disputed, "open", PAID)
    assert (settled.is_disputed, settled.needs_review, settled.lost_minor) == (True, True, 0)
    assert disputed in settled.review_reason
    with pytest.raises(NotRefundable, match="bank"):
        refund_now(settled, staff)
    assert fresh(booking).status == Status.SCHEDULED
    assert_money(came_in=PAID, fee=5_000, mentor=100_000)


@with_webhooks
def test_lost_dispute_is_lost_money_and_the_session_stays(harness, booking, settled, disputed):
    harness.end_dispute(disputed, "lost")
    harness.deliver_all()
    assert (fresh(settled).is_disputed, settled.lost_minor, settled.needs_review) == (False, PAID, True)
    assert fresh(booking).status == Status.SCHEDULED
    assert_money(came_in=PAID, lost=PAID)


@with_webhooks
def test_won_dispute_is_as_if_it_had_never_been(harness, booking, settled, disputed, staff):
    harness.end_dispute(disputed, "won")
    harness.deliver_all()
    assert (fresh(settled).is_disputed, settled.lost_minor, settled.needs_review) == (False, 0, False)
    assert settled.disputes.get().closed_at
    assert_money(came_in=PAID, fee=5_000, mentor=100_000)


@with_webhooks
def test_reconciliation_finds_the_dispute_that_nobody_told_of(harness, booking, settled):
    dispute_id = harness.dispute(settled)
    found = services.reconcile(timezone.now())
    assert found.repaired == [f"{settled.reference}: its disputes are up to date now"]
    harness.end_dispute(dispute_id, "lost")
    services.reconcile(timezone.now())
    assert_money(came_in=PAID, lost=PAID)
