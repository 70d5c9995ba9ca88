"""A provider's event that comes eight times in the same moment, to eight workers."""

import pytest
from django.utils import timezone

from bookings.models import BookingEvent, Status
from bookings.services import book
from payments import services
from payments.models import Payment, WebhookEvent
from tests.concurrency.guards import meeting, on_new_connections
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


FAILED = 'UPDATE "payments_webhookevent" SET "error"'


@pytest.fixture
def acted():
    """Each time that an event was acted on: what came of it is written down then."""
    found: list[str] = []

    def listen(execute, sql, params, many, context):
        if sql.startswith(('UPDATE "payments_webhookevent" SET "processed_at"', FAILED)):
            found.append(sql)
        return execute(sql, params, many, context)

    with on_new_connections(listen):
        yield found


def test_same_event_eight_times_at_once_is_acted_on_once(harness, booking, paid, acted):
    signed_event, answers = harness.paid_event(), []
    at_once(lambda: answers.append(harness.deliver(signed_event)))
    assert answers == [200] * 8
    event = WebhookEvent.objects.get()
    assert (len(acted), event.attempts, bool(event.processed_at)) == (1, 1, True)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1


def test_without_the_claim_the_event_is_acted_on_more_than_once(harness, booking, paid, acted):
    """And yet it books once: `settle` has a lock of its own."""
    together = meeting(8)

    def claim_unasked(execute, sql, params, many, context):
        if not sql.startswith('UPDATE "payments_webhookevent" SET "attempts"'):
            return execute(sql, params, many, context)
        together()
        return execute('UPDATE "payments_webhookevent" SET "attempts" = "attempts" + 1', None, many, context)

    signed_event = harness.paid_event()
    with on_new_connections(claim_unasked):
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
