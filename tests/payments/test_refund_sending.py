"""Refunds on their way: answers that are lost, banks that take their time or send the money back."""

from dataclasses import replace

import pytest
from django.utils import timezone

from bookings.models import Status
from bookings.services import cancel
from payments import services
from payments.gateways.base import GatewayUnavailable, RefundResult
from payments.models import MockRefund, Payment, Refund, RefundStatus
from payments.services import NotRefundable
from tests.factories import NOW
from tests.payments.fake_stripe import SLOW_REFUND_CARD
from tests.payments.steps import PAID, at_provider, fresh, refund_by_staff, send_when_due, sums

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try", "the_money_adds_up")]


@pytest.fixture
def slowly(harness, booking) -> Payment:
    """Paid in such a way that refunds of it take days."""
    payment = harness.open(booking)
    if harness.name == "stripe":
        harness.fake_stripe.pay(payment.provider_ref, SLOW_REFUND_CARD)
    else:
        harness.pay(payment.provider_ref)
    if harness.name == "razorpay":
        harness.fake_razorpay.refund_status = "pending"
    if harness.name == "mock":
        harness.provider.says["refund"] = pending
    return services.settle(payment.pk, source="test", now=timezone.now())


def pending(state):
    """The mock provider's books, and what it says."""
    MockRefund.objects.filter(refund_id=state.refund_id).update(status=RefundResult.PENDING)
    return replace(state, status=RefundResult.PENDING)


def trouble_refunds(harness, *, done: bool) -> None:
    """The next refund is asked for in vain, or is made and its answer lost."""
    if harness.name == "mock":
        where = harness.provider.loses if done else harness.provider.refuses
        where["refund"] = GatewayUnavailable("timeout")
    elif harness.name == "razorpay":
        harness.server.fail("POST", "/v1/payments/[^/]+/refund", "lost" if done else "500")
    else:
        harness.server.disturb("lost" if done else "html", "POST /v1/refunds")


def calm(harness) -> None:
    if harness.name == "mock":
        harness.provider.loses.clear()
        harness.provider.refuses.clear()


def end_refund(harness, refund, *, arrived: bool) -> None:
    """The bank's word, perhaps days later."""
    provider_id = fresh(refund).provider_id
    if harness.name == "mock":
        status = RefundResult.SUCCEEDED if arrived else RefundResult.FAILED
        MockRefund.objects.filter(refund_id=provider_id).update(status=status)
        harness.provider.says.clear()
    elif harness.name == "razorpay":
        harness.fake_razorpay.refund_status = "processed"
        harness.fake_razorpay.end_refund(provider_id, "processed" if arrived else "failed")
    else:
        harness.fake_stripe.move_refund(provider_id, "succeeded" if arrived else "failed", "declined")


# An answer that is lost


@pytest.mark.parametrize("done", [True, False])
def test_lost_answer_is_asked_for_again_and_refunds_once(harness, settled, staff, done):
    trouble_refunds(harness, done=done)
    refund = send_when_due(refund_by_staff(settled, staff, 60_000))
    assert (refund.status, refund.attempts, sums(settled)) == ("requested", 1, (60_000, 0))
    assert refund.error
    calm(harness)
    refund = send_when_due(refund)
    assert (refund.status, refund.renewals, refund.error) == ("succeeded", 0, "")
    assert (sums(settled), at_provider(harness, settled)) == ((0, 60_000), [60_000])


def test_lost_answer_is_found_in_the_providers_list(harness, settled, staff):
    trouble_refunds(harness, done=True)
    refund = send_when_due(refund_by_staff(settled, staff, 60_000))
    services.sync_refunds(settled.pk, now=NOW)
    assert fresh(refund).status == RefundStatus.SUCCEEDED
    assert (sums(settled), at_provider(harness, settled)) == ((0, 60_000), [60_000])


def test_staff_who_try_again_while_the_answer_is_lost_keep_the_key(harness, settled, staff):
    trouble_refunds(harness, done=True)
    refund = send_when_due(refund_by_staff(settled, staff, 60_000))
    key = refund.sent_key
    calm(harness)
    services.retry_refund(refund.pk, now=NOW)
    assert (send_when_due(refund).sent_key, at_provider(harness, settled)) == (key, [60_000])


# A bank that takes its time


@pytest.fixture
def cancelled(booking, student):
    """Call it to cancel the session by its student; the refund, sent."""

    def cancel_it() -> Refund:
        cancel(booking.pk, actor=student, now=timezone.now(), reason="Ill")
        return send_when_due(Refund.objects.get())

    return cancel_it


def test_refund_on_its_way_arrives(harness, booking, slowly, cancelled):
    refund = cancelled()
    assert (refund.status, sums(slowly)) == ("pending", (PAID, 0))
    end_refund(harness, refund, arrived=True)
    assert send_when_due(refund).status == RefundStatus.SUCCEEDED
    assert (sums(slowly), fresh(booking).status) == ((0, PAID), Status.CANCELLED)


@pytest.mark.parametrize("had_arrived", [False, True])
def test_refund_that_fails_later_stays_owed_and_can_be_tried_again(
    harness, booking, slowly, cancelled, caplog, had_arrived
):
    refund = cancelled()
    if had_arrived:
        end_refund(harness, refund, arrived=True)
        send_when_due(refund)
    end_refund(harness, refund, arrived=False)
    services.sync_refunds(slowly.pk, now=NOW)
    assert (fresh(refund).status, sums(slowly), at_provider(harness, slowly)) == ("failed", (PAID, 0), [])
    assert (fresh(booking).status, refund.reference in slowly.review_reason) == (Status.CANCELLED, True)
    assert slowly.needs_review
    assert "refund failed" in caplog.messages
    old = refund.sent_key
    refund = services.retry_refund(refund.pk, now=NOW)
    assert (refund.status, refund.provider_id, refund.sent_key != old) == ("requested", "", True)
    refund = send_when_due(refund)
    if refund.status == RefundStatus.PENDING:
        end_refund(harness, refund, arrived=True)
        services.sync_refunds(slowly.pk, now=NOW)
    assert (fresh(refund).status, sums(slowly), at_provider(harness, slowly)) == (
        "succeeded",
        (0, PAID),
        [PAID],
    )
    assert not slowly.needs_review


def test_old_failure_told_again_does_not_touch_the_new_try(harness, slowly, cancelled):
    refund = cancelled()
    end_refund(harness, refund, arrived=False)
    services.sync_refunds(slowly.pk, now=NOW)
    services.retry_refund(refund.pk, now=NOW)
    services.sync_refunds(slowly.pk, now=NOW)
    assert fresh(refund).status == RefundStatus.REQUESTED


def test_failed_refund_that_staff_made_at_the_provider_is_not_made_twice(harness, slowly, cancelled):
    refund = cancelled()
    end_refund(harness, refund, arrived=False)
    services.sync_refunds(slowly.pk, now=NOW)
    harness.refund_by_hand(slowly, PAID)
    with_bank = harness.name == "stripe"  # the card's refunds take days, by whomever they are made
    if with_bank:
        services.retry_refund(refund.pk, now=NOW)
        end_refund(harness, refund, arrived=True)
        services.sync_refunds(slowly.pk, now=NOW)
    else:
        with pytest.raises(NotRefundable, match="went back already"):
            services.retry_refund(refund.pk, now=NOW)
    assert (fresh(refund).status, sums(slowly), at_provider(harness, slowly)) == (
        "succeeded",
        (0, PAID),
        [PAID],
    )
