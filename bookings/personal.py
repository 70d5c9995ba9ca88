"""What bookings know of a person: to take away, and what closing the account means here."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.closing import Meaning, Obstacle
from accounts.export import Part
from accounts.models import User
from bookings.models import HOLDING, Booking, BookingEvent, MoveRequest, Status
from bookings.permissions import why_not_cancel
from lib.clock import format_moment, format_zone
from lib.money import format_money


def closing_means(user: User, now: datetime) -> Meaning:
    """Agreed sessions are in the way, since cancelling one has a price that its own page says."""
    ahead = list(Booking.objects.of(user).upcoming(now).with_people().order_by("starts_at"))
    waiting = [each for each in ahead if each.status in HOLDING]
    asked = sum(each.student_id == user.pk for each in waiting)
    return Meaning(
        obstacles=[_obstacle(each, user, now) for each in ahead if each.status == Status.SCHEDULED],
        effects=_effects(asked, len(waiting) - asked),
    )


def _obstacle(booking: Booking, user: User, now: datetime) -> Obstacle:
    zone = user.zone or booking.mentor.zone
    is_student = booking.student_id == user.pk
    other = booking.mentor.user if is_student else booking.student
    at = f"{format_moment(booking.starts_at, zone)}, {format_zone(zone, booking.starts_at)}"
    words = f"{booking.type_name} with {other}, {at}"
    page = Obstacle(f"{words}.", booking.get_absolute_url(), "View session")
    if booking.starts_at <= now:
        return Obstacle(f"{words}, is going on. Come back when it is over.", page.url, page.label)
    if is_student:
        page_of_terms = reverse("session_cancellation", args=[booking.reference])
        return Obstacle(f"{words}. Its cancellation page says what comes back.", page_of_terms, "Cancel it…")
    if not why_not_cancel(booking, user, now):
        return Obstacle(
            f"{words}. Hold it, or cancel it with a word.",
            reverse("session_cancellation", args=[booking.reference]),
            "Cancel it…",
        )
    return Obstacle(f"{words}. It is paid: hold it, or write to us.", page.url, page.label)


def _effects(as_student: int, as_mentor: int) -> list[str]:
    words = []
    if as_student:
        what = "Your request or unpaid time ends" if as_student == 1 else "Your requests and unpaid times end"
        words.append(f"{what}. A payment that is still on its way for it goes back in full.")
    if as_mentor:
        what = "A student’s request or unpaid time" if as_mentor == 1 else f"{as_mentor} students’ requests"
        words.append(f"{what} with you {'ends' if as_mentor == 1 else 'or unpaid times end'}.")
    return words


def collect(user: User) -> Part:
    rows = Booking.objects.of(user).with_people().select_related("review")
    rows = rows.prefetch_related("events__actor", "move_requests__times", "move_requests__asked_by").order_by(
        "starts_at", "pk"
    )
    sessions: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for booking in rows:
        sessions[booking.student_id == user.pk].append(_session(booking, user))
    return Part({"sessions_as_student": sessions[True], "sessions_as_mentor": sessions[False]})


def _session(booking: Booking, user: User) -> dict[str, Any]:
    is_student = booking.student_id == user.pk
    other = booking.mentor.user if is_student else booking.student
    price = {"price": format_money(booking.price_minor, booking.currency, full=True)}
    if is_student:
        price["platform_fee"] = format_money(booking.fee_minor, booking.currency, full=True)
    return {
        "reference": booking.reference,
        "session_type": booking.type_name,
        "mentor" if is_student else "student": other.name,
        "status": booking.get_status_display(),
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        **price,
        "cancellation_policy": booking.get_cancellation_policy_display(),
        "topic": booking.topic,
        "notes": booking.notes,
        "booked_at": booking.created_at,
        "history": [_event(event) for event in booking.events.all()],
        "asked_to_move": [_move_request(each) for each in booking.move_requests.all()],
        "review": _review(booking, is_student),
    }


def _event(event: BookingEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "what": event.get_kind_display(),
        "by": event.actor.name if event.actor else "",
        "note": event.note,
        "moved_from": event.moved_from,
    }


def _move_request(request: MoveRequest) -> dict[str, Any]:
    return {
        "by": request.asked_by.name,
        "reason": request.reason,
        "proposed": [each.starts_at for each in request.times.all()],
        "at": request.created_at,
        "answer": request.get_status_display(),
    }


def _review(booking: Booking, is_student: bool) -> dict[str, Any] | None:
    """Their own in any case; a student's that staff have hidden is not the mentor's to see."""
    review = getattr(booking, "review", None)
    if review is None or (review.hidden_at and not is_student):
        return None
    return {
        "rating": review.rating,
        "words": review.words,
        "written_at": review.created_at,
        "is_hidden": review.hidden_at is not None,
    }
