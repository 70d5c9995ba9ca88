import logging
from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError

from bookings import services, signals
from bookings.models import BookingEvent
from bookings.models import Status as BookingStatus
from notifications.models import Kind, Message, Status
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = pytest.mark.django_db


def test_booking_scheduled_queues_a_confirmation_and_a_reminder_for_both(booking, announce):
    event = announce(signals.booking_scheduled, booking)
    rows = Message.objects.values_list("event", "kind", "recipient_id", "channel", "status", "due_at")
    people = (booking.student_id, booking.mentor.user_id)
    remind_at = booking.starts_at - timedelta(hours=24)
    assert set(rows) == {
        *(
            (f"booking-event:{event.pk}", "session_scheduled", person, "email", "queued", NOW)
            for person in people
        ),
        *(
            (f"reminder-24h:{booking.pk}:0", "reminder_24h", person, "email", "queued", remind_at)
            for person in people
        ),
    }


def test_booking_scheduled_twice_adds_nothing(booking, announce):
    event = announce(signals.booking_scheduled, booking)
    signals.booking_scheduled.send(
        type(booking), booking=booking, event=event, now=NOW + timedelta(minutes=5)
    )
    assert Message.objects.count() == 4


@pytest.mark.parametrize(
    ("ahead", "reminders"),
    [(timedelta(hours=3), 0), (timedelta(hours=24, minutes=9), 0), (timedelta(hours=24, minutes=11), 2)],
)
def test_booking_scheduled_reminds_only_when_there_is_time_to(booking, announce, ahead, reminders):
    booking.starts_at = NOW + ahead
    announce(signals.booking_scheduled, booking)
    assert Message.objects.filter(kind=Kind.REMINDER_24H).count() == reminders
    assert Message.objects.filter(kind=Kind.SESSION_SCHEDULED).count() == 2


@pytest.mark.parametrize(
    "signal", [signals.booking_cancelled, signals.booking_declined, signals.booking_expired]
)
def test_a_session_that_ends_drops_what_is_queued(outbox, confirmation, booking, announce, signal):
    outbox.filter(pk=confirmation.pk).update(status=Status.SENT)
    announce(signal, booking, BookingEvent.Kind.CANCELLED)
    assert sorted(outbox.values_list("status", flat=True)) == ["dropped", "dropped", "dropped", "sent"]


def test_another_session_keeps_its_messages(outbox, announce):
    other = BookingFactory()
    announce(signals.booking_scheduled, other)
    announce(signals.booking_cancelled, other, BookingEvent.Kind.CANCELLED)
    assert set(outbox.values_list("status", flat=True)) == {"queued"}


def test_booking_a_free_session_queues_its_messages(mentor, student):
    free = SessionTypeFactory(mentor=mentor, price_minor=0)
    starts_at = NOW + timedelta(days=1, hours=1)
    booking = services.book(
        student=student, session_type=free, duration_minutes=60, starts_at=starts_at, now=NOW
    )
    assert booking.status == BookingStatus.SCHEDULED
    assert Message.objects.filter(booking=booking).count() == 4
    services.cancel(booking.pk, actor=student, now=NOW)
    assert set(Message.objects.values_list("status", flat=True)) == {"dropped"}


def test_booking_a_paid_session_queues_nothing_before_it_is_paid(mentor, student):
    paid = SessionTypeFactory(mentor=mentor, price_minor=100_000)
    starts_at = NOW + timedelta(days=1, hours=1)
    services.book(student=student, session_type=paid, duration_minutes=60, starts_at=starts_at, now=NOW)
    assert not Message.objects.exists()


def test_confirmations_leave_as_soon_as_the_event_is_committed(
    booking, announce, working_queue, mailoutbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        announce(signals.booking_scheduled, booking)
        assert not mailoutbox
    assert sorted(mail.to[0] for mail in mailoutbox) == ["arjun@example.com", "meera@example.com"]


def test_a_broken_queue_is_logged_and_nothing_more(
    booking, announce, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    def refuse(*args, **kwargs):
        raise OperationalError("Connection refused")

    monkeypatch.setattr("kombu.messaging.Producer.publish", refuse)
    with caplog.at_level(logging.ERROR), django_capture_on_commit_callbacks(execute=True) as callbacks:
        announce(signals.booking_scheduled, booking)
    assert len(callbacks) == 3  # two messages, and the mentor's next openings
    assert [record.getMessage() for record in caplog.records] == [
        "the queue does not answer: workers hear of new work from the schedule only"
    ]
    assert Message.objects.due(NOW).count() == 2
