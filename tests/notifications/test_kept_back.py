"""One student can cause one mentor so many messages a day; what is more waits for staff, and nothing is lost."""

import logging
from datetime import timedelta

import pytest

from bookings import signals
from bookings.panels import sessions
from bookings.services import book, cancel
from config.settings import MAX_MESSAGES_A_DAY
from notifications import services
from notifications.models import Kind, Message, Status
from tests.factories import NOW, BookingFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.django_db

# Noon in Kolkata, where the mentor lives.
MIDNIGHT = NOW + timedelta(hours=12)


@pytest.fixture(autouse=True)
def two_a_day(settings):
    settings.MAX_MESSAGES_A_DAY = 2


@pytest.fixture
def announced(announce, mentor, student):
    """Another session that was just scheduled, too near for a reminder; the mentor's message."""

    def schedule(*, student=student, mentor=mentor, now=NOW, ahead=timedelta(hours=3)):
        booking = BookingFactory(
            session_type=SessionTypeFactory(mentor=mentor, price_minor=0),
            student=student,
            starts_at=now + ahead,
            claims=False,
        )
        announce(signals.booking_scheduled, booking, now=now)
        return Message.objects.get(booking=booking, recipient=mentor.user, kind=Kind.SESSION_SCHEDULED)

    return schedule


def test_thirty_a_day_unless_told_otherwise(announced, settings):
    settings.MAX_MESSAGES_A_DAY = MAX_MESSAGES_A_DAY
    statuses = [announced().status for _ in range(31)]
    assert statuses == [Status.QUEUED] * 30 + [Status.WITHHELD]


def test_what_is_more_is_written_down_and_not_sent(announced, mailoutbox, caplog):
    with caplog.at_level(logging.WARNING):
        kept_back = [announced() for _ in range(3)][-1]
    assert kept_back.status == Status.WITHHELD
    assert "message kept back" in caplog.text
    services.deliver(kept_back.pk, now=NOW)
    assert not mailoutbox
    assert kept_back.pk not in services.due(NOW + timedelta(days=2))
    assert kept_back.booking.events.exists()


def test_the_student_hears_of_every_one(announced, student):
    messages = [announced() for _ in range(3)]
    theirs = Message.objects.filter(booking__in=[each.booking for each in messages], recipient=student)
    assert set(theirs.values_list("status", flat=True)) == {Status.QUEUED}


def test_others_have_room_of_their_own(announced):
    for _ in range(2):
        announced()
    assert announced(student=UserFactory()).status == Status.QUEUED
    assert announced(mentor=BookingFactory().mentor).status == Status.QUEUED


def test_the_day_is_the_mentors(announced):
    late = MIDNIGHT - timedelta(minutes=1)
    assert [announced(now=late).status for _ in range(3)][-1] == Status.WITHHELD
    assert announced(now=MIDNIGHT).status == Status.QUEUED


def test_a_reminder_counts_on_the_day_on_which_it_goes_out(announced, mentor):
    for _ in range(2):
        announced(ahead=timedelta(hours=25))  # reminds within the hour
    first, second, third, fourth = Message.objects.filter(recipient=mentor.user).order_by("created_at", "pk")
    assert [first.status, second.status] == [Status.QUEUED, Status.QUEUED]
    assert {third.status, fourth.status} == {Status.WITHHELD}
    assert announced(now=MIDNIGHT, ahead=timedelta(hours=25)).status == Status.QUEUED


def test_what_was_dropped_unsent_takes_no_room(mentor, student):
    free = SessionTypeFactory(mentor=mentor, price_minor=0)
    start = NOW + timedelta(days=1, hours=1)
    for _ in range(3):
        booking = book(student=student, session_type=free, duration_minutes=60, starts_at=start, now=NOW)
        cancel(booking.pk, actor=student, now=NOW)
    assert set(Message.objects.values_list("status", flat=True)) == {Status.DROPPED}


def test_staff_find_what_was_kept_back_and_send_it(
    client, staff, announced, mailoutbox, working_queue, django_capture_on_commit_callbacks
):
    kept_back = [announced() for _ in range(3)][-1]
    client.force_login(staff)
    page = client.get("/admin/notifications/message/", {"status__exact": "withheld"})
    assert list(page.context["cl"].queryset) == [kept_back]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            "/admin/notifications/message/", {"action": "send_again", "_selected_action": [kept_back.pk]}
        )
    assert [mail.to for mail in mailoutbox] == [["meera@example.com"]]


def test_the_sessions_page_says_what_was_kept_back(announced, mentor, rf):
    kept_back = [announced() for _ in range(3)][-1]
    request = rf.get("/")
    request.user, request.time_zone = mentor.user, None
    html = sessions.render_one(request, kept_back.booking, "session_messages")["session_messages"]
    assert "<strong>Confirmation</strong>" in html
    assert "was not e-mailed: you had too many messages because of one student that day" in html
