"""A session as calendars understand it (RFC 5545, RFC 5546): the invitation of the mail, and the file to download.

A booking has one UID for life; what changes is its SEQUENCE. Times are UTC: a single event needs no VTIMEZONE.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from accounts.models import User
from bookings.models import ENDED, Booking
from lib.clock import format_date, format_offset, format_other_clock, format_range, format_zone
from lib.names import plain_name

ALARM_BEFORE = timedelta(minutes=15)
# Allowed in neither a calendar's text nor a header; a tab and a line's end are the caller's matter.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def invitation(booking: Booking, *, attendee: User, now: datetime) -> bytes:
    """METHOD:REQUEST, to one of the two people and naming only them. Needs the people loaded."""
    event = _event(booking, reader=attendee, now=now)
    event.add("attendee", _attendee(attendee))
    return _calendar("REQUEST", event)


def download(booking: Booking, reader: User, *, now: datetime) -> bytes:
    """METHOD:PUBLISH, for whoever may see the session; the entry is the invitation's own. Needs the people loaded."""
    return _calendar("PUBLISH", _event(booking, reader=reader, now=now))


def title(booking: Booking, reader: User) -> str:
    """`Career Guidance with Meera Rao`, seen from the student's side."""
    student, mentor = one_line(booking.student.name), one_line(booking.mentor.user.name)
    if reader.pk == booking.student_id:
        people = f"with {mentor}"
    elif reader.pk == booking.mentor.user_id:
        people = f"with {student}"
    else:
        people = f"for {student} with {mentor}"
    return f"{one_line(booking.type_name)} {people}"


def reader_zone(booking: Booking, reader: User) -> ZoneInfo:
    return reader.zone or booking.mentor.zone


def other_clock(booking: Booking, reader: User) -> str:
    """`6:30 am, Europe/London (GMT)` for the other of the two; empty when both read the same."""
    is_mentor = reader.pk == booking.mentor.user_id
    zone = booking.student.zone if is_mentor else booking.mentor.zone
    mine = reader_zone(booking, reader)
    at = booking.starts_at
    if zone is None or format_offset(at, zone) == format_offset(at, mine):
        return ""
    return f"{format_other_clock(at, mine, zone)}, {format_zone(zone, at)}"


def when(booking: Booking, reader: User) -> str:
    """`Wednesday 9 December 2026, 11:00 am to 12:00 pm, Asia/Kolkata (GMT+5:30)`."""
    zone = reader_zone(booking, reader)
    day = format_date(booking.starts_at.astimezone(zone).date())
    hours = format_range(booking.starts_at, booking.ends_at, zone)
    return f"{day}, {hours}, {format_zone(zone, booking.starts_at)}"


def other_name(booking: Booking, reader: User) -> str:
    """The one whom the reader meets; for staff, the mentor."""
    student_is_other = reader.pk == booking.mentor.user_id
    return one_line((booking.student if student_is_other else booking.mentor.user).name)


def one_line(text: str) -> str:
    """What people typed, fit for a header or a calendar's parameter: no line ends, nothing that can't be seen."""
    return plain_name(" ".join(CONTROLS.sub(" ", text).split()))


def uid(booking: Booking) -> str:
    return f"booking-{booking.reference.lower()}@{settings.SITE_HOST}"


def _event(booking: Booking, *, reader: User, now: datetime) -> Event:
    link = settings.SITE_URL + reverse("session_join", args=[booking.reference])
    event = Event()
    event.add("uid", uid(booking))
    event.add("sequence", booking.sequence)
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", booking.starts_at.astimezone(UTC))
    event.add("dtend", booking.ends_at.astimezone(UTC))
    event.add("summary", title(booking, reader))
    event.add("description", _description(booking, reader))
    event.add("location", link)
    event.add("url", link)
    event.add("organizer", _organizer())
    if booking.status in ENDED:
        event.add("status", "CANCELLED")
        event.add("transp", "TRANSPARENT")
        return event
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add_component(_alarm(title(booking, reader)))
    return event


def _description(booking: Booking, reader: User) -> str:
    """Both clocks, the topic and the way to the session's page; not the notes, since calendars are often shared."""
    other = other_clock(booking, reader)
    lines = [
        when(booking, reader),
        f"{other_name(booking, reader)}'s clock: {other}" if other else "",
        f"Topic: {one_line(booking.topic)}" if booking.topic else "",
        f"Details and changes: {settings.SITE_URL}{booking.get_absolute_url()}",
    ]
    return "\n".join(line for line in lines if line)


def _organizer() -> vCalAddress:
    """The address that the mail comes from, on behalf of the site: calendars compare the two."""
    address = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    address.params["CN"] = vText(_parameter(settings.SITE_NAME))
    return address


def _attendee(person: User) -> vCalAddress:
    address = vCalAddress(f"mailto:{person.email}")
    address.params["CN"] = vText(_parameter(person.name))
    address.params["CUTYPE"] = vText("INDIVIDUAL")
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("NEEDS-ACTION")
    address.params["RSVP"] = vText("TRUE")
    return address


def _parameter(text: str) -> str:
    """A parameter's value has no escape for a double quote (RFC 5545 §3.2)."""
    return one_line(text).replace('"', "'")


def _alarm(text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", -ALARM_BEFORE)
    return alarm


def _calendar(method: str, event: Event) -> bytes:
    # Calendar.new() would add a random UID of the calendar itself.
    calendar = Calendar()
    calendar.add("prodid", f"-//{_parameter(settings.SITE_NAME)}//Sessions//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
