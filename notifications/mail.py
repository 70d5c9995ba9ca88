"""What a message says as an e-mail: text, HTML and, for a confirmation, the invitation."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User
from bookings import invitations
from bookings.models import Booking, BookingEvent, MoveRequest
from bookings.policy import describe
from lib.clock import (
    clock_change_note,
    format_duration,
    format_moment,
    format_short_date,
    format_time,
    format_zone,
    hours_of_day,
)
from lib.money import format_money
from notifications.models import INVITING, Kind, Message, reminder_due_at
from payments.models import Payment, Refund

SUBJECTS = {
    Kind.SESSION_SCHEDULED: "Confirmed",
    Kind.REMINDER_24H: "Reminder",
    Kind.SESSION_MOVED: "Moved",
    Kind.MOVE_ASKED: "Please answer",
    Kind.MOVE_CLOSED: "Stays at its time",
    Kind.NOT_CONFIRMED: "Payment goes back",
    Kind.PAID_TWICE: "Paid twice",
    Kind.PAYMENT_FAILED: "Payment failed",
}
FAREWELL = "Your account is closed"


@dataclass(frozen=True)
class Fact:
    label: str
    value: str


def compose(message: Message, *, now: datetime) -> EmailMultiAlternatives:
    """Needs the recipient and the booking's people loaded; what tells of money asks for it in one query more."""
    with hours_of_day(message.recipient.clock_hours or 12):
        return _compose(message, now)


def _compose(message: Message, now: datetime) -> EmailMultiAlternatives:
    is_farewell = message.kind == Kind.ACCOUNT_CLOSED
    context = _site_context(FAREWELL) if is_farewell else _context(message, now)
    mail = EmailMultiAlternatives(
        subject=context["subject"],
        body=_render_text(f"notifications/mail/{message.kind}.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.sent_to],
        reply_to=[settings.SUPPORT_EMAIL],
        headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"notifications/mail/{message.kind}.html", context), "text/html")
    if message.kind in INVITING:
        _invite(mail, invitations.invitation(message.session, attendee=message.recipient, now=now))
    return mail


def takes_calendar_alternative(backend: str) -> bool:
    """Whether it sends our MIME as it is. Of the providers' own interfaces only Amazon's does; the
    others refuse a text/calendar alternative."""
    return not backend.startswith("anymail.") or backend.startswith("anymail.backends.amazon_ses.")


def _invite(mail: EmailMultiAlternatives, ics: bytes) -> None:
    backend = settings.EMAIL_BACKEND
    if takes_calendar_alternative(backend):
        # Django adds the charset; writing one here would double it. The attachment is of another type,
        # so that a mail program sees one invitation and not two.
        mail.attach_alternative(ics.decode(), "text/calendar; method=REQUEST")
        mail.attach("invite.ics", ics, "application/ics")
    elif backend.startswith("anymail.backends.resend."):  # refuses the method too
        mail.attach("invite.ics", ics, "application/ics")
    else:
        mail.attach("invite.ics", ics, "text/calendar; method=REQUEST")


def _subject(message: Message) -> str:
    booking, reader = message.session, message.recipient
    zone = invitations.reader_zone(booking, reader)
    day = format_short_date(booking.starts_at.astimezone(zone).date())
    about = invitations.title(booking, reader)
    return f"{SUBJECTS[Kind(message.kind)]}: {about}, {day}, {format_time(booking.starts_at, zone)}"


def _site_context(subject: str) -> dict[str, Any]:
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
        "subject": subject,
    }


def _context(message: Message, now: datetime) -> dict[str, Any]:
    booking, reader = message.session, message.recipient
    return _site_context(_subject(message)) | {
        "booking": booking,
        "title": invitations.title(booking, reader),
        "first_name": invitations.one_line(reader.first_name),
        "other_name": invitations.other_name(booking, reader),
        "facts": _facts(message),
        "steps": _steps(message, now),
        "clock_change": clock_change_note(invitations.reader_zone(booking, reader), now, booking.starts_at),
        **_money_told(message),
        **_move_told(message),
        "is_student": reader.pk == booking.student_id,
        "can_book_again": booking.mentor.is_bookable,
        "book_url": settings.SITE_URL + reverse("book", args=[booking.mentor.slug]),
        "session_url": settings.SITE_URL + booking.get_absolute_url(),
    }


def _money_told(message: Message) -> dict[str, str]:
    """How much came in, or should have, and why it was of no use."""
    about, _, pk = message.event.partition(":")
    if about == "refund":
        refund = Refund.objects.select_related("payment").get(pk=pk)
        payment, reason = refund.payment, refund.note
    elif about == "payment":
        payment = Payment.objects.get(pk=pk)
        reason = payment.failure
    else:
        return {}
    return {"amount": format_money(payment.amount_minor, payment.currency), "reason": reason}


def _move_told(message: Message) -> dict[str, Any]:
    """What is asked about a session's time, or from when it was moved, on the reader's clock."""
    booking, reader = message.session, message.recipient
    zone = invitations.reader_zone(booking, reader)
    if message.kind == Kind.SESSION_MOVED:
        event = booking.events.filter(kind=BookingEvent.Kind.MOVED).select_related("actor").last()
        if event is None or event.moved_from is None:
            return {}
        was = f"{format_moment(event.moved_from, zone)}, {format_zone(zone, event.moved_from)}"
        is_reader = event.actor_id == reader.pk
        return {"moved_by": "You" if is_reader else invitations.other_name(booking, reader), "was": was}
    if message.kind not in (Kind.MOVE_ASKED, Kind.MOVE_CLOSED):
        return {}
    request = MoveRequest.objects.prefetch_related("times").get(pk=message.told_of)
    return {
        "reason": invitations.one_line(request.reason),
        "answer_by": f"{format_moment(request.answer_by, zone)}, {format_zone(zone, request.answer_by)}",
        "proposed": [format_moment(each.starts_at, zone) for each in request.times.all()],
        "was_not_answered": request.status == MoveRequest.Status.LAPSED,
        "is_paid": not booking.is_free,
        "answer_url": settings.SITE_URL + reverse("session_reschedule", args=[booking.reference]),
    }


def _facts(message: Message) -> list[Fact]:
    booking, reader = message.session, message.recipient
    facts = [
        Fact("When", invitations.when(booking, reader)),
        Fact(f"{invitations.other_name(booking, reader)}'s clock", invitations.other_clock(booking, reader)),
        Fact("Duration", format_duration(booking.duration_minutes)),
        Fact("Topic", invitations.one_line(booking.topic)),
        Fact("Notes", _lines(booking.notes)),
        *(_money_facts(booking, reader) if message.kind == Kind.SESSION_SCHEDULED else []),
        Fact("Reference", booking.reference),
    ]
    return [fact for fact in facts if fact.value]


def _money_facts(booking: Booking, reader: User) -> list[Fact]:
    if booking.is_free:
        return []
    price = format_money(booking.price_minor, booking.currency)
    if reader.pk == booking.mentor.user_id:
        return [
            Fact("Price", f"{price}, paid"),
            Fact("Cancellation policy", booking.get_cancellation_policy_display()),
        ]
    paid = format_money(booking.amount_minor, booking.currency)
    fee = format_money(booking.fee_minor, booking.currency)
    parts = f" ({price} and {fee} platform fee)" if booking.fee_minor else ""
    return [Fact("Paid", paid + parts), Fact("If you cancel", describe(booking.cancellation_policy))]


def _steps(message: Message, now: datetime) -> list[str]:
    """What happens next, a sentence each."""
    booking, reader = message.session, message.recipient
    if message.kind not in (*INVITING, Kind.REMINDER_24H):
        return []
    steps = [
        "When it is time, press “Join Session” on the session's page. It opens 15 minutes before the start."
    ]
    if message.kind in INVITING:
        steps.insert(0, "The invitation is attached. Accept it, and your calendar keeps the time.")
        remind_at = reminder_due_at(booking, message.created_at)
        if remind_at and remind_at > now:
            steps.insert(1, "You get a reminder by e-mail 24 hours before.")
    if booking.is_free and reader.pk == booking.student_id:
        other = invitations.other_name(booking, reader)
        steps.append(
            f"Can't make it? Cancel on the session's page, so that {other} can offer the time to others."
        )
    return steps


def _lines(text: str) -> str:
    return "\n".join(invitations.CONTROLS.sub(" ", line).rstrip() for line in text.strip().splitlines())


def _render_text(template: str, context: dict[str, Any]) -> str:
    text = re.sub(r"[ \t]+\n", "\n", render_to_string(template, context).replace("\r\n", "\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
