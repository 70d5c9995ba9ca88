from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from bookings import signals
from bookings.models import Booking
from bookings.panels import sessions
from notifications import services
from notifications.models import Kind, Message, Status
from tests.factories import NOW, BookingFactory
from tests.test_clocks import Words

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(booking):
    """The panel as a reader sees it, in words."""

    def render(reader, bookings=(booking,), zone=None):
        request = RequestFactory().get("/")
        request.user, request.time_zone = reader, zone
        panel = sessions.render(request, list(bookings), "session_messages")["session_messages"]
        return {pk: str(Words(html)) for pk, html in panel.items()}

    return render


def test_panel_says_what_is_on_its_way(outbox, booking, student, shown):
    html = shown(student)[booking.pk]
    assert "Confirmation is on its way to a…@example.com" in html
    assert "Reminder goes out to a…@example.com Tue 8 Dec, 11:00 am" in html


def test_panel_says_where_and_when_it_was_sent_in_the_readers_zone(confirmation, booking, student, shown):
    services.deliver(confirmation.pk, now=NOW)
    student.email = "new@example.org"
    student.save()
    html = shown(student, zone=ZoneInfo("Europe/Berlin"))[booking.pk]
    assert "Confirmation e-mailed to a…@example.com on Wed 2 Dec, 7:30 am" in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": Status.FAILED}, "Confirmation could not be delivered to a…@example.com"),
        (
            {"status": Status.QUEUED, "attempts": 2, "due_at": NOW + timedelta(minutes=5)},
            "Confirmation could not be sent to a…@example.com yet. Next try: Wed 2 Dec, 12:05 pm",
        ),
        ({"status": Status.SENDING}, "Confirmation is on its way to a…@example.com"),
    ],
)
def test_panel_tells_of_trouble_in_words(confirmation, booking, student, shown, changes, words):
    Message.objects.filter(pk=confirmation.pk).update(**changes)
    assert words in shown(student)[booking.pk]


@pytest.mark.parametrize(
    "changes", [{"status": "cancelled"}, {"starts_at": NOW - timedelta(hours=2), "ends_at": NOW}]
)
def test_panel_announces_nothing_that_will_not_be_sent(outbox, booking, student, shown, changes):
    Booking.objects.update(**changes)
    assert shown(student)[booking.pk] == ""


def test_panel_does_not_say_that_an_overdue_reminder_goes_out_in_the_past(reminder, booking, student, shown):
    with time_machine.travel(reminder.due_at + timedelta(minutes=2)):
        html = shown(student)[booking.pk]
    assert "Reminder is on its way to a…@example.com" in html
    assert "goes out" not in html


def test_panel_leaves_out_what_was_dropped(outbox, booking, student, shown):
    outbox.update(status=Status.DROPPED)
    assert shown(student)[booking.pk] == ""


def test_panel_shows_everyone_their_own_alone(outbox, booking, student, mentor, stranger, staff, shown):
    outbox.filter(recipient=mentor.user, kind=Kind.SESSION_SCHEDULED).update(status=Status.FAILED)
    assert "could not be delivered" not in shown(student)[booking.pk]
    assert "could not be delivered to m…@example.com" in shown(mentor.user)[booking.pk]
    for other in (stranger, staff, AnonymousUser()):
        assert shown(other)[booking.pk] == ""


@pytest.mark.parametrize("count", [1, 30])
def test_panel_costs_one_query(student, announce, shown, count, django_assert_num_queries):
    bookings = [
        BookingFactory(student=student, starts_at=NOW + timedelta(days=2, hours=2 * n)) for n in range(count)
    ]
    for each in bookings:
        announce(signals.booking_scheduled, each)
    with django_assert_num_queries(1):
        assert all(shown(student, bookings).values())
