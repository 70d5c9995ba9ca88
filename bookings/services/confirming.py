"""A session becomes certain: it is paid, or it was accepted and costs nothing."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from bookings.engine.busy import load_busy
from bookings.engine.slots import Refusal, refusal
from bookings.models import Booking, BookingEvent, Status
from bookings.permissions import MENTOR_GONE
from bookings.services.claims import claim_time, keep_time
from bookings.services.errors import SlotGone
from bookings.services.holds import expire, expire_lapsed
from bookings.services.transitions import move
from lib.wallclock import epoch_minute
from mentors.schedules import load_schedules

# Said to both people, in a session's history and with money that goes back.
TAKEN_MEANWHILE = "The hold had run out, and the time was taken meanwhile."


def confirm(booking_pk: int, *, now: datetime) -> Booking:
    """The session is paid: schedule it. Quiet when it already is.

    Call it inside the transaction that holds `lock_booking(booking_pk)`. A hold that lapsed meanwhile
    is revived when the time is still free. Raises `SlotGone`, in words for both people, when the session
    can't take place.
    """
    booking = Booking.objects.with_people().get(pk=booking_pk)
    if booking.status in (Status.SCHEDULED, Status.COMPLETED, Status.NO_SHOW):
        return booking
    if booking.mentor_is_gone and not _ended_by_student(booking):
        raise SlotGone(MENTOR_GONE)
    if booking.status not in (Status.AWAITING_PAYMENT, Status.EXPIRED):
        raise SlotGone(f"The session had been {booking.get_status_display().lower()} before it arrived.")
    if booking.starts_at <= now:
        raise SlotGone("It arrived after the session's start.")
    if not booking.student.is_active:
        raise SlotGone("The student's account is closed.")
    if expire(booking.pk, now=now):  # what the clock ended is ended, whether or not a sweep has been by
        booking = Booking.objects.with_people().get(pk=booking_pk)
    if booking.status == Status.EXPIRED or not booking.claims.exists():
        _claim_again(booking, now)
    return schedule(booking, now=now, actor=None)


def schedule(booking: Booking, *, now: datetime, actor: User | None) -> Booking:
    """Make a locked booking a confirmed session; its claims stay for good. Raises `NotAllowed`."""
    keep_time(booking, None)
    booking.hold_expires_at = None
    return move(booking, Status.SCHEDULED, now=now, actor=actor)


def _ended_by_student(booking: Booking) -> bool:
    return booking.events.filter(kind=BookingEvent.Kind.CANCELLED, actor=booking.student_id).exists()


def _claim_again(booking: Booking, now: datetime) -> None:
    """Raises `SlotGone` when the time is not to be had any more."""
    expire_lapsed([booking.student_id, booking.mentor.user_id], now)
    start = epoch_minute(booking.starts_at)
    busy = load_busy([booking.mentor], booking.student, (start, start + 1), now, ignore=[booking.pk])
    schedules = load_schedules([booking.mentor])
    mentor_id, minutes = booking.mentor_id, booking.duration_minutes
    refused = refusal(schedules[mentor_id], busy[mentor_id], start, minutes, now, recheck=True)
    if refused is Refusal.TAKEN:
        raise SlotGone(TAKEN_MEANWHILE)
    if refused:
        raise SlotGone(f"The hold had run out. {refused.value}")
    try:
        with transaction.atomic():
            claim_time(booking, None)
    except IntegrityError as error:
        raise SlotGone(TAKEN_MEANWHILE) from error
