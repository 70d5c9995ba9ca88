"""A provider's event that comes eight times in the same moment, to eight workers."""

import threading

import pytest
from django.utils import timezone

from bookings.models import BookingEvent, Status
from bookings.services import book
from payments import services
from payments.models import Payment, WebhookEvent
from payments.services import webhooks
from tests.concurrency.test_settle_race import at_once
from tests.factories import SessionTypeFactory
from tests.payments.factories import STARTS_AT
from tests.payments.markers import with_webhooks

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), with_webhooks]


@pytest.fixture
def booking(harness, mentor, student):
    return book(
        student=student,
        session_type=SessionTypeFactory(mentor=mentor),
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=timezone.now(),
    )


@pytest.fixture
def paid(harness, booking) -> Payment:
    payment = harness.open(booking)
    harness.pay(payment.provider_ref)
    return payment


@pytest.fixture
def acted(monkeypatch) -> list[int]:
    """How often an event was acted on."""
    found: list[int] = []

    def act(event, now, plain=webhooks._act):
        found.append(event.pk)
        return plain(event, now)

    monkeypatch.setattr(webhooks, "_act", act)
    return found


def test_same_event_eight_times_at_once_is_acted_on_once(harness, booking, paid, acted):
    signed_event, answers = harness.paid_event(), []
    at_once(lambda: answers.append(harness.deliver(signed_event)))
    assert answers == [200] * 8
    event = WebhookEvent.objects.get()
    assert (acted, event.attempts, bool(event.processed_at)) == ([event.pk], 1, True)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1


def test_without_the_claim_the_event_is_acted_on_more_than_once(harness, booking, paid, acted, monkeypatch):
    """And yet it books once: `settle` has a lock of its own."""
    together = threading.Barrier(8)

    def process(event_pk, *, now, within):
        together.wait(30)
        return webhooks._act(WebhookEvent.objects.get(pk=event_pk), now) is not None

    monkeypatch.setattr(services, "process_webhook_event", process)
    signed_event = harness.paid_event()
    at_once(lambda: harness.deliver(signed_event))
    assert len(acted) == 8
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1


def test_all_events_of_a_payment_at_once_book_once(harness, booking, paid):
    events = harness.events()
    waiting = list(events * 4)[:8]

    def deliver():
        assert harness.deliver(waiting.pop()) == 200

    at_once(deliver)
    services.sweep(timezone.now())
    assert not WebhookEvent.objects.unprocessed().exists()
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1
