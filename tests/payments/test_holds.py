"""Holds and checkouts live together, and the sweep asks as often as it has to."""

import time
from datetime import timedelta
from importlib import import_module
from itertools import pairwise

import pytest

from bookings.engine.offered import conditions_of
from bookings.models import Booking, Status
from bookings.services import accept, book
from mentors.models import SessionType
from payments import services
from payments.gateways.base import GatewayUnavailable, IdempotencyKeyUnusable, PayStatus
from payments.gateways.mock import Outcome, simulate
from payments.models import Payment, PaymentStatus
from payments.services.checkout import GRACE
from tests.factories import NOW, BookingFactory, SessionTypeFactory
from tests.payments.conftest import STARTS_AT, URLS
from tests.payments.test_settlement import says

pytestmark = pytest.mark.django_db
sweep_module = import_module("payments.services.sweep")
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


def test_payment_that_breaks_the_sweep_holds_up_no_other(payment, others, monkeypatch, caplog):
    def settle(pk, *, source, now, plain=services.settle):
        if pk == payment.pk:
            raise RuntimeError("broken")
        return plain(pk, source=source, now=now)

    monkeypatch.setattr(sweep_module, "settle", settle)
    simulate(others.provider_ref, Outcome.SUCCESS)
    services.sweep(NOW + timedelta(minutes=1))
    others.refresh_from_db()
    assert others.status == PaymentStatus.SUCCEEDED
    assert "sweep failed on one" in caplog.text


def test_sweep_that_runs_out_of_time_goes_on_with_the_others_next_time(payment, others, monkeypatch):
    asked = []

    def settle(pk, *, source, now):
        asked.append(pk)
        time.sleep(0.2)
        raise GatewayUnavailable("timeout")

    monkeypatch.setattr(sweep_module, "settle", settle)
    monkeypatch.setattr(sweep_module, "PART", 0.1)
    for minute in (1, 2):
        services.sweep(NOW + timedelta(minutes=minute))
    assert asked == [payment.pk, others.pk]


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
