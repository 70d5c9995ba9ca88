"""Holds and checkouts live together, and the sweep asks as often as it has to."""

import threading
import time
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone

from bookings.engine.offered import conditions_of
from bookings.models import Booking, Status, TimeClaim
from bookings.services import SlotTaken, accept, book
from mentors.models import SessionType
from payments import services
from payments.gateways.base import GatewayUnavailable, IdempotencyKeyUnusable, PayStatus
from payments.gateways.mock import Outcome, simulate
from payments.models import Payment, PaymentStatus
from payments.services.checkout import GRACE
from tests.factories import NOW, BookingFactory, SessionTypeFactory, UserFactory
from tests.payments.factories import STARTS_AT, URLS
from tests.payments.markers import with_webhooks
from tests.payments.steps import assert_booked_once, says, settle

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=31)


def open_checkout(booking, now=NOW):
    return services.open_checkout(booking.pk, "mock", now=now, urls=URLS)


def held_until(booking):
    booking.refresh_from_db()
    assert set(booking.claims.values_list("expires_at", flat=True)) == {booking.hold_expires_at}
    return booking.hold_expires_at


def test_hold_outlasts_its_first_checkout_by_two_minutes(booking, provider, monkeypatch):
    monkeypatch.setattr(provider, "shortest_checkout", HALF_AN_HOUR)
    payment = open_checkout(booking)
    assert payment.checkout_expires_at == NOW + HALF_AN_HOUR
    assert held_until(booking) == NOW + HALF_AN_HOUR + timedelta(minutes=2)


def test_expiry_is_on_record_before_the_provider_is_asked(booking, provider):
    provider.refuses["create_checkout"] = GatewayUnavailable("timeout")
    with pytest.raises(GatewayUnavailable):
        open_checkout(booking)
    assert booking.payments.get().checkout_expires_at == NOW + timedelta(minutes=15)
    assert held_until(booking) == NOW + timedelta(minutes=17)


def test_further_checkouts_do_not_lengthen_the_hold(booking, payment, provider, monkeypatch):
    monkeypatch.setattr(provider, "shortest_checkout", HALF_AN_HOUR)
    services.close_checkout(payment.pk, source="test", now=NOW)
    second = open_checkout(booking, NOW + timedelta(minutes=10))
    assert second.checkout_expires_at == NOW + timedelta(minutes=41)
    assert held_until(booking) == NOW + timedelta(minutes=15) + GRACE


def test_hold_never_reaches_into_the_session(booking, provider, monkeypatch):
    begins = NOW + timedelta(minutes=20)
    Booking.objects.filter(pk=booking.pk).update(starts_at=begins)
    monkeypatch.setattr(provider, "shortest_checkout", HALF_AN_HOUR)
    open_checkout(booking)
    assert held_until(booking) == begins


def test_checkout_for_a_long_hold_is_one_that_providers_take(mentor, student, provider):
    session_type = SessionTypeFactory(mentor=mentor, requires_approval=True)
    request = book(
        student=student, session_type=session_type, duration_minutes=60, starts_at=STARTS_AT, now=NOW
    )
    booking = accept(request.pk, actor=mentor.user, now=NOW)
    assert booking.hold_expires_at == NOW + timedelta(hours=24)
    payment = open_checkout(booking)
    assert payment.checkout_expires_at == NOW + timedelta(hours=23)
    assert held_until(booking) == NOW + timedelta(hours=24)


def test_key_that_is_spent_is_followed_by_a_new_one_in_the_same_press(booking, provider):
    def spent_once(checkout):
        del provider.says["create_checkout"]
        raise IdempotencyKeyUnusable("the key only repeats a failure")

    provider.says["create_checkout"] = spent_once
    assert open_checkout(booking).attempt == 2


def test_key_that_is_spent_twice_is_an_error(booking, provider):
    provider.refuses["create_checkout"] = IdempotencyKeyUnusable("no")
    with pytest.raises(IdempotencyKeyUnusable):
        open_checkout(booking)
    assert provider.calls == ["create_checkout"] * 2


# The bank


@pytest.mark.parametrize("status", [PayStatus.PROCESSING, PayStatus.AUTHORIZED])
def test_time_is_kept_while_the_bank_has_the_last_word(booking, payment, provider, status):
    says(provider, status=status)
    services.settle(payment.pk, source="test", now=NOW)
    assert held_until(booking) == STARTS_AT


@pytest.mark.parametrize("end", [PayStatus.FAILED, PayStatus.CANCELED, PayStatus.EXPIRED])
def test_time_is_free_again_when_the_bank_said_no(booking, payment, provider, end):
    says(provider, status=PayStatus.PROCESSING)
    services.settle(payment.pk, source="test", now=NOW)
    says(provider, status=end)
    services.settle(payment.pk, source="test", now=NOW)
    booking.refresh_from_db()
    assert (booking.status, booking.claims.count()) == (Status.EXPIRED, 0)


def test_time_stays_held_when_a_checkout_just_fails(booking, payment, provider):
    says(provider, status=PayStatus.FAILED, failure="No.")
    services.settle(payment.pk, source="test", now=NOW)
    assert held_until(booking) == NOW + timedelta(minutes=17)
    assert open_checkout(booking).pk != payment.pk


def test_lapsed_hold_is_not_revived_by_a_bank_that_thinks(booking, payment, provider):
    says(provider, status=PayStatus.PROCESSING)
    services.settle(payment.pk, source="test", now=NOW + timedelta(minutes=20))
    assert held_until(booking) == NOW + timedelta(minutes=17)


# How often


def asked_at(provider, sweeps):
    """The minutes after which one of these sweeps asked the provider."""
    minutes = []
    for minute in sweeps:
        before = len(provider.calls)
        services.sweep(NOW + timedelta(minutes=minute))
        if len(provider.calls) > before:
            minutes.append(minute)
    return minutes


def test_provider_is_asked_every_minute_at_first_and_less_often_later(booking, payment, provider):
    says(provider, status=PayStatus.PROCESSING)
    found = asked_at(provider, range(1, 300))
    waits = [after - before for before, after in pairwise(found)]
    assert waits[:5] == [1] * 5
    assert waits == sorted(waits)
    assert 20 <= max(waits) <= 30


def test_checkout_whose_hold_is_over_is_closed_at_once_however_rarely_it_was_asked_after(payment, provider):
    payment.ask_at = NOW + timedelta(days=1)
    payment.save()
    services.sweep(NOW + timedelta(minutes=17))
    payment.refresh_from_db()
    assert (payment.status, payment.ask_at) == (PaymentStatus.EXPIRED, None)


def test_provider_that_did_not_answer_is_asked_by_the_next_sweep(payment, provider):
    provider.refuses["fetch"] = GatewayUnavailable("timeout")
    assert asked_at(provider, [1, 2, 3]) == [1, 2, 3]


@pytest.fixture
def others(payment, student) -> Payment:
    """A second one, held for the same student with another mentor."""
    other = BookingFactory(
        status=Status.AWAITING_PAYMENT,
        session_type__price_minor=100_000,
        student=student,
        starts_at=STARTS_AT + timedelta(days=1),
    )
    return open_checkout(other)


def test_payment_that_breaks_the_sweep_holds_up_no_other(payment, others, provider, caplog):
    def break_for_one(state):
        if state.provider_ref == payment.provider_ref:
            raise RuntimeError("broken")
        return state

    provider.says["fetch"] = break_for_one
    simulate(others.provider_ref, Outcome.SUCCESS)
    services.sweep(NOW + timedelta(minutes=1))
    others.refresh_from_db()
    assert others.status == PaymentStatus.SUCCEEDED
    assert "sweep failed on one" in caplog.text


def test_sweep_that_runs_out_of_time_goes_on_with_the_others_next_time(
    payment, others, provider, monkeypatch
):
    asked, seconds = [], [1_000.0]

    def answer_slowly(state):
        asked.append(state.provider_ref)
        seconds[0] += 60
        raise GatewayUnavailable("timeout")

    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    provider.says["fetch"] = answer_slowly
    for minute in (1, 2):
        services.sweep(NOW + timedelta(minutes=minute))
    assert asked == [payment.provider_ref, others.provider_ref]


@pytest.mark.parametrize(
    ("payment_is", "becomes"),
    [(PaymentStatus.OPEN, "cancelled"), (PaymentStatus.PROCESSING, "awaiting_payment")],
)
def test_hold_gives_way_to_another_price_but_not_while_its_money_is_checked(booking, payment_is, becomes):
    open_checkout(booking)
    Payment.objects.update(status=payment_is)
    SessionType.objects.update(price_minor=50_000)
    session_type = SessionType.objects.select_related("mentor__user").get()
    shown = conditions_of(session_type, 60, STARTS_AT).token
    again = book(
        student=booking.student,
        session_type=session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=NOW,
        shown=shown,
    )
    booking.refresh_from_db()
    assert booking.status == becomes
    assert (again == booking) == (becomes == "awaiting_payment")


# Two who want one time


def test_second_student_is_refused_before_paying(harness, booking, payment):
    rival = UserFactory()
    with pytest.raises(SlotTaken):
        hold(booking.session_type, rival)
    assert Payment.objects.get() == payment
    assert not Booking.objects.filter(student=rival).exists()
    harness.pay(payment.provider_ref)
    settle(payment)
    assert_booked_once(booking, payment)


def test_one_student_in_two_tabs_has_one_hold_and_one_checkout(harness, booking, student):
    other_tab = hold(booking.session_type, student)
    assert other_tab == booking
    first, second = harness.open(booking), harness.open(other_tab)
    assert (first.pk, first.provider_ref) == (second.pk, second.provider_ref)
    assert harness.checkouts_made() == 1


@with_webhooks
def test_double_click_opens_one_checkout(harness, client, booking, student):
    client.force_login(student)
    for _ in range(2):
        assert harness.press(client, booking).status_code < 400
    assert harness.checkouts_made() == Payment.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_eight_students_at_once_one_may_pay(harness, mentor):
    session_type = SessionTypeFactory(mentor=mentor)
    students = [UserFactory() for _ in range(8)]
    refused = []

    def want():
        try:
            hold(session_type, students.pop())
        except SlotTaken as refusal:
            refused.append(refusal)

    at_once(want)
    winner = Booking.objects.get()
    assert len(refused) == 7
    assert (winner.status, TimeClaim.objects.count()) == (Status.AWAITING_PAYMENT, 2)
    payment = harness.open(winner)
    assert Payment.objects.get() == payment
    harness.pay(payment.provider_ref)
    assert settle(payment).status == PaymentStatus.SUCCEEDED


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_lead_to_one_checkout(harness, booking):
    shown = []
    at_once(lambda: shown.append(harness.open(booking).provider_ref))
    payment = Payment.objects.get()
    assert shown == [payment.provider_ref] * 8
    assert payment.attempt == 1
    if harness.name != "razorpay":  # which has no keys: an order that nobody was shown is nobody's
        assert harness.checkouts_made() == 1


def hold(session_type, student):
    return book(
        student=student,
        session_type=session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=timezone.now(),
    )


def at_once(work) -> None:
    errors, together = [], threading.Barrier(8)

    def run():
        try:
            together.wait(30)
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
