import email
import re
from datetime import timedelta
from email import policy

import pytest
from icalendar import Calendar

from accounts.models import User
from bookings import invitations
from bookings.models import Booking
from mentors.models import Mentor
from notifications.mail import compose, takes_calendar_alternative
from notifications.models import Kind, Message
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def mail_of(outbox):
    def compose_again(message, now=NOW):
        return compose(outbox.get(pk=message.pk), now=now)

    return compose_again


@pytest.fixture
def mentors_confirmation(outbox, mentor) -> Message:
    return outbox.get(kind=Kind.SESSION_SCHEDULED, recipient=mentor.user)


def on_the_wire(mail):
    """The bytes that an SMTP server gets, and what a mail program makes of them."""
    raw = mail.message().as_bytes(linesep="\r\n")
    return raw, email.message_from_bytes(raw, policy=policy.default)


def html_of(mail):
    return next(part.content for part in mail.alternatives if part.mimetype == "text/html")


def test_confirmation_says_when_in_the_readers_zone_and_on_both_clocks(confirmation, mail_of):
    mail = mail_of(confirmation)
    assert mail.subject == "Confirmed: Career Guidance with Meera Rao, Wed 9 Dec, 6:30 am"
    for body in (mail.body, html_of(mail).replace("&#x27;", "'")):
        assert "Wednesday 9 December 2026, 6:30 am to 7:30 am, Europe/Berlin (GMT+1)" in body
        assert "Meera Rao's clock" in body
        assert "11:00 am, Asia/Kolkata (GMT+5:30)" in body
        assert "1 hour" in body


def test_hours_run_as_the_reader_has_chosen(confirmation, student, mail_of):
    User.objects.filter(pk=student.pk).update(clock_hours=24)
    mail = mail_of(confirmation)
    assert mail.subject.endswith("Wed 9 Dec, 06:30")
    for body in (mail.body, html_of(mail)):
        assert "06:30 to 07:30" in body
        assert " am" not in body
        assert " pm" not in body
    assert "06:30" in next(part.content for part in mail.alternatives if "calendar" in part.mimetype)


def test_confirmation_tells_the_mentor_on_the_mentors_clock(mentors_confirmation, mail_of):
    mail = mail_of(mentors_confirmation)
    assert mail.subject == "Confirmed: Career Guidance with Arjun Kapoor, Wed 9 Dec, 11:00 am"
    assert mail.to == ["meera@example.com"]
    assert "Arjun Kapoor's clock: 6:30 am, Europe/Berlin (GMT+1)" in mail.body


def test_confirmation_reads_the_mentors_clock_when_the_student_has_none(confirmation, student, mail_of):
    User.objects.filter(pk=student.pk).update(time_zone="")
    mail = mail_of(confirmation)
    assert mail.subject.endswith("Wed 9 Dec, 11:00 am")
    assert "11:00 am to 12:00 pm, Asia/Kolkata (GMT+5:30)" in mail.body
    assert "clock:" not in mail.body


def test_confirmation_links_to_the_sessions_page(confirmation, booking, mail_of):
    mail = mail_of(confirmation)
    assert f"http://localhost:8000/sessions/{booking.reference}/" in mail.body
    assert f'href="http://localhost:8000/sessions/{booking.reference}/"' in html_of(mail)


def test_confirmation_of_a_paid_session_says_what_was_paid_and_what_cancelling_gives(confirmation, mail_of):
    Booking.objects.update(price_minor=100_000, fee_minor=5_000, cancellation_policy=Mentor.Policy.MODERATE)
    body = mail_of(confirmation).body
    assert "Paid: ₹1,050 (₹1,000 and ₹50 platform fee)" in body
    assert "If you cancel: All your money back until 48 hours before" in body


def test_the_mentor_reads_the_price_and_not_the_fee(mentors_confirmation, mail_of):
    Booking.objects.update(price_minor=100_000, fee_minor=5_000)
    body = mail_of(mentors_confirmation).body
    assert "Price: ₹1,000, paid" in body
    assert "1,050" not in body


def test_confirmation_of_a_free_session_speaks_of_no_money(confirmation, mail_of):
    mail = mail_of(confirmation)
    for body in (mail.body, html_of(mail)):
        assert "Paid" not in body
        assert "₹" not in body


def test_confirmation_promises_a_reminder_only_when_there_is_one(confirmation, booking, mail_of):
    assert "reminder by e-mail 24 hours before" in mail_of(confirmation).body
    Booking.objects.update(starts_at=NOW + timedelta(hours=5), ends_at=NOW + timedelta(hours=6))
    assert "reminder" not in mail_of(confirmation).body


def test_confirmation_that_is_sent_again_promises_no_reminder_that_went_out(confirmation, booking, mail_of):
    assert "reminder" not in mail_of(confirmation, booking.starts_at - timedelta(hours=20)).body


def test_confirmation_warns_when_clocks_change_before_the_session(confirmation, mail_of):
    before_the_change = NOW - timedelta(days=50)
    assert "Clocks in Europe/Berlin go back by 1 hour" in mail_of(confirmation, before_the_change).body
    assert "Clocks in" not in mail_of(confirmation).body


def test_confirmation_has_the_shape_that_calendars_understand(confirmation, booking, mail_of):
    Booking.objects.update(topic="Café, naïve; Łódź")
    raw, mail = on_the_wire(mail_of(confirmation))
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    assert all(not part.defects for part in mail.walk())
    assert not [header for part in mail.walk() for _, header in part.items() if header.defects]
    headers = [line for line in raw.split(b"\r\n") if b"text/calendar" in line]
    assert headers == [b'Content-Type: text/calendar; method="REQUEST"; charset="utf-8"']
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\r\r", raw)
    attachment = next(mail.iter_attachments())
    assert (attachment.get_filename(), attachment["Content-Transfer-Encoding"]) == ("invite.ics", "base64")


def test_the_invitation_is_the_same_in_both_places(confirmation, mail_of):
    _, mail = on_the_wire(mail_of(confirmation))
    alternative, attachment = list(mail.walk())[-2:]
    assert alternative.get_payload(decode=True).rstrip() == attachment.get_payload(decode=True).rstrip()
    calendar = Calendar.from_ical(attachment.get_payload(decode=True))
    assert calendar["METHOD"] == alternative["Content-Type"].params["method"] == "REQUEST"
    assert calendar.events[0]["ATTENDEE"] == "mailto:arjun@example.com"
    assert calendar.events[0]["ORGANIZER"] == "mailto:hello@localhost"
    assert mail["From"].addresses[0].addr_spec == "hello@localhost"


def test_mail_names_itself_and_where_to_answer(confirmation, mail_of, settings):
    settings.SUPPORT_EMAIL = "help@example.com"
    mail = mail_of(confirmation).message()
    assert mail["Reply-To"] == "help@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<message-\d+-0\.\d{20}@localhost>", mail["Message-ID"])
    assert mail["Message-ID"] == mail_of(confirmation, NOW + timedelta(hours=1)).message()["Message-ID"]


@pytest.mark.parametrize(
    ("backend", "content_type"),
    [
        ("anymail.backends.postmark.EmailBackend", "text/calendar; method=REQUEST"),
        ("anymail.backends.resend.EmailBackend", "application/ics"),
    ],
)
def test_a_provider_that_refuses_the_alternative_gets_the_attachment_alone(
    confirmation, mail_of, settings, backend, content_type
):
    settings.EMAIL_BACKEND = backend
    mail = mail_of(confirmation)
    assert [part.mimetype for part in mail.alternatives] == ["text/html"]
    assert [(part.filename, part.mimetype) for part in mail.attachments] == [("invite.ics", content_type)]


@pytest.mark.parametrize(
    ("backend", "takes"),
    [
        ("django.core.mail.backends.smtp.EmailBackend", True),
        ("notifications.backends.FileAndConsoleBackend", True),
        ("anymail.backends.amazon_ses.EmailBackend", True),
        ("anymail.backends.mailgun.EmailBackend", False),
    ],
)
def test_which_backends_take_a_calendar_alternative(backend, takes):
    assert takes_calendar_alternative(backend) is takes


def test_reminder_has_no_invitation_and_speaks_of_no_money(reminder, mail_of):
    Booking.objects.update(price_minor=100_000, fee_minor=5_000)
    mail = mail_of(reminder, reminder.due_at)
    assert mail.subject == "Reminder: Career Guidance with Meera Rao, Wed 9 Dec, 6:30 am"
    assert [part.mimetype for part in mail.alternatives] == ["text/html"]
    assert mail.attachments == []
    assert "calendar" not in mail.body
    assert "₹" not in mail.body
    assert "Join Session" in mail.body


def test_what_people_typed_is_text_in_the_html(confirmation, mentor, mail_of):
    User.objects.filter(pk=mentor.user_id).update(name="<b>Meera</b> & Co")
    Booking.objects.update(topic="<script>alert(1)</script>", notes="First, this;\nthen <img src=x>")
    mail = mail_of(confirmation)
    html = html_of(mail)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;b&gt;Meera&lt;/b&gt; &amp; Co" in html
    assert "First, this;<br>then &lt;img src=x&gt;" in html
    assert "Topic: <script>alert(1)</script>" in mail.body
    assert "<b>Meera</b> & Co" in mail.body


def test_a_name_cannot_add_a_header(confirmation, mentor, mail_of):
    User.objects.filter(pk=mentor.user_id).update(name="Meera\r\nBcc: victim@example.com\x07")
    Booking.objects.update(type_name="Career\nX-Evil: 1")
    mail = mail_of(confirmation)
    _, parsed = on_the_wire(mail)
    assert mail.recipients() == ["arjun@example.com"]
    assert "Bcc" not in parsed
    assert "X-Evil" not in parsed
    assert parsed["Subject"].startswith("Confirmed: Career X-Evil: 1 with Meera Bcc: victim@example.com, Wed")


def test_composing_runs_no_query(confirmation, reminder, django_assert_num_queries):
    with django_assert_num_queries(0):
        compose(confirmation, now=NOW)
        compose(reminder, now=NOW)


def test_text_has_no_markup_and_no_holes(confirmation, mail_of):
    body = mail_of(confirmation).body
    assert "\n\n\n" not in body
    assert "&#x27;" not in body
    assert body.startswith("Hello Arjun,\n")


def test_the_attached_invitation_carries_the_sequence(confirmation, booking, mail_of):
    Booking.objects.update(sequence=3)
    event = Calendar.from_ical(mail_of(confirmation).attachments[0].content).events[0]
    assert (event["UID"], event["SEQUENCE"]) == (invitations.uid(booking), 3)
