"""Who hears of it when a session is moved, and when somebody asks. It is Wednesday 2 December in Kolkata and Berlin."""

from datetime import timedelta

import pytest
from icalendar import Calendar

from bookings.services import ask_to_move, cancel, keep_old_time, reschedule, sweep, take_back_move
from notifications.mail import compose
from notifications.models import Kind, Message, Status
from tests.bookings.clock import at
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.once]
WHY = "A release went wrong."


def mail_to(person, kind, now=NOW):
    return compose(Message.objects.with_session().get(recipient=person, kind=kind), now=now)


def live(kind) -> list[int]:
    """To whom something of that kind still goes."""
    rows = Message.objects.filter(kind=kind).exclude(status=Status.DROPPED)
    return sorted(rows.values_list("recipient_id", flat=True))


def asked(booking, *times, by=None, now=NOW):
    return ask_to_move(booking.pk, actor=by or booking.mentor.user, reason=WHY, times=times, now=now)


def test_both_hear_of_the_new_time_on_their_own_clock(booking, student, mentor):
    reschedule(booking.pk, actor=student, starts_at=at(10, 15), now=NOW)
    mail = mail_to(student, Kind.SESSION_MOVED)
    assert mail.subject == "Moved: Career Guidance with Meera Rao, Thu 10 Dec, 10:30 am"
    assert "You moved this session" in mail.body
    assert "It was: Wednesday 9 December 2026, 6:30 am, Europe/Berlin (GMT+1)" in mail.body
    theirs = mail_to(mentor.user, Kind.SESSION_MOVED)
    assert theirs.subject == "Moved: Career Guidance with Arjun Kapoor, Thu 10 Dec, 3:00 pm"
    assert "Arjun Kapoor moved this session" in theirs.body


def test_the_calendar_entry_moves_with_the_session(booking, student):
    before = booking.sequence
    reschedule(booking.pk, actor=student, starts_at=at(10, 15), now=NOW)
    mail = mail_to(student, Kind.SESSION_MOVED)
    calendar = Calendar.from_ical(
        next(each.content for each in mail.alternatives if "calendar" in each.mimetype)
    )
    (event,) = calendar.walk("VEVENT")
    assert (calendar["method"], event["sequence"], event.start) == ("REQUEST", before + 1, at(10, 15))
    assert booking.reference.lower() in event["uid"]


def test_reminders_follow_the_session(booking, outbox, student):
    reschedule(booking.pk, actor=student, starts_at=at(10, 15), now=NOW)
    due = Message.objects.filter(kind=Kind.REMINDER_24H, status=Status.QUEUED).values_list(
        "due_at", flat=True
    )
    assert list(due) == [at(9, 15)] * 2


def test_a_session_that_is_moved_again_tells_only_where_it_is(booking, student):
    for to in (at(10, 15), at(11, 9)):
        reschedule(booking.pk, actor=student, starts_at=to, now=NOW)
    assert len(live(Kind.SESSION_MOVED)) == 2


def test_whoever_is_asked_reads_why_until_when_and_what_is_proposed(booking, student):
    asked(booking, at(10, 15), at(11, 9))
    mail = mail_to(student, Kind.MOVE_ASKED)
    assert mail.subject == "Please answer: Career Guidance with Meera Rao, Wed 9 Dec, 6:30 am"
    for words in (WHY, "Thursday 10 December 2026, 10:30 am", "Friday 11 December 2026, 4:30 am"):
        assert words in mail.body
    assert "until Friday 4 December 2026, 7:30 am, Europe/Berlin (GMT+1)" in mail.body
    assert f"/sessions/{booking.reference}/reschedule/" in mail.body
    assert live(Kind.MOVE_ASKED) == [student.pk]


@pytest.mark.parametrize("end", [take_back_move, lambda pk, **by: cancel(pk, **by)])
def test_what_is_no_longer_asked_is_not_said(booking, student, mentor, end):
    asked(booking)
    end(booking.pk, actor=mentor.user, now=NOW) if end is take_back_move else end(
        booking.pk, actor=student, now=NOW
    )
    message = Message.objects.with_session().get(kind=Kind.MOVE_ASKED)
    assert message.status == Status.DROPPED or not message.applies_at(NOW)
    assert live(Kind.MOVE_CLOSED) == []


def test_whoever_asked_hears_that_the_old_time_stays(booking, student, mentor):
    asked(booking)
    keep_old_time(booking.pk, actor=student, now=NOW)
    assert live(Kind.MOVE_CLOSED) == [mentor.user_id]
    assert "Arjun Kapoor keeps this session at its time" in mail_to(mentor.user, Kind.MOVE_CLOSED).body


def test_whoever_asked_hears_that_nobody_answered(booking, mentor):
    request = asked(booking)
    sweep(request.answer_by + timedelta(minutes=1))
    assert "has not answered" in mail_to(mentor.user, Kind.MOVE_CLOSED).body
