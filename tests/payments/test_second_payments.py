"""A second payment on one Razorpay order, two providers for one session, and refunds made where we don't look."""

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from notifications.models import Kind, Message
from payments import services, tasks
from payments.gateways.base import GatewayUnavailable, RefundResult
from payments.models import Payment, PaymentStatus, Refund, RefundStatus
from payments.reports.audit import audit
from tests.payments.test_settlement import settle as settle_mock
from tests.payments.worlds import razorpay_world, stripe_world

pytestmark = pytest.mark.django_db
PAID = 105_000
razorpay_only = pytest.mark.parametrize("world", ["razorpay"], indirect=True)


@pytest.fixture(autouse=True)
def the_money_adds_up(db):
    yield
    found = audit()
    assert found.problems == []
    assert all(total.is_balanced for total in found.totals.values())


@pytest.fixture
def settled(world, booking) -> Payment:
    payment = world.open(booking)
    world.pay(payment.provider_ref)
    return services.settle(payment.pk, source="test", now=timezone.now())


def hear_all(world) -> None:
    assert {world.deliver(letter) for letter in world.letters()} <= {200}


def look(world, payment) -> None:
    services.reconcile(timezone.now())


def ask_as_staff(world, payment) -> None:
    services.record_second_payments(payment.pk, now=timezone.now())


HEARD = {"webhook": lambda world, payment: hear_all(world), "reconciliation": look, "staff": ask_as_staff}


# One order, two payments


@razorpay_only
@pytest.mark.parametrize("by", HEARD)
def test_second_payment_on_one_order_is_found_flagged_and_given_back(world, booking, settled, by):
    second = world.account.settle_directly(settled.provider_ref)
    for _ in range(2):
        HEARD[by](world, settled)
    surplus = Payment.objects.exclude(pk=settled.pk).get()
    assert (surplus.payment_id, surplus.same_checkout_as, surplus.is_surplus) == (second["id"], settled, True)
    assert (surplus.needs_review, second["id"] in surplus.review_reason) == (True, True)
    refund = Refund.objects.get()
    assert (refund.payment, refund.amount_minor, refund.reason) == (surplus, PAID, Refund.Reason.SURPLUS)
    for _ in range(2):
        services.sweep(timezone.now())
    assert second["amount_refunded"] == PAID
    assert world.account.payments[settled.payment_id]["amount_refunded"] == 0
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert [each.kind for each in Message.objects.filter(event=f"refund:{refund.pk}")] == [Kind.PAID_TWICE]


@razorpay_only
def test_two_payments_on_one_order_that_we_hear_of_together_keep_the_first(world, booking):
    payment = world.open(booking)
    first, second = (world.account.settle_directly(payment.provider_ref) for _ in range(2))
    services.settle(payment.pk, source="test", now=timezone.now())
    payment.refresh_from_db()
    assert payment.payment_id == first["id"]
    assert payment.second_payments.get().payment_id == second["id"]


@razorpay_only
def test_payment_that_counts_keeps_counting_when_an_older_try_comes_in_late(world, booking):
    payment = world.open(booking)
    older = world.account.begin(payment.provider_ref)
    paid = world.account.settle_directly(payment.provider_ref)
    services.settle(payment.pk, source="test", now=timezone.now())
    older.update(status="captured", captured=True, fee=100, tax=10)
    world.account.announce("payment.captured", payment=older)
    hear_all(world)
    payment.refresh_from_db()
    assert (payment.payment_id, payment.refunds.count()) == (paid["id"], 0)
    assert payment.second_payments.get().payment_id == older["id"]


@razorpay_only
def test_second_payment_that_went_back_at_the_dashboard_is_written_down_as_it_is(world, booking, settled):
    second = world.account.settle_directly(settled.provider_ref)
    world.account.refund(second["id"], {"amount": PAID}, "")
    hear_all(world)
    surplus = settled.second_payments.get()
    services.sweep(timezone.now())
    surplus.refresh_from_db()
    assert (surplus.refunded_minor, surplus.reserved_minor, second["amount_refunded"]) == (PAID, 0, PAID)
    found = services.reconcile(timezone.now())
    assert (found.repaired, found.reported) == ([], [])


@razorpay_only
def test_reconciliation_of_a_second_payment_is_quiet_the_second_time(world, booking, settled):
    world.account.settle_directly(settled.provider_ref)
    assert len(services.reconcile(timezone.now()).repaired) == 1
    services.sweep(timezone.now())
    found = services.reconcile(timezone.now())
    assert (found.repaired, found.reported, found.unreachable) == ([], [], [])


@razorpay_only
def test_second_payment_is_seen_by_its_student_and_by_staff(world, client, student, staff, booking, settled):
    world.account.settle_directly(settled.provider_ref)
    hear_all(world)
    surplus = settled.second_payments.get()
    client.force_login(student)
    listed = client.get(reverse("payment_list")).content.decode()
    assert listed.count("₹1,050.00") == 3  # paid, paid, and on its way back
    client.force_login(staff)
    review = client.get(reverse("admin:payments_payment_changelist"), {"attention": "review"})
    assert surplus.reference in review.content.decode()


def test_events_of_a_paid_checkout_with_one_payment_add_nothing(world, booking, settled):
    hear_all(world)
    services.record_second_payments(settled.pk, now=timezone.now())
    assert Payment.objects.get() == settled


# Two providers


@pytest.fixture
def two_checkouts(settings, booking):
    """One at Razorpay, whose widget is still open in some tab, and then one at Stripe."""
    settings.PAYMENT_GATEWAYS = ["razorpay", "stripe"]
    with razorpay_world() as razorpay, stripe_world() as stripe:
        yield razorpay, razorpay.open(booking), stripe, stripe.open(booking)


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
    assert stripe.books.session(second.provider_ref)["status"] == "expired"
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
    settle_mock(paid)


# A refund and the dashboard


def ask(payment, minor) -> Refund:
    return services.enqueue_refund(
        payment.pk, amount_minor=minor, reason=Refund.Reason.STAFF, key="refund-short-1", now=timezone.now()
    )


def at_provider(world, payment) -> list[int]:
    states = world.bench.gateway.list_refunds(payment.payment_id)
    return sorted(state.amount.minor for state in states if state.status is not RefundResult.FAILED)


def test_refund_shortened_by_an_unseen_dashboard_refund_finishes_by_itself(world, booking, settled):
    world.refund_by_hand(settled, 40_000)
    refund = ask(settled, PAID)
    services.send_refund(refund.pk, now=timezone.now())
    refund.refresh_from_db()
    settled.refresh_from_db()
    assert (refund.amount_minor, refund.status, refund.renewals) == (65_000, RefundStatus.SUCCEEDED, 1)
    external = settled.refunds.get(reason=Refund.Reason.EXTERNAL)
    assert (external.amount_minor, external.status) == (40_000, RefundStatus.SUCCEEDED)
    assert (settled.refunded_minor, settled.reserved_minor, settled.needs_review) == (PAID, 0, False)
    assert at_provider(world, settled) == [40_000, 65_000]


def test_shortened_refund_whose_answer_is_lost_happens_once(world, impatient, booking, settled):
    world.refund_by_hand(settled, 40_000)
    refund = ask(settled, PAID)
    lose_the_second_answer(world)
    services.send_refund(refund.pk, now=timezone.now())
    refund.refresh_from_db()
    assert (refund.amount_minor, refund.status) == (65_000, RefundStatus.REQUESTED)
    key = refund.sent_key
    recover(world)
    services.send_refund(refund.pk, now=refund.due_at)
    refund.refresh_from_db()
    assert (refund.status, refund.sent_key) == (RefundStatus.SUCCEEDED, key)
    assert at_provider(world, settled) == [40_000, 65_000]


def lose_the_second_answer(world) -> None:
    """The first one is a refusal, which no network troubles."""
    if world.name == "mock":
        world.provider.loses["refund"] = GatewayUnavailable("timeout")
    elif world.name == "razorpay":
        world.stand_in.fail("POST", "/v1/payments/[^/]+/refund", "lost", 2)
    else:
        world.stand_in.disturb("lost", "POST /v1/refunds", after=1)


def recover(world) -> None:
    if world.name == "mock":
        world.provider.loses.clear()
    else:
        world.recover()


def test_refund_that_the_provider_refuses_for_another_reason_fails_as_before(
    world, booking, settled, monkeypatch
):
    refund = ask(settled, PAID)
    Payment.objects.filter(pk=settled.pk).update(payment_id="made-up")
    services.send_refund(refund.pk, now=timezone.now())
    refund.refresh_from_db()
    assert (refund.status, refund.renewals, refund.amount_minor) == (RefundStatus.FAILED, 0, PAID)
