"""Eight workers take up the same message at once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from bookings import signals
from bookings.models import Booking, BookingEvent
from notifications import services
from notifications.mail import compose
from notifications.models import STALE_AFTER, Kind, Message, Status
from tests.factories import NOW, BookingFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WORKERS = 8


@pytest.fixture
def message() -> Message:
    booking = BookingFactory(starts_at=datetime(2026, 12, 9, 5, 30, tzinfo=UTC))
    event = BookingEvent.objects.create(booking=booking, kind=BookingEvent.Kind.SCHEDULED, at=NOW)
    signals.booking_scheduled.send(Booking, booking=booking, event=event, now=NOW)
    return Message.objects.get(kind=Kind.SESSION_SCHEDULED, recipient=booking.student)


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


def test_without_the_compare_and_set_a_message_is_sent_more_than_once(message, mailoutbox):
    everyone_has_read = threading.Barrier(WORKERS)

    def deliver_unguarded():
        mine = Message.objects.with_session().get(pk=message.pk)
        everyone_has_read.wait(30)
        if mine.status == Status.QUEUED:
            mine.status = Status.SENDING
            mine.save(update_fields=["status"])
            compose(mine, now=NOW).send()

    at_once(deliver_unguarded)
    assert len(mailoutbox) == WORKERS


@pytest.mark.parametrize("abandoned", [False, True], ids=["queued", "abandoned by a dead worker"])
def test_one_worker_of_many_sends(message, mailoutbox, abandoned):
    now = NOW + STALE_AFTER
    if abandoned:
        assert services.claim(message.pk, now=NOW)
    start = threading.Barrier(WORKERS)

    def deliver():
        connection.ensure_connection()
        start.wait(30)
        services.deliver(message.pk, now=now)

    at_once(deliver)
    message.refresh_from_db()
    assert len(mailoutbox) == 1
    assert (message.status, message.attempts) == (Status.SENT, 2 if abandoned else 1)


def test_announcing_twice_at_once_writes_one_row_each(message):
    event = BookingEvent.objects.get()
    booking = Booking.objects.with_people().get()
    start = threading.Barrier(WORKERS)

    def announce():
        start.wait(30)
        services.queue_scheduled(booking, event, now=NOW + timedelta(minutes=1))

    Message.objects.all().delete()
    at_once(announce)
    assert Message.objects.count() == 4
