from dataclasses import replace
from datetime import timedelta

import pytest

from payments import services, signals
from payments.gateways.base import (
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    IdempotencyKeyUnusable,
    Money,
    RefundResult,
)
from payments.models import MockRefund, Payment, Refund, RefundStatus
from payments.services import NotRefundable
from tests.factories import NOW
from tests.payments.steps import PAID, at_provider, refund_by_staff, send_all, send_when_due, sums

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def settled(paid) -> Payment:
    return services.settle(paid.pk, source="test", now=NOW)


def enqueue_refund(payment, amount_minor=105_000, key="refund-test") -> Refund:
    return services.enqueue_refund(
        payment.pk, amount_minor=amount_minor, reason=Refund.Reason.SURPLUS, key=key, now=NOW
    )


@pytest.fixture
def refund(settled) -> Refund:
    return enqueue_refund(settled)


def send(refund, now=NOW) -> Refund:
    services.send_refund(refund.pk, now=now)
    refund.refresh_from_db()
    refund.payment.refresh_from_db()
    return refund


def money(payment) -> tuple[int, int]:
    payment.refresh_from_db()
    return payment.reserved_minor, payment.refunded_minor


def test_requested_refund_is_reserved_on_the_payment(settled):
    refund = enqueue_refund(settled, 60_000)
    assert refund.reference.startswith("REFUND-")
    assert (refund.status, refund.due_at, refund.attempts) == ("requested", NOW, 0)
    assert money(settled) == (60_000, 0)


def test_same_key_is_the_same_refund(settled):
    assert enqueue_refund(settled) == enqueue_refund(settled)
    assert money(settled) == (105_000, 0)


def test_refunds_in_parts_up_to_the_total_and_no_further(settled):
    enqueue_refund(settled, 60_000, "a")
    enqueue_refund(settled, 45_000, "b")
    with pytest.raises(NotRefundable):
        enqueue_refund(settled, 1, "c")
    assert money(settled) == (105_000, 0)


@pytest.mark.parametrize("amount", [0, -1, 105_001])
def test_amount_that_cannot_go_back_is_refused(settled, amount):
    with pytest.raises(NotRefundable):
        enqueue_refund(settled, amount)
    assert Refund.objects.count() == 0


def test_payment_that_did_not_succeed_is_not_refunded(payment):
    with pytest.raises(NotRefundable):
        enqueue_refund(payment)


def test_sent_refund_is_done_and_announced(refund):
    heard = []

    def hear(refund, now, **_):
        heard.append((refund.reference, now))

    signals.refund_succeeded.connect(hear)
    send(refund)
    signals.refund_succeeded.disconnect(hear)
    assert (refund.status, refund.succeeded_at, refund.attempts) == ("succeeded", NOW, 1)
    assert refund.provider_id == MockRefund.objects.get().refund_id
    assert money(refund.payment) == (0, 105_000)
    assert heard == [(refund.reference, NOW)]


def test_refund_is_sent_once(refund, provider):
    assert services.send_refund(refund.pk, now=NOW)
    assert not services.send_refund(refund.pk, now=NOW + timedelta(days=1))
    assert provider.calls.count("refund") == MockRefund.objects.count() == 1


def test_refund_that_is_being_sent_is_left_to_that_worker(refund, provider):
    def other_worker(state):
        assert not services.send_refund(refund.pk, now=NOW)
        return state

    provider.says["refund"] = other_worker
    assert send(refund).status == RefundStatus.SUCCEEDED


def test_lost_answer_is_asked_for_again_with_the_same_key(refund, provider):
    provider.loses["refund"] = GatewayUnavailable("timeout")
    send(refund)
    assert (refund.status, refund.error, refund.attempts) == ("requested", "timeout", 1)
    assert refund.due_at == NOW + MINUTE
    assert money(refund.payment) == (105_000, 0)
    provider.loses.clear()
    send(refund, now=NOW + MINUTE)
    assert (refund.status, refund.error, MockRefund.objects.count()) == ("succeeded", "", 1)


def test_tries_grow_apart(refund, provider):
    provider.refuses["refund"] = GatewayMisconfigured("bad key")
    waits = []
    now = NOW
    for _ in range(7):
        send(refund, now=now)
        waits.append(refund.due_at - now)
        now = refund.due_at
    minutes = [int(wait / MINUTE) for wait in waits]
    assert minutes == [1, 5, 15, 60, 360, 360, 360]
    assert refund.status == RefundStatus.REQUESTED


def test_refund_that_is_not_due_waits(refund, provider):
    provider.refuses["refund"] = GatewayUnavailable("timeout")
    send(refund)
    assert not services.send_refund(refund.pk, now=NOW + timedelta(seconds=59))
    assert provider.calls.count("refund") == 1


def test_refund_that_got_through_unnoticed_is_found_in_the_providers_list(refund, provider):
    provider.loses["refund"] = GatewayRejected("already refunded")
    assert send(refund).status == RefundStatus.SUCCEEDED
    assert "list_refunds" in provider.calls


def test_rejected_refund_goes_to_staff_and_stays_owed(refund, provider, caplog):
    provider.refuses["refund"] = GatewayRejected("account closed")
    send(refund)
    assert (refund.status, refund.error) == (RefundStatus.FAILED, "account closed")
    assert refund.payment.needs_review
    assert refund.reference in refund.payment.review_reason
    assert money(refund.payment) == (105_000, 0)
    assert "refund failed" in caplog.messages


def test_pending_refund_is_asked_after_until_it_is_done(refund, provider):
    provider.says["refund"] = lambda state: replace(state, status=RefundResult.PENDING)
    send(refund)
    assert (refund.status, money(refund.payment)) == (RefundStatus.PENDING, (105_000, 0))
    send(refund, now=refund.due_at)
    assert (refund.status, money(refund.payment)) == (RefundStatus.SUCCEEDED, (0, 105_000))
    assert provider.calls.count("refund") == provider.calls.count("fetch_refund") == 1


def test_pending_refund_that_fails_later_goes_to_staff(refund, provider):
    provider.says["refund"] = lambda state: replace(state, status=RefundResult.PENDING)
    send(refund)
    provider.says["fetch_refund"] = lambda state: replace(
        state, status=RefundResult.FAILED, failure="The card is closed."
    )
    send(refund, now=refund.due_at)
    assert (refund.status, refund.error) == (RefundStatus.FAILED, "The card is closed.")
    assert refund.provider_id
    assert refund.payment.needs_review


# What goes back at the provider itself


def by_hand(provider, payment, minor) -> None:
    payment.refresh_from_db()
    provider.refund(payment.payment_id, Money(minor, "INR"), key=f"by-hand-{minor}", ref="", reason="")


def rows(payment) -> list[tuple[str, int, str]]:
    found = payment.refunds.order_by("pk").values_list("reason", "amount_minor", "status")
    return list(found)


def test_what_goes_back_at_the_provider_is_recorded_once(settled, provider):
    by_hand(provider, settled, 40_000)
    for _ in range(2):
        services.sync_refunds(settled.pk, now=NOW)
    assert rows(settled) == [("external", 40_000, "succeeded")]
    assert money(settled) == (0, 40_000)


@pytest.mark.parametrize(
    ("owed", "gone", "left"),
    [
        (105_000, 40_000, ("surplus", 65_000, "requested")),
        (60_000, 50_000, ("surplus", 55_000, "requested")),
        (60_000, 105_000, ("surplus", 60_000, "dropped")),
    ],
)
def test_unsent_refund_gives_way_to_what_went_back_at_the_provider(settled, provider, owed, gone, left):
    enqueue_refund(settled, owed)
    by_hand(provider, settled, gone)
    services.sync_refunds(settled.pk, now=NOW)
    assert rows(settled) == [left, ("external", gone, "succeeded")]
    assert money(settled) == (left[1] if left[2] == "requested" else 0, gone)


def test_refused_refund_is_done_when_as_much_went_back_at_the_provider(settled, provider):
    by_hand(provider, settled, 105_000)
    send(enqueue_refund(settled))
    assert rows(settled) == [("surplus", 105_000, "succeeded")]
    assert not settled.needs_review


def test_refused_refund_is_sent_for_what_the_provider_has_left(settled, provider):
    refund = enqueue_refund(settled)
    by_hand(provider, settled, 40_000)
    send(refund)
    assert rows(settled) == [("surplus", 65_000, "succeeded"), ("external", 40_000, "succeeded")]
    assert money(settled) == (0, 105_000)


def test_more_than_can_have_gone_back_is_left_to_staff(settled, provider):
    send(enqueue_refund(settled, 60_000))
    Payment.objects.update(refunded_minor=100_000)
    by_hand(provider, settled, 45_000)
    services.sync_refunds(settled.pk, now=NOW)
    settled.refresh_from_db()
    assert settled.needs_review
    assert rows(settled) == [("surplus", 60_000, "succeeded")]


# Keys


def test_spent_key_is_followed_by_a_new_one(refund, provider):
    provider.refuses["refund"] = IdempotencyKeyUnusable("only ever 500")
    first = refund.sent_key
    send(refund)
    assert (refund.status, refund.renewals, refund.sent_key != first) == ("requested", 1, True)
    provider.refuses.clear()
    send(refund, now=refund.due_at)
    assert (refund.status, MockRefund.objects.get().our_ref) == ("succeeded", f"{refund.reference}-2")


def test_spent_key_whose_refund_was_made_after_all_is_not_sent_again(refund, provider):
    provider.loses["refund"] = IdempotencyKeyUnusable("only ever 500")
    assert (send(refund).status, refund.renewals, MockRefund.objects.count()) == ("succeeded", 0, 1)


def test_refund_that_is_asked_after_at_once_keeps_its_key(refund, provider):
    provider.refuses["refund"] = GatewayUnavailable("timeout")
    send(refund)
    again = services.retry_refund(refund.pk, now=NOW)
    assert (again.due_at, again.renewals, "list_refunds" in provider.calls) == (NOW, 0, False)


# With every gateway


def test_refund_of_everything(harness, settled, staff):
    refund = send_when_due(refund_by_staff(settled, staff, PAID))
    assert (refund.status, refund.reason, refund.actor) == ("succeeded", "staff", staff)
    assert (sums(settled), at_provider(harness, settled)) == ((0, PAID), [PAID])


def test_refunds_in_parts_reach_the_provider_up_to_the_total_and_no_further(harness, settled, staff):
    for minor in (30_000, 70_000, 5_000):
        send_when_due(refund_by_staff(settled, staff, minor))
    with pytest.raises(NotRefundable):
        refund_by_staff(settled, staff, 1)
    assert (sums(settled), at_provider(harness, settled)) == ((0, PAID), [30_000, 70_000, 5_000])


@pytest.mark.parametrize("minor", [0, -1, PAID + 1])
def test_nothing_and_more_than_was_paid_are_refused(harness, settled, staff, minor):
    with pytest.raises(NotRefundable):
        refund_by_staff(settled, staff, minor)
    assert at_provider(harness, settled) == []


def test_what_is_on_its_way_is_not_refunded_again(harness, settled, staff):
    refund_by_staff(settled, staff, 100_000)
    with pytest.raises(NotRefundable):
        refund_by_staff(settled, staff, 5_001)


def test_two_clicks_and_two_staff_on_one_page_make_one_refund(harness, settled, staff):
    """In parallel in tests/concurrency/test_refund_race.py."""
    refunds = {refund_by_staff(settled, staff, 40_000, seen=0).pk for _ in range(2)}
    with pytest.raises(NotRefundable, match="look again"):
        refund_by_staff(settled, staff, 50_000, seen=0)
    send_all()
    assert (len(refunds), at_provider(harness, settled)) == (1, [40_000])


def test_refund_beside_a_dispute_is_refused(harness, settled, staff):
    Payment.objects.update(is_disputed=True)
    with pytest.raises(NotRefundable, match="bank"):
        refund_by_staff(settled, staff, 100)
