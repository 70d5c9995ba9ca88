"""A second payment on one Razorpay order, two providers for one session, and refunds made where we don't look."""

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.models import BookingEvent, Status
from notifications.models import Kind, Message
from payments import services, tasks
from payments.gateways.base import GatewayUnavailable
from payments.models import Payment, PaymentStatus, Refund, RefundStatus
from tests.payments.markers import razorpay_only
from tests.payments.steps import PAID, assert_booked_once, assert_money, fresh, settle, sweep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_money_adds_up")]


def look(harness, payment) -> None:
    services.reconcile(timezone.now())


def ask_as_staff(harness, payment) -> None:
    services.record_second_payments(payment.pk, now=timezone.now())


HEARD = {
    "webhook": lambda harness, payment: harness.deliver_all(),
    "reconciliation": look,
    "staff": ask_as_staff,
}


# One order, two payments


@razorpay_only
@pytest.mark.parametrize("by", HEARD)
def test_second_payment_on_one_order_is_found_flagged_and_given_back(harness, booking, settled, by):
    second = harness.fake_razorpay.settle_directly(settled.provider_ref)
    for _ in range(2):
        HEARD[by](harness, settled)
    surplus = Payment.objects.exclude(pk=settled.pk).get()
    assert (surplus.payment_id, surplus.same_checkout_as, surplus.is_surplus) == (second["id"], settled, True)
    assert (surplus.needs_review, second["id"] in surplus.review_reason) == (True, True)
    refund = Refund.objects.get()
    assert (refund.payment, refund.amount_minor, refund.reason) == (surplus, PAID, Refund.Reason.SURPLUS)
    for _ in range(2):
        services.sweep(timezone.now())
    assert second["amount_refunded"] == PAID
    assert harness.fake_razorpay.payments[settled.payment_id]["amount_refunded"] == 0
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert [each.kind for each in Message.objects.filter(event=f"refund:{refund.pk}")] == [Kind.PAID_TWICE]


@razorpay_only
def test_two_payments_on_one_order_that_we_hear_of_together_keep_the_first(harness, booking):
    payment = harness.open(booking)
    first, second = (harness.fake_razorpay.settle_directly(payment.provider_ref) for _ in range(2))
    services.settle(payment.pk, source="test", now=timezone.now())
    payment.refresh_from_db()
    assert payment.payment_id == first["id"]
    assert payment.second_payments.get().payment_id == second["id"]


@razorpay_only
def test_payment_that_counts_keeps_counting_when_an_older_try_comes_in_late(harness, booking):
    payment = harness.open(booking)
    older = harness.fake_razorpay.begin(payment.provider_ref)
    paid = harness.fake_razorpay.settle_directly(payment.provider_ref)
    services.settle(payment.pk, source="test", now=timezone.now())
    older.update(status="captured", captured=True, fee=100, tax=10)
    harness.fake_razorpay.announce("payment.captured", payment=older)
    harness.deliver_all()
    payment.refresh_from_db()
    assert (payment.payment_id, payment.refunds.count()) == (paid["id"], 0)
    assert payment.second_payments.get().payment_id == older["id"]


@razorpay_only
def test_second_payment_that_went_back_at_the_dashboard_is_written_down_as_it_is(harness, booking, settled):
    second = harness.fake_razorpay.settle_directly(settled.provider_ref)
    harness.fake_razorpay.refund(second["id"], {"amount": PAID}, "")
    harness.deliver_all()
    surplus = settled.second_payments.get()
    services.sweep(timezone.now())
    surplus.refresh_from_db()
    assert (surplus.refunded_minor, surplus.reserved_minor, second["amount_refunded"]) == (PAID, 0, PAID)
    found = services.reconcile(timezone.now())
    assert (found.repaired, found.reported) == ([], [])


@razorpay_only
def test_reconciliation_of_a_second_payment_is_quiet_the_second_time(harness, booking, settled):
    harness.fake_razorpay.settle_directly(settled.provider_ref)
    assert len(services.reconcile(timezone.now()).repaired) == 1
    services.sweep(timezone.now())
    found = services.reconcile(timezone.now())
    assert (found.repaired, found.reported, found.unreachable) == ([], [], [])


@razorpay_only
def test_second_payment_is_seen_by_its_student_and_by_staff(
    harness, client, student, staff, booking, settled
):
    harness.fake_razorpay.settle_directly(settled.provider_ref)
    harness.deliver_all()
    surplus = settled.second_payments.get()
    client.force_login(student)
    listed = client.get(reverse("payment_list")).content.decode()
    assert listed.count("₹1,050.00") == 3  # paid, paid, and on its way back
    client.force_login(staff)
    review = client.get(reverse("admin:payments_payment_changelist"), {"attention": "review"})
    assert surplus.reference in review.content.decode()


def test_events_of_a_paid_checkout_with_one_payment_add_nothing(harness, booking, settled):
    harness.deliver_all()
    services.record_second_payments(settled.pk, now=timezone.now())
    assert Payment.objects.get() == settled


# Two providers


@pytest.fixture
def two_checkouts(settings, booking, razorpay_harness, stripe_harness):
    """One at Razorpay, whose widget is still open in some tab, and then one at Stripe."""
    settings.PAYMENT_GATEWAYS = ["razorpay", "stripe"]
    return razorpay_harness, razorpay_harness.open(booking), stripe_harness, stripe_harness.open(booking)


@pytest.fixture
def queued(monkeypatch):
    """What the worker was given, in order."""
    found: list[tuple[str, tuple]] = []
    for task in (tasks.close_checkout, tasks.send_refund, tasks.sweep):
        name = task.name
        monkeypatch.setattr(task, "apply_async", lambda args, *_, name=name, **__: found.append((name, args)))
    return found


def test_other_providers_checkout_is_closed_at_once_by_the_worker(
    booking, two_checkouts, queued, django_capture_on_commit_callbacks
):
    razorpay, first, stripe, second = two_checkouts
    razorpay.pay(first.provider_ref)
    with django_capture_on_commit_callbacks(execute=True):
        services.settle(first.pk, source="test", now=timezone.now())
    assert queued == [("payments.tasks.close_checkout", (second.pk,))]
    tasks.close_checkout(second.pk)
    assert stripe.fake_stripe.session(second.provider_ref)["status"] == "expired"
    second.refresh_from_db()
    booking.refresh_from_db()
    assert (second.status, booking.status) == (PaymentStatus.EXPIRED, Status.SCHEDULED)


def test_checkout_that_was_paid_as_well_before_it_is_closed_goes_back(booking, two_checkouts):
    razorpay, first, stripe, second = two_checkouts
    razorpay.pay(first.provider_ref)
    services.settle(first.pk, source="test", now=timezone.now())
    stripe.pay(second.provider_ref)
    tasks.close_checkout(second.pk)
    second.refresh_from_db()
    assert (second.status, second.is_surplus, second.reserved_minor) == ("succeeded", True, PAID)


def test_worker_leaves_a_provider_that_is_down_to_the_sweep(booking, paid, provider, caplog):
    provider.refuses["expire"] = GatewayUnavailable("timeout")
    tasks.close_checkout(paid.pk)
    assert "checkout not closed" in caplog.messages
    provider.refuses.clear()
    settle(paid)


# A refund and the dashboard


# Two checkouts of one session


def test_two_payments_for_one_session_keep_one_and_give_the_other_back(harness, booking, paid):
    # The first is over for us, so that a second is made, and both are paid.
    Payment.objects.filter(pk=paid.pk).update(status=PaymentStatus.EXPIRED)
    second = harness.open(booking)
    assert second.pk != paid.pk
    harness.pay(second.provider_ref)
    settle(second)
    settle(paid)
    for _ in range(2):
        sweep()
    assert (fresh(second).is_surplus, fresh(paid).is_surplus) == (False, True)
    assert [(each.payment, each.status) for each in Refund.objects.all()] == [(paid, RefundStatus.SUCCEEDED)]
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1
    assert_money(came_in=2 * PAID, fee=5_000, mentor=100_000, refunded=PAID)


@razorpay_only
def test_what_razorpay_returns_by_itself_is_left_to_it(harness, booking, payment):
    late = harness.fake_razorpay.begin(payment.provider_ref)
    harness.pay(payment.provider_ref)
    harness.fake_razorpay.authorize(late["id"])
    assert harness.fake_razorpay.payments[late["id"]]["captured"] is False
    harness.deliver_all()
    assert not Refund.objects.exists()
    assert_booked_once(booking, payment)
