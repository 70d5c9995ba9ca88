from datetime import timedelta

import pytest

from bookings.models import Booking, Status
from bookings.services import cancel
from bookings.services import sweep as sweep_bookings
from payments import receivers, services, tasks
from payments.gateways.base import GatewayUnavailable, Money
from payments.models import MockCheckout, PaymentStatus, Refund, RefundStatus
from tests.factories import NOW
from tests.payments.steps import says

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=2)
LATE = NOW + timedelta(minutes=20)


def test_payment_that_nobody_came_back_for_is_settled(booking, paid):
    services.sweep(SOON)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_open_checkout_of_a_held_time_stays_open(payment):
    services.sweep(SOON)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.OPEN


@pytest.mark.parametrize("also_bookings", [True, False])
def test_checkout_of_a_lapsed_hold_is_closed_at_the_provider(payment, also_bookings):
    if also_bookings:
        sweep_bookings(LATE)
    services.sweep(LATE)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.EXPIRED
    assert MockCheckout.objects.get().status == "expired"


def test_checkout_of_a_cancelled_session_is_closed_at_the_provider(booking, payment, student):
    cancel(booking.pk, actor=student, now=SOON)
    services.sweep(SOON)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.EXPIRED


def test_checkout_of_a_session_paid_otherwise_is_closed_at_the_provider(booking, payment):
    Booking.objects.filter(pk=booking.pk).update(status=Status.SCHEDULED, hold_expires_at=None)
    services.sweep(SOON)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.EXPIRED


def test_lapsed_hold_that_was_paid_in_time_is_confirmed(booking, paid):
    sweep_bookings(LATE)
    services.sweep(LATE)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_provider_that_is_down_is_asked_again_and_holds_up_nobody(booking, paid, provider):
    refund = _refund_of_another(booking)
    provider.refuses["expire"] = GatewayUnavailable("timeout")
    services.sweep(LATE)
    paid.refresh_from_db()
    refund.refresh_from_db()
    assert (paid.status, refund.attempts) == (PaymentStatus.OPEN, 1)
    provider.refuses.clear()
    services.sweep(LATE)
    paid.refresh_from_db()
    assert paid.status == PaymentStatus.SUCCEEDED


def test_payment_that_can_not_be_settled_holds_up_no_other_and_waits_behind_them(booking, paid, provider):
    refund = _refund_of_another(booking)
    provider.refuses["fetch"] = LookupError("a currency that nobody knows")
    services.sweep(SOON)
    paid.refresh_from_db()
    refund.refresh_from_db()
    assert (paid.status, paid.ask_at) == (PaymentStatus.OPEN, SOON + timedelta(minutes=1))
    assert refund.attempts == 1


def _refund_of_another(booking) -> Refund:
    other = booking.payments.create(
        amount_minor=100,
        platform_fee_minor=0,
        currency="INR",
        status=PaymentStatus.SUCCEEDED,
        is_surplus=True,
        gateway="mock",
        payment_id="PAY-OTHER",
        succeeded_at=NOW,
        created_at=NOW,
    )
    return services.enqueue_refund(
        other.pk, amount_minor=100, reason=Refund.Reason.SURPLUS, key="refund-other", now=NOW
    )


def test_what_staff_look_at_is_left_to_them(paid, provider, staff):
    says(provider, amount=Money(1, "INR"))
    services.sweep(SOON)
    services.sweep(LATE)
    services.mark_payment_reviewed(paid.pk, actor=staff, now=LATE)
    services.sweep(LATE)
    assert provider.calls == ["create_checkout", "fetch"]


def test_due_refunds_are_sent(booking, paid, student):
    cancel(booking.pk, actor=student, now=SOON)
    services.settle(paid.pk, source="test", now=SOON)
    services.sweep(SOON)
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    paid.refresh_from_db()
    assert (paid.reserved_minor, paid.refunded_minor) == (0, 105_000)


def test_ended_sessions_order_that_no_provider_knows_is_canceled(booking, student):
    cancel(booking.pk, actor=student, now=SOON)
    assert booking.payments.get().status == PaymentStatus.CANCELED


def test_lapsed_sessions_order_that_no_provider_knows_is_canceled(booking):
    sweep_bookings(LATE)
    assert booking.payments.get().status == PaymentStatus.CANCELED


def test_tasks_take_arguments_that_they_do_not_know_yet(booking, paid, student, travel_to):
    cancel(booking.pk, actor=student, now=NOW)
    tasks.sweep(added_later=1)
    tasks.send_refund(Refund.objects.get().pk, added_later=1)
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED


@pytest.fixture
def queued(monkeypatch) -> list[tuple[object, ...]]:
    """What was put into the queue: the broker stands outside."""
    found: list[tuple[object, ...]] = []
    for task in (tasks.sweep, tasks.send_refund):
        monkeypatch.setattr(
            task, "apply_async", lambda args, *_, task=task, **__: found.append((task.name, *args))
        )
    return found


def test_refund_is_queued_when_its_row_is_committed(
    booking, paid, student, queued, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        cancel(booking.pk, actor=student, now=SOON)
        services.settle(paid.pk, source="test", now=SOON)
        assert queued == []
    assert queued == [("payments.tasks.sweep",), ("payments.tasks.send_refund", Refund.objects.get().pk)]


def test_session_that_ends_without_an_open_checkout_wakes_nobody(
    booking, student, queued, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        cancel(booking.pk, actor=student, now=SOON)
    assert queued == []


def test_broker_that_is_down_is_logged_and_breaks_nothing(
    booking, payment, student, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    def refuse(*_, **__):
        raise ConnectionError("broker gone")

    monkeypatch.setattr(tasks.sweep, "apply_async", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        cancel(booking.pk, actor=student, now=SOON)
    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED
    assert "the queue does not answer" in caplog.text


def test_session_held_twice_has_one_order(booking):
    receivers.ask_for_payment(booking=booking, now=NOW)
    assert booking.payments.count() == 1
