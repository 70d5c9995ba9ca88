"""Eight at once: webhook, return page, sweep and staff ask for the same payment in the same moment."""

import threading

import pytest
from django.db import connection

from bookings.models import Booking, BookingEvent, Status
from bookings.services import book
from payments import services, signals
from payments.gateways.mock import MockGateway, Outcome, simulate
from payments.models import MockCheckout, MockRefund, Payment, Refund
from tests.concurrency.guards import meeting, without_row_locks
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import STARTS_AT, URLS

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WORKERS = 8


def at_once(work):
    """Run it in every worker, each with its own connection; errors are the test's."""
    errors = []

    def run():
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


@pytest.fixture
def booking(mentor, student) -> Booking:
    session_type = SessionTypeFactory(mentor=mentor)
    return book(student=student, session_type=session_type, duration_minutes=60, starts_at=STARTS_AT, now=NOW)


@pytest.fixture
def paid(booking) -> Payment:
    payment = services.open_checkout(booking.pk, "mock", now=NOW, urls=URLS)
    simulate(payment.provider_ref, Outcome.SUCCESS)
    return payment


@pytest.fixture
def announced():
    """How often the payment's success was announced."""
    heard = []

    def hear(payment, **_):
        heard.append(payment.pk)

    signals.payment_succeeded.connect(hear)
    yield heard
    signals.payment_succeeded.disconnect(hear)


@pytest.fixture
def all_have_asked(monkeypatch):
    """Nobody goes on before everybody has the provider's answer."""
    barrier = threading.Barrier(WORKERS)

    def fetch(self, provider_ref, plain=MockGateway.fetch):
        state = plain(self, provider_ref)
        barrier.wait(30)
        return state

    monkeypatch.setattr(MockGateway, "fetch", fetch)


def settle(payment):
    services.settle(payment.pk, source="test", now=NOW)


def scheduled_events(booking) -> int:
    return booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count()


def test_without_the_locks_a_payment_confirms_more_than_once(booking, paid, announced, all_have_asked):
    tables = ("accounts_user", "bookings_booking", "payments_payment")
    with without_row_locks(*tables, after_read=meeting(WORKERS)):
        at_once(lambda: settle(paid))
    assert len(announced) > 1


def test_payment_settled_by_eight_at_once_confirms_once(booking, paid, announced, all_have_asked):
    at_once(lambda: settle(paid))
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert scheduled_events(booking) == 1
    assert announced == [paid.pk]


def test_late_payment_settled_by_eight_at_once_goes_back_once(booking, paid, announced, all_have_asked):
    at_once(lambda: services.settle(paid.pk, source="test", now=STARTS_AT))
    refund = Refund.objects.get()
    paid.refresh_from_db()
    assert (refund.amount_minor, paid.reserved_minor) == (105_000, 105_000)
    assert announced == [paid.pk]


def test_refund_sent_by_eight_at_once_is_sent_once(paid):
    services.settle(paid.pk, source="test", now=STARTS_AT)
    refund = Refund.objects.get()
    at_once(lambda: services.send_refund(refund.pk, now=STARTS_AT))
    paid.refresh_from_db()
    refund.refresh_from_db()
    assert (paid.reserved_minor, paid.refunded_minor) == (0, 105_000)
    assert (MockRefund.objects.count(), refund.attempts) == (1, 1)


def test_checkout_opened_by_eight_clicks_at_once_is_one(booking):
    at_once(lambda: services.open_checkout(booking.pk, "mock", now=NOW, urls=URLS))
    assert Payment.objects.count() == MockCheckout.objects.count() == 1
