"""Events that come again, beside others of the same fact, or in the wrong order."""

import pytest

from bookings.models import Status
from payments.models import PaymentStatus, Refund, WebhookEvent
from tests.payments.markers import razorpay_only, stripe_only, with_webhooks
from tests.payments.steps import PAID, PART, assert_booked_once, assert_money, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try")]


@with_webhooks
def test_same_event_three_times_has_one_effect(harness, booking, paid):
    signed_event = harness.paid_event()
    assert [harness.deliver(signed_event) for _ in range(3)] == [200, 200, 200]
    event = WebhookEvent.objects.get()
    assert (event.attempts, event.order, event.error) == (1, paid, "")
    assert_booked_once(booking, paid)


@with_webhooks
def test_different_events_for_one_fact_have_one_effect(harness, booking, paid):
    events = harness.events()
    assert len({signed_event.type for signed_event in events}) >= 2
    assert {harness.deliver(signed_event) for signed_event in events} == {200}
    assert WebhookEvent.objects.filter(order=paid).exclude(processed_at=None).count() == len(events)
    assert_booked_once(booking, paid)


@with_webhooks
@pytest.mark.parametrize("step", [1, -1])
def test_events_in_reversed_order_end_the_same(harness, booking, payment, step):
    harness.decline(payment.provider_ref)
    harness.pay(payment.provider_ref)
    known = harness.gateway.fetch(payment.provider_ref)
    payment.payment_id = known.payment_id
    harness.refund_by_hand(payment, PART)
    for signed_event in harness.events()[::step]:
        assert harness.deliver(signed_event) == 200
    assert fresh(payment).status == PaymentStatus.SUCCEEDED
    assert fresh(booking).status == Status.SCHEDULED
    assert Refund.objects.get().reason == Refund.Reason.EXTERNAL
    assert_money(came_in=PAID, fee=5_000, mentor=100_000 - PART, refunded=PART)


@stripe_only
def test_expired_after_completed_never_moves_back(harness, booking, settled):
    session = harness.fake_stripe.session(settled.provider_ref)
    assert harness.deliver(harness.make_event("checkout.session.expired", session)) == 200
    assert_booked_once(booking, settled)


@razorpay_only
def test_captured_before_authorized_never_moves_back(harness, booking, paid):
    for signed_event in harness.events("payment.captured") + harness.events("payment.authorized"):
        assert harness.deliver(signed_event) == 200
    assert_booked_once(booking, paid)
