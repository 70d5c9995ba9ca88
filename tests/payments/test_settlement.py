import logging
from datetime import timedelta

import pytest

from bookings.models import Booking, BookingEvent, Status
from bookings.services import book, cancel, sweep
from mentors.models import Mentor
from payments import services, signals
from payments.gateways.base import GatewayUnavailable, Money, PayStatus
from payments.gateways.mock import Outcome, simulate
from payments.models import AT_PROVIDER, Payment, PaymentStatus, Refund
from tests.factories import NOW, BookingFactory, UserFactory
from tests.payments.factories import STARTS_AT, URLS
from tests.payments.gateway_harness import HARNESSES, WITH_WEBHOOKS
from tests.payments.steps import assert_booked_once, says
from tests.payments.steps import sweep as sweep_all

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=2)
LATE = NOW + timedelta(minutes=20)


def settle(payment, now=SOON) -> Payment:
    return services.settle(payment.pk, source="test", now=now)


@pytest.fixture
def told():
    """Names of the signals that were sent, in order."""
    heard: list[str] = []
    receivers = []
    for name in ("payment_succeeded", "payment_failed", "refund_requested", "refund_succeeded"):

        def hear(name=name, **_):
            heard.append(name)

        getattr(signals, name).connect(hear)
        receivers.append((name, hear))
    yield heard
    for name, hear in receivers:
        getattr(signals, name).disconnect(hear)


def scheduled_events(booking) -> int:
    return booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count()


def test_paid_confirms_the_session(booking, paid, told):
    payment = settle(paid)
    booking.refresh_from_db()
    assert (payment.status, payment.succeeded_at, payment.is_surplus) == ("succeeded", SOON, False)
    assert payment.payment_id.startswith("PAY-")
    assert (booking.status, booking.hold_expires_at) == (Status.SCHEDULED, None)
    assert told == ["payment_succeeded"]


def test_settling_again_changes_nothing(booking, paid, told, provider):
    first = settle(paid)
    again = settle(paid, now=LATE)
    assert again.succeeded_at == first.succeeded_at
    assert scheduled_events(booking) == 1
    assert told == ["payment_succeeded"]
    assert provider.calls.count("fetch") == 1


def test_order_that_no_provider_knows_is_left_alone(booking, provider):
    order = booking.payments.get()
    assert settle(order).status == PaymentStatus.CREATED
    assert provider.calls == []


def test_unpaid_checkout_stays_open(booking, payment, told):
    assert settle(payment).status == PaymentStatus.OPEN
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT
    assert told == []


def test_declined_card_is_recorded_and_the_checkout_stays_open(booking, payment, told):
    simulate(payment.provider_ref, Outcome.FAILURE)
    settled = settle(payment)
    assert (settled.status, settled.failure) == (PaymentStatus.OPEN, "The card was declined.")
    assert told == []


def test_declined_card_then_paid_on_the_same_checkout_is_one_payment(booking, payment):
    simulate(payment.provider_ref, Outcome.FAILURE)
    settle(payment)
    simulate(payment.provider_ref, Outcome.SUCCESS)
    settled = settle(payment)
    assert (settled.status, settled.failure) == (PaymentStatus.SUCCEEDED, "")
    assert booking.payments.count() == 1


@pytest.mark.parametrize(
    "status", [PayStatus.PROCESSING, PayStatus.AUTHORIZED, PayStatus.EXPIRED, PayStatus.CANCELED]
)
def test_unpaid_state_moves_the_payment_and_not_the_session(booking, payment, provider, told, status):
    says(provider, status=status)
    assert settle(payment).status == status.value
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT
    assert told == []


def test_final_failure_is_announced_once(payment, provider, told):
    says(provider, status=PayStatus.FAILED, failure="The bank said no.")
    settle(payment)
    assert settle(payment).failure == "The bank said no."
    assert told == ["payment_failed"]


@pytest.mark.parametrize("old", [PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.CANCELED])
@pytest.mark.parametrize("said", [PayStatus.OPEN, PayStatus.PROCESSING, PayStatus.AUTHORIZED])
def test_payment_never_moves_back(payment, provider, old, said):
    Payment.objects.filter(pk=payment.pk).update(status=old)
    says(provider, status=said)
    assert settle(payment).status == old


@pytest.mark.parametrize(
    "old", [PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.CANCELED, *AT_PROVIDER]
)
def test_money_that_came_in_counts_whatever_was_written_before(booking, paid, old):
    Payment.objects.filter(pk=paid.pk).update(status=old)
    assert settle(paid).status == PaymentStatus.SUCCEEDED
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_provider_that_is_down_changes_nothing(booking, paid, provider):
    provider.refuses["fetch"] = GatewayUnavailable("timeout")
    before = Payment.objects.values().get()
    with pytest.raises(GatewayUnavailable):
        settle(paid)
    assert Payment.objects.values().get() == before
    provider.refuses.clear()
    assert settle(paid).status == PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("amount", [Money(104_999, "INR"), Money(105_000, "USD"), Money(1, "JPY"), None])
def test_other_amount_or_currency_is_not_accepted_and_goes_to_staff(
    booking, paid, provider, amount, told, caplog
):
    says(provider, amount=amount)
    with caplog.at_level(logging.ERROR, "payments"):
        settled = settle(paid)
        settle(paid)
    booking.refresh_from_db()
    assert (settled.status, settled.needs_review) == (PaymentStatus.OPEN, True)
    assert "105000 INR" in settled.review_reason
    assert (booking.status, told) == (Status.AWAITING_PAYMENT, [])
    assert [record.message for record in caplog.records] == ["payment mismatch"]


def test_reviewed_payment_remembers_by_whom(paid, provider, staff):
    says(provider, amount=Money(1, "INR"))
    settle(paid)
    assert services.mark_payment_reviewed(paid.pk, actor=staff, now=LATE)
    assert not services.mark_payment_reviewed(paid.pk, actor=staff, now=LATE)
    paid.refresh_from_db()
    assert (paid.needs_review, paid.reviewed_by, paid.reviewed_at) == (False, staff, LATE)
    assert paid.review_reason


def test_late_payment_confirms_when_the_time_is_still_free(booking, paid):
    settle(paid, now=LATE)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert Refund.objects.count() == 0


def test_late_payment_after_the_sweep_confirms_when_the_time_is_still_free(booking, paid):
    sweep(LATE)
    settle(paid, now=LATE)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert booking.claims.filter(expires_at=None).count() == 2


@pytest.fixture
def taken(booking) -> Booking:
    """Somebody else got the time after the hold had run out."""
    return book(
        student=UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=LATE,
    )


def test_late_payment_for_a_time_that_is_taken_goes_back_once(booking, paid, taken, told):
    settled = settle(paid, now=LATE)
    settle(paid, now=LATE)
    refund = Refund.objects.get()
    booking.refresh_from_db()
    assert (settled.status, settled.reserved_minor, settled.is_surplus) == ("succeeded", 105_000, False)
    assert (refund.amount_minor, refund.reason, refund.status) == (105_000, "not_confirmed", "requested")
    assert "taken" in refund.note
    assert told == ["payment_succeeded", "refund_requested"]
    assert booking.status == Status.EXPIRED
    taken.refresh_from_db()
    assert taken.status == Status.AWAITING_PAYMENT


def test_payment_of_a_session_cancelled_meanwhile_goes_back(booking, paid, student):
    cancel(booking.pk, actor=student, now=SOON)
    settle(paid)
    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED
    assert Refund.objects.get().amount_minor == 105_000


def test_payment_after_the_start_goes_back(booking, paid):
    settle(paid, now=STARTS_AT)
    assert Refund.objects.get().reason == Refund.Reason.NOT_CONFIRMED


def test_payment_for_a_mentor_who_left_goes_back_and_is_not_asked_for_again(booking, paid):
    Mentor.objects.update(status=Mentor.Status.SUSPENDED)
    settle(paid)
    assert Refund.objects.get().reason == Refund.Reason.NOT_CONFIRMED
    Mentor.objects.update(status=Mentor.Status.APPROVED)
    with pytest.raises(services.NotPayable, match="on its way back"):
        services.open_checkout(booking.pk, "mock", now=SOON, urls=URLS)


def test_second_payment_of_a_session_is_surplus_and_goes_back_once(booking, paid, told):
    Payment.objects.filter(pk=paid.pk).update(status=PaymentStatus.EXPIRED)
    second = services.open_checkout(booking.pk, "mock", now=SOON, urls=URLS)
    simulate(second.provider_ref, Outcome.SUCCESS)
    settle(second)
    first = settle(paid)
    settle(paid)
    second.refresh_from_db()
    refund = Refund.objects.get()
    assert (second.is_surplus, first.is_surplus) == (False, True)
    assert (refund.payment, refund.amount_minor, refund.reason) == (first, 105_000, "surplus")
    assert scheduled_events(booking) == 1
    assert told == ["payment_succeeded", "payment_succeeded", "refund_requested"]


def test_closing_an_unpaid_checkout_expires_it(payment):
    closed = services.close_checkout(payment.pk, source="test", now=SOON)
    assert closed.status == PaymentStatus.EXPIRED
    simulate(payment.provider_ref, Outcome.SUCCESS)
    assert settle(payment).status == PaymentStatus.EXPIRED


def test_closing_a_checkout_that_was_paid_confirms(booking, paid):
    assert services.close_checkout(paid.pk, source="test", now=SOON).status == PaymentStatus.SUCCEEDED
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_closing_what_is_not_open_asks_nobody(booking, provider):
    services.close_checkout(booking.payments.get().pk, source="test", now=SOON)
    assert provider.calls == []


def test_failure_in_the_middle_leaves_nothing_half_done(booking, paid):
    def break_down(**_):
        raise RuntimeError("database gone")

    signals.payment_succeeded.connect(break_down)
    try:
        with pytest.raises(RuntimeError):
            settle(paid)
    finally:
        signals.payment_succeeded.disconnect(break_down)
    paid.refresh_from_db()
    assert paid.status == PaymentStatus.OPEN
    assert settle(paid).status == PaymentStatus.SUCCEEDED


def test_other_sessions_are_not_touched(booking, paid):
    other = BookingFactory(status=Status.AWAITING_PAYMENT, price_minor=100_000)
    settle(paid)
    other.refresh_from_db()
    assert other.status == Status.AWAITING_PAYMENT


# Webhook, return and sweep


def hear(harness, client, payment) -> None:
    harness.deliver_all()


def return_(harness, client, payment) -> None:
    harness.come_back(client, payment)


def clock(harness, client, payment) -> None:
    sweep_all()


ORDERS = {
    "webhook, return": ([hear, return_], WITH_WEBHOOKS),
    "return, webhook": ([return_, hear], WITH_WEBHOOKS),
    "return only": ([return_], HARNESSES),
    "sweep only": ([clock, clock], HARNESSES),
    "all": ([hear, return_, clock, hear], HARNESSES),
}


@pytest.mark.parametrize(
    ("order", "harness"),
    [(order, name) for order, (_, names) in ORDERS.items() for name in names],
    indirect=["harness"],
)
def test_webhook_return_and_sweep_in_any_order_book_once(harness, signed_in, booking, paid, order):
    for step in ORDERS[order][0]:
        step(harness, signed_in, paid)
    assert_booked_once(booking, paid)
