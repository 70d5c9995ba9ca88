import re
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from bookings import invitations
from bookings.models import Booking, Status
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]
STARTS_AT = datetime(2026, 12, 9, 5, 30, tzinfo=UTC)


@pytest.fixture
def booking(mentor, student) -> Booking:
    session_type = SessionTypeFactory(mentor=mentor, price_minor=0)
    return BookingFactory(session_type=session_type, student=student, starts_at=STARTS_AT, sequence=2)


def parse(ics):
    calendar = Calendar.from_ical(ics)
    (event,) = calendar.events
    assert not calendar.errors
    assert not event.errors
    return calendar, event


def invite(booking, person):
    return invitations.invitation(booking, attendee=person, now=NOW)


def test_invitation_is_a_request_of_one_event_in_utc(booking, student):
    calendar, event = parse(invite(booking, student))
    assert (calendar["METHOD"], calendar["VERSION"], calendar["CALSCALE"]) == ("REQUEST", "2.0", "GREGORIAN")
    assert (event.start, event.end, event["DTSTAMP"].dt) == (STARTS_AT, STARTS_AT + timedelta(hours=1), NOW)
    assert (event["SEQUENCE"], event["STATUS"], event["TRANSP"]) == (2, "CONFIRMED", "OPAQUE")
    assert b"DTSTART:20261209T053000Z" in invite(booking, student)
    assert b"VTIMEZONE" not in invite(booking, student)


def test_invitation_names_only_its_recipient(booking, student, mentor):
    for person, other in ((student, mentor.user), (mentor.user, student)):
        _, event = parse(invite(booking, person))
        assert event["ATTENDEE"] == f"mailto:{person.email}"
        assert dict(event["ATTENDEE"].params) == {
            "CN": person.name,
            "CUTYPE": "INDIVIDUAL",
            "ROLE": "REQ-PARTICIPANT",
            "PARTSTAT": "NEEDS-ACTION",
            "RSVP": "TRUE",
        }
        assert other.email.encode() not in invite(booking, person)
        assert event["SUMMARY"] == f"Career Guidance with {other.name}"


def test_invitation_comes_from_the_sites_address(booking, student, settings):
    settings.DEFAULT_FROM_EMAIL = '"Office, Hours" <hello@example.org>'
    _, event = parse(invite(booking, student))
    assert event["ORGANIZER"] == "mailto:hello@example.org"
    assert event["ORGANIZER"].params["CN"] == "Office Hours"


def test_invitation_rings_a_quarter_of_an_hour_before(booking, student):
    _, event = parse(invite(booking, student))
    (alarm,) = event.walk("VALARM")
    assert (alarm["ACTION"], alarm["TRIGGER"].dt) == ("DISPLAY", -timedelta(minutes=15))
    assert b"TRIGGER:-PT15M" in invite(booking, student)


def test_invitation_leads_to_the_join_page_and_shows_both_clocks(booking, student):
    _, event = parse(invite(booking, student))
    join = f"http://localhost:8000/sessions/{booking.reference}/join/"
    assert (event["URL"], event["LOCATION"]) == (join, join)
    assert booking.meeting_url not in event["DESCRIPTION"]
    assert event["DESCRIPTION"].splitlines()[:2] == [
        "Wednesday 9 December 2026, 6:30 am to 7:30 am, Europe/Berlin (GMT+1)",
        "Meera Rao's clock: 11:00 am, Asia/Kolkata (GMT+5:30)",
    ]


def test_invitation_is_the_same_whenever_it_is_written(booking, student):
    assert invite(booking, student) == invite(booking, student)
    assert Calendar.from_ical(invite(booking, student)).get("UID") is None


def test_one_uid_for_life(booking, student, mentor):
    first = parse(invite(booking, student))[1]["UID"]
    booking.starts_at, booking.sequence, booking.status = NOW, 9, Status.CANCELLED
    assert first == parse(invite(booking, mentor.user))[1]["UID"]
    assert first == parse(invitations.download(booking, student, now=NOW))[1]["UID"]
    assert first == f"booking-{booking.reference.lower()}@localhost"


def test_lines_are_folded_and_end_in_crlf(booking, student):
    booking.topic = "Łódź, 東京 and São Paulo; " * 8
    ics = invite(booking, student)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", ics)
    assert max(len(line) for line in ics.split(b"\r\n")) <= 75
    assert invitations.one_line(booking.topic) in parse(ics)[1]["DESCRIPTION"]


@pytest.mark.parametrize(
    "typed",
    [
        "comma, semicolon; back\\slash",
        'a "quoted" word',
        "two\nlines\r\nEND:VEVENT\r\nBEGIN:VEVENT",
        "<script>alert(1)</script>",
        "bell \x07 and vertical \x0b tab\x00",
        "नमस्ते 👋",
        "X-EVIL:1;ATTENDEE=mailto:victim@example.com",
    ],
)
def test_what_people_typed_stays_text(booking, student, typed):
    plain = parse(invite(booking, student))[1]
    booking.topic = booking.type_name = typed
    booking.mentor.user.name = booking.student.name = student.name = typed
    _, event = parse(invite(booking, student))
    words = invitations.one_line(typed)
    assert event["SUMMARY"] == f"{words} with {words}"
    assert f"Topic: {words}" in event["DESCRIPTION"].splitlines()
    assert event["ATTENDEE"].params["CN"] == words.replace('"', "'")
    assert event["ATTENDEE"] == f"mailto:{student.email}"
    assert set(event.keys()) == set(plain.keys())


def test_download_publishes_the_same_entry_without_an_attendee(booking, student):
    calendar, event = parse(invitations.download(booking, student, now=NOW))
    _, invited = parse(invite(booking, student))
    assert calendar["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event
    assert dict(event) == {name: value for name, value in invited.items() if name != "ATTENDEE"}


def test_download_of_a_session_that_ended_says_so(booking, student):
    booking.status = Status.CANCELLED
    _, event = parse(invitations.download(booking, student, now=NOW))
    assert (event["STATUS"], event["TRANSP"], event.walk("VALARM")) == ("CANCELLED", "TRANSPARENT", [])


def test_download_by_staff_names_both(booking, staff):
    _, event = parse(invitations.download(booking, staff, now=NOW))
    assert event["SUMMARY"] == "Career Guidance for Arjun Kapoor with Meera Rao"
