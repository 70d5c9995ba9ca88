import contextlib
import itertools
import logging
from datetime import timedelta

import pytest
import time_machine

from bookings.models import Booking
from bookings.models import Status as BookingStatus
from notifications import services, tasks
from notifications.models import MESSAGE_TRANSITIONS, STALE_AFTER, Kind, Message, Status
from notifications.services import delivery
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MAILERS = "tests.notifications.mailers"


def test_deliver_sends_once_and_records_it(confirmation, mailoutbox):
    services.deliver(confirmation.pk, now=NOW)
    services.deliver(confirmation.pk, now=NOW)
    confirmation.refresh_from_db()
    assert [mail.to for mail in mailoutbox] == [["arjun@example.com"]]
    assert (confirmation.status, confirmation.sent_at, confirmation.attempts) == (Status.SENT, NOW, 1)
    assert confirmation.address == "arjun@example.com"


def test_deliver_leaves_what_is_not_due(reminder, mailoutbox):
    services.deliver(reminder.pk, now=reminder.due_at - timedelta(seconds=1))
    reminder.refresh_from_db()
    assert (reminder.status, mailoutbox) == (Status.QUEUED, [])


def test_deliver_ignores_a_row_that_is_gone(db):
    services.deliver(1, now=NOW)


@pytest.mark.parametrize(
    "status", [BookingStatus.CANCELLED, BookingStatus.EXPIRED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW]
)
@pytest.mark.parametrize("kind", [Kind.SESSION_SCHEDULED, Kind.REMINDER_24H])
def test_deliver_drops_what_is_no_longer_true(outbox, student, mailoutbox, kind, status):
    message = outbox.get(kind=kind, recipient=student)
    Booking.objects.filter(pk=message.booking_id).update(status=status)
    services.deliver(message.pk, now=message.due_at)
    message.refresh_from_db()
    assert (message.status, mailoutbox) == (Status.DROPPED, [])


def test_deliver_drops_a_confirmation_after_the_session(confirmation, booking, mailoutbox):
    services.deliver(confirmation.pk, now=booking.ends_at)
    confirmation.refresh_from_db()
    assert (confirmation.status, mailoutbox) == (Status.DROPPED, [])


def test_reminder_goes_out_when_its_time_comes(reminder, booking, mailoutbox):
    assert reminder.due_at == booking.starts_at - timedelta(hours=24)
    assert reminder.pk not in services.due(reminder.due_at - timedelta(seconds=1))
    assert reminder.pk in services.due(reminder.due_at)
    services.deliver(reminder.pk, now=reminder.due_at)
    assert [mail.subject.partition(":")[0] for mail in mailoutbox] == ["Reminder"]


def test_reminder_is_dropped_once_the_session_has_started(reminder, booking, mailoutbox):
    services.deliver(reminder.pk, now=booking.starts_at)
    reminder.refresh_from_db()
    assert (reminder.status, mailoutbox) == (Status.DROPPED, [])


def test_reminder_of_an_old_time_is_dropped(reminder, booking, mailoutbox):
    Booking.objects.filter(pk=booking.pk).update(
        sequence=1, starts_at=booking.starts_at + timedelta(minutes=30)
    )
    services.deliver(reminder.pk, now=reminder.due_at)
    reminder.refresh_from_db()
    assert (reminder.status, mailoutbox) == (Status.DROPPED, [])


def test_a_failed_delivery_is_tried_again_later_and_later(confirmation, settings, caplog):
    settings.EMAIL_BACKEND = f"{MAILERS}.Refusing"
    now, waits = NOW, []
    with caplog.at_level(logging.WARNING):
        while services.due(now):
            services.deliver(confirmation.pk, now=now)
            confirmation.refresh_from_db()
            if confirmation.status == Status.FAILED:
                break
            waits.append(confirmation.due_at - now)
            assert confirmation.pk not in services.due(confirmation.due_at - timedelta(seconds=1))
            now = confirmation.due_at
    assert [wait.total_seconds() / 60 for wait in waits] == [1, 5, 15, 60, 240]
    assert confirmation.attempts == services.MAX_ATTEMPTS == 6
    assert confirmation.error == "SMTPServerDisconnected: Connection unexpectedly closed"
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 5 + ["ERROR"]
    assert confirmation.pk not in services.due(now + timedelta(days=1))


def test_a_delivery_that_works_after_a_failure_forgets_the_error(confirmation, settings, mailoutbox):
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{MAILERS}.Refusing"
    services.deliver(confirmation.pk, now=NOW)
    settings.EMAIL_BACKEND = working
    services.deliver(confirmation.pk, now=NOW + timedelta(minutes=1))
    confirmation.refresh_from_db()
    assert (confirmation.status, confirmation.error, len(mailoutbox)) == (Status.SENT, "", 1)


def test_a_session_cancelled_between_two_attempts_is_not_confirmed(confirmation, settings, mailoutbox):
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{MAILERS}.Refusing"
    services.deliver(confirmation.pk, now=NOW)
    settings.EMAIL_BACKEND = working
    Booking.objects.update(status=BookingStatus.CANCELLED)
    services.deliver(confirmation.pk, now=NOW + timedelta(minutes=1))
    confirmation.refresh_from_db()
    assert (confirmation.status, mailoutbox) == (Status.DROPPED, [])


def test_the_sweep_sends_what_no_worker_came_to(outbox, working_queue, mailoutbox):
    """The wake-up was lost with the worker that had taken it."""
    with time_machine.travel(NOW + timedelta(minutes=1)):
        tasks.deliver_due()
        tasks.deliver_due()
    assert sorted(mail.to[0] for mail in mailoutbox) == ["arjun@example.com", "meera@example.com"]


@pytest.mark.parametrize(("killed", "mails"), [("KilledBefore", 1), ("KilledAfter", 2)])
def test_a_worker_killed_while_sending_leaves_a_row_for_the_sweep(
    confirmation, settings, mailoutbox, killed, mails
):
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{MAILERS}.{killed}"
    with pytest.raises(SystemExit):
        services.deliver(confirmation.pk, now=NOW)
    settings.EMAIL_BACKEND = working
    services.deliver(confirmation.pk, now=NOW + STALE_AFTER - timedelta(seconds=1))
    assert len(mailoutbox) == mails - 1
    assert confirmation.pk in services.due(NOW + STALE_AFTER)
    services.deliver(confirmation.pk, now=NOW + STALE_AFTER)
    confirmation.refresh_from_db()
    assert (confirmation.status, confirmation.attempts, len(mailoutbox)) == (Status.SENT, 2, mails)
    # Whoever gets it twice can tell: it is the same message.
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 1


def test_a_message_that_kills_its_workers_is_given_up(confirmation, settings, mailoutbox, caplog):
    settings.EMAIL_BACKEND = f"{MAILERS}.KilledBefore"
    now = NOW
    for _ in range(services.MAX_ATTEMPTS):
        with pytest.raises(SystemExit):
            services.deliver(confirmation.pk, now=now)
        now += STALE_AFTER
    services.deliver(confirmation.pk, now=now)
    confirmation.refresh_from_db()
    assert confirmation.status == Status.FAILED
    assert caplog.records[-1].getMessage() == "message could not be delivered"


def test_a_worker_taken_for_dead_does_not_overwrite_its_successor(confirmation, caplog):
    slow = services.claim(confirmation.pk, now=NOW)
    services.deliver(confirmation.pk, now=NOW + STALE_AFTER)
    delivery._record(slow, status=Status.QUEUED, error="too late")
    confirmation.refresh_from_db()
    assert (confirmation.status, confirmation.error) == (Status.SENT, "")
    assert caplog.records[-1].getMessage() == "message was claimed by another worker"


def test_due_lists_the_longest_waiting_first(outbox):
    outbox.filter(kind=Kind.REMINDER_24H).update(due_at=NOW - timedelta(hours=1))
    kinds = [Message.objects.get(pk=pk).kind for pk in services.due(NOW)]
    assert kinds == [Kind.REMINDER_24H] * 2 + [Kind.SESSION_SCHEDULED] * 2


def test_oldest_due_is_none_when_all_is_well(outbox):
    assert Message.objects.oldest_due(NOW) == NOW
    assert Message.objects.oldest_due(NOW - timedelta(seconds=1)) is None


@pytest.mark.parametrize("status", [Status.SENT, Status.FAILED])
def test_resend_sends_again_as_another_mail(confirmation, mailoutbox, status):
    services.deliver(confirmation.pk, now=NOW)
    Message.objects.filter(pk=confirmation.pk).update(status=status, attempts=6, error="Refused")
    services.resend(confirmation.pk, now=NOW + timedelta(hours=1))
    services.deliver(confirmation.pk, now=NOW + timedelta(hours=1))
    confirmation.refresh_from_db()
    assert (confirmation.status, confirmation.attempts, confirmation.error) == (Status.SENT, 1, "")
    # Mail programs hide a second mail of the same id.
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 2


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING, Status.DROPPED])
def test_resend_refuses_what_was_never_sent(confirmation, status):
    Message.objects.filter(pk=confirmation.pk).update(status=status)
    with pytest.raises(services.NotResendable, match="It is not sent again while"):
        services.resend(confirmation.pk, now=NOW)


def test_resend_refuses_what_is_no_longer_true(confirmation):
    services.deliver(confirmation.pk, now=NOW)
    Booking.objects.update(status=BookingStatus.CANCELLED)
    with pytest.raises(services.NotResendable, match="no longer true"):
        services.resend(confirmation.pk, now=NOW)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(Status, Status)))
def test_only_legal_transitions_happen(confirmation, settings, old, new):
    """Every service that leads to `new` is tried on a row that is `old`, at a time at which it would work."""
    if new is Status.SENDING:
        moves = [lambda: services.claim(confirmation.pk, now=NOW)]
    elif new is Status.SENT:
        moves = [lambda: delivery._record(confirmation, status=Status.SENT)]
    elif new is Status.FAILED:
        moves = [lambda: delivery._give_up(confirmation, "Refused")]
    elif new is Status.DROPPED:
        moves = [
            lambda: services.drop_queued(confirmation.booking),
            lambda: delivery._record(confirmation, status=Status.DROPPED),
        ]
    elif new is Status.WITHHELD:
        moves = []  # a row begins with it
    else:
        moves = [
            lambda: services.resend(confirmation.pk, now=NOW),
            lambda: delivery._record_failure(confirmation, OSError(), now=NOW),
        ]
    confirmation.claimed_at = NOW - STALE_AFTER
    confirmation.attempts = 1
    confirmation.status = old
    confirmation.save()
    for move in moves:
        with contextlib.suppress(services.NotResendable):
            move()
        reached = Message.objects.get(pk=confirmation.pk).status
        assert reached in {old, new}
        if reached == new:
            break
    changed = Message.objects.get(pk=confirmation.pk)
    happened = changed.status == new and (old != new or changed.claimed_at != confirmation.claimed_at)
    assert happened == (new in MESSAGE_TRANSITIONS[old])
