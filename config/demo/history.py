"""The rows that a session of the past has left behind: its history, its time, its money."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from django.conf import settings
from django.db.models import F

from accounts.models import User
from bookings.models import Booking, BookingEvent, Status, TimeClaim
from config.demo.money import paid_payment, unpaid_payment
from mentors.models import Mentor
from payments.models import MockCheckout, Payment

Kind = BookingEvent.Kind
Step = tuple[BookingEvent.Kind, datetime, User | None]

ANSWER_WITHIN = timedelta(hours=48)


def prepare(booking: Booking) -> Booking:
    """What the services leave on the row itself."""
    if booking.status == Status.DECLINED:
        booking.respond_by = booking.created_at + ANSWER_WITHIN
    if booking.status == Status.EXPIRED:
        booking.hold_expires_at = booking.created_at + timedelta(minutes=settings.HOLD_MINUTES)
    if booking.status in (Status.DECLINED, Status.CANCELLED):
        booking.sequence = 1
    return booking


def write_history(bookings: Sequence[Booking], rng: Random) -> None:
    """For saved bookings that have nothing else yet."""
    events: list[BookingEvent] = []
    claims: list[TimeClaim] = []
    payments: list[Payment] = []
    checkouts: list[MockCheckout] = []
    for booking in bookings:
        steps = list(_steps(booking, rng))
        events += [BookingEvent(booking=booking, kind=kind, at=at, actor=actor) for kind, at, actor in steps]
        times = {kind: at for kind, at, _ in steps}
        if booking.status == Status.COMPLETED:
            claims += _claims(booking)
        if booking.status == Status.EXPIRED:
            payments.append(unpaid_payment(booking, asked_at=times[Kind.HELD]))
        elif Kind.HELD in times:
            payment, checkout = paid_payment(
                booking, asked_at=times[Kind.HELD], paid_at=times[Kind.SCHEDULED]
            )
            payments.append(payment)
            checkouts.append(checkout)
    BookingEvent.objects.bulk_create(events)
    TimeClaim.objects.bulk_create(claims)
    Payment.objects.bulk_create(payments)
    MockCheckout.objects.bulk_create(checkouts)
    took_place = Counter(booking.mentor_id for booking in bookings if booking.status == Status.COMPLETED)
    for mentor, count in took_place.items():
        Mentor.objects.filter(pk=mentor).update(session_count=F("session_count") + count)


def _steps(booking: Booking, rng: Random) -> Iterator[Step]:
    student, mentor = booking.student, booking.mentor.user
    at, actor = booking.created_at, student
    if booking.requires_approval:
        yield Kind.REQUESTED, at, student
        at, actor = at + timedelta(minutes=rng.randint(20, 1200)), mentor
        if booking.status == Status.DECLINED:
            yield Kind.DECLINED, at, mentor
            return
        yield Kind.ACCEPTED, at, mentor
    if booking.is_free:
        yield Kind.SCHEDULED, at, actor
    else:
        yield Kind.HELD, at, actor
        if booking.status == Status.EXPIRED:
            yield Kind.EXPIRED, at + timedelta(minutes=settings.HOLD_MINUTES, seconds=40), None
            return
        yield Kind.SCHEDULED, at + timedelta(minutes=rng.randint(1, settings.HOLD_MINUTES)), None
    if booking.status == Status.CANCELLED:
        yield Kind.CANCELLED, at + timedelta(hours=rng.randint(2, 40)), student
    else:
        yield Kind.COMPLETED, booking.ends_at + timedelta(seconds=rng.randint(5, 60)), None


def _claims(booking: Booking) -> list[TimeClaim]:
    buffer = timedelta(minutes=booking.buffer_minutes)
    theirs, mine = booking.mentor.user_id, booking.student_id
    return [
        TimeClaim(
            booking=booking, person_id=theirs, starts_at=booking.starts_at, ends_at=booking.ends_at + buffer
        ),
        TimeClaim(booking=booking, person_id=mine, starts_at=booking.starts_at, ends_at=booking.ends_at),
    ]
