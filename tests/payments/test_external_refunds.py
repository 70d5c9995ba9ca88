"""What goes back at the provider itself, and meets refunds of ours."""

import pytest
from django.utils import timezone

from bookings.models import Status
from payments import services
from payments.gateways.base import GatewayUnavailable
from payments.models import Payment, Refund, RefundStatus
from tests.payments.markers import with_webhooks
from tests.payments.steps import PAID, PART, assert_money, at_provider, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try", "the_money_adds_up")]


@with_webhooks
@pytest.mark.parametrize("minor", [PART, PAID])
def test_refund_made_at_the_provider_is_recorded_as_it_is(harness, booking, settled, minor):
    harness.refund_by_hand(settled, minor)
    for signed_event in harness.events() * 2:
        assert harness.deliver(signed_event) == 200
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.reason, refund.status) == (minor, "external", "succeeded")
    assert fresh(booking).status == Status.SCHEDULED  # whether it takes place is for staff to say
    left = PAID - minor
    assert_money(came_in=PAID, refunded=minor, fee=min(left, 5_000), mentor=max(left - 5_000, 0))


def test_refund_of_what_went_back_already_is_success(harness, booking, settled):
    harness.refund_by_hand(settled, PAID)
    refund = services.enqueue_refund(
        settled.pk, amount_minor=PAID, reason=Refund.Reason.CANCELLED, key="refund-24", now=timezone.now()
    )
    services.send_refund(refund.pk, now=timezone.now())
    assert fresh(refund).status == RefundStatus.SUCCEEDED
    assert Refund.objects.count() == 1
    assert_money(came_in=PAID, refunded=PAID)


def ask(payment, minor) -> Refund:
    return services.enqueue_refund(
        payment.pk, amount_minor=minor, reason=Refund.Reason.STAFF, key="refund-short-1", now=timezone.now()
    )


def test_refund_shortened_by_an_unseen_dashboard_refund_finishes_by_itself(harness, booking, settled):
    harness.refund_by_hand(settled, 40_000)
    refund = ask(settled, PAID)
    services.send_refund(refund.pk, now=timezone.now())
    refund.refresh_from_db()
    settled.refresh_from_db()
    assert (refund.amount_minor, refund.status, refund.renewals) == (65_000, RefundStatus.SUCCEEDED, 1)
    external = settled.refunds.get(reason=Refund.Reason.EXTERNAL)
    assert (external.amount_minor, external.status) == (40_000, RefundStatus.SUCCEEDED)
    assert (settled.refunded_minor, settled.reserved_minor, settled.needs_review) == (PAID, 0, False)
    assert at_provider(harness, settled) == [40_000, 65_000]


def test_shortened_refund_whose_answer_is_lost_happens_once(harness, one_try, booking, settled):
    harness.refund_by_hand(settled, 40_000)
    refund = ask(settled, PAID)
    lose_the_second_answer(harness)
    services.send_refund(refund.pk, now=timezone.now())
    refund.refresh_from_db()
    assert (refund.amount_minor, refund.status) == (65_000, RefundStatus.REQUESTED)
    key = refund.sent_key
    harness.recover()
    services.send_refund(refund.pk, now=refund.due_at)
    refund.refresh_from_db()
    assert (refund.status, refund.sent_key) == (RefundStatus.SUCCEEDED, key)
    assert at_provider(harness, settled) == [40_000, 65_000]


def lose_the_second_answer(harness) -> None:
    """The first one is a refusal, which no network troubles."""
    if harness.name == "mock":
        harness.provider.loses["refund"] = GatewayUnavailable("timeout")
    elif harness.name == "razorpay":
        harness.server.fail("POST", "/v1/payments/[^/]+/refund", "lost", 2)
    else:
        harness.server.disturb("lost", "POST /v1/refunds", after=1)


def test_refund_that_the_provider_refuses_for_another_reason_fails_as_before(harness, booking, settled):
    refund = ask(settled, PAID)
    Payment.objects.filter(pk=settled.pk).update(payment_id="made-up")
    services.send_refund(refund.pk, now=timezone.now())
    refund.refresh_from_db()
    assert (refund.status, refund.renewals, refund.amount_minor) == (RefundStatus.FAILED, 0, PAID)
