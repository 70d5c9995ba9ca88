from datetime import UTC, datetime

import pytest

from bookings import signals
from bookings.models import Booking, BookingEvent
from config.celery import app
from notifications.models import Kind, Message
from tests.factories import NOW, BookingFactory, SessionTypeFactory


@pytest.fixture
def booking(mentor, student) -> Booking:
    """Career Guidance on Wednesday 9 December: 11:00 am in Kolkata, 6:30 am in Berlin."""
    return BookingFactory(
        session_type=SessionTypeFactory(mentor=mentor, price_minor=0),
        student=student,
        starts_at=datetime(2026, 12, 9, 5, 30, tzinfo=UTC),
    )


@pytest.fixture
def announce():
    """Send a session's signal as its services do, with a history row."""

    def send(signal, booking, kind=BookingEvent.Kind.SCHEDULED, now=NOW):
        event = BookingEvent.objects.create(booking=booking, kind=kind, at=now)
        signal.send(Booking, booking=booking, event=event, now=now)
        return event

    return send


@pytest.fixture
def outbox(booking, announce):
    """The rows of a session that was just scheduled."""
    announce(signals.booking_scheduled, booking)
    return Message.objects.filter(booking=booking).with_session()


@pytest.fixture
def confirmation(outbox, student) -> Message:
    return outbox.get(kind=Kind.SESSION_SCHEDULED, recipient=student)


@pytest.fixture
def reminder(outbox, student) -> Message:
    return outbox.get(kind=Kind.REMINDER_24H, recipient=student)


@pytest.fixture
def working_queue():
    """A queued task runs at once, as by a worker."""
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield
    app.conf.update(task_always_eager=False, task_eager_propagates=False)
