"""Making a session: the locks, the engine again, the claims, and the database's last word."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction

from accounts.models import User
from bookings import caps
from bookings.conditions import Conditions
from bookings.engine.busy import load_busy
from bookings.engine.offered import conditions_of, lead_minutes
from bookings.engine.slots import Refusal, free_starts, nearest, refusal
from bookings.models import Booking, Status
from bookings.permissions import why_not_book
from bookings.ports import being_checked
from bookings.services.errors import CapReached, ConditionsChanged, NotBookable, NotOffered, SlotTaken
from bookings.services.holds import expire_lapsed, replace_hold
from bookings.services.locking import lock_people
from bookings.services.transitions import begin
from lib.wallclock import DAY_MINUTES, epoch_minute, from_epoch_minute
from mentors.models import SessionType
from mentors.schedules import load_schedules

# Until when the mentor must have answered.
ANSWER_WITHIN = timedelta(hours=48)
ANSWER_BEFORE_START = timedelta(hours=2)
# Beyond this no mentor takes bookings, and what is calculated with times stays within the calendar.
FAR = timedelta(days=366)


def book(
    *,
    student: User,
    session_type: SessionType,
    duration_minutes: int,
    starts_at: datetime,
    now: datetime,
    topic: str = "",
    notes: str = "",
    shown: str | None = None,
) -> Booking:
    """Book that time: scheduled when free, held when it must be paid, requested when the mentor approves.

    Locks the two people, asks the engine, inserts. What has lapsed in their time, and which no sweep has been by,
    is ended when it is in the way. The student's own open hold of the same type is given up for the new one.
    Repeating the call for a session that the student already has returns that session.

    `shown` is the `Conditions.token` of what the student has seen; with other facts now nothing is done and
    `ConditionsChanged` is raised. Raises `NotOffered`, `CapReached` and other `NotBookable`, or `SlotTaken`
    with the nearest free times.
    """
    wanted = (student, session_type, duration_minutes, starts_at, now, topic, notes, shown)
    try:
        with transaction.atomic():
            return _book(*wanted)
    except (IntegrityError, OperationalError) as error:
        if not lost_the_race(error):
            raise
    try:
        with transaction.atomic():
            return _book(*wanted, ends_lapsed=True)
    except (IntegrityError, OperationalError) as error:
        if not lost_the_race(error):
            raise
        raise slot_taken(student, session_type, duration_minutes, starts_at, now) from error


def _book(
    student: User,
    session_type: SessionType,
    duration_minutes: int,
    starts_at: datetime,
    now: datetime,
    topic: str,
    notes: str,
    shown: str | None,
    *,
    ends_lapsed: bool = False,
) -> Booking:
    refuse_odd_time(starts_at, now)
    people = lock_people([student.pk, session_type.mentor.user_id])
    session_type = SessionType.objects.select_related("mentor__user").get(pk=session_type.pk)
    mentor = session_type.mentor
    kept = caps.kept_by(student, now)
    times = (starts_at, starts_at + timedelta(minutes=duration_minutes))
    for each in kept:
        if (each.session_type_id, each.starts_at, each.ends_at) == (session_type.pk, *times):
            found = Booking.objects.with_people().get(pk=each.pk)
            if not _is_replaced(found, shown, now):
                return found
    _refuse_unbookable(people[student.pk], session_type, duration_minutes)
    if ends_lapsed:
        expire_lapsed(list(people), now)
    if any(caps.is_given_up(each, session_type) for each in kept):
        replace_hold(session_type, student=student, now=now)
    if words := caps.reached(kept, people[student.pk], session_type, now):
        raise CapReached(words)
    _refuse_unoffered(student, session_type, duration_minutes, starts_at, now)
    conditions = conditions_of(session_type, duration_minutes, starts_at)
    if shown is not None and shown != conditions.token:
        raise ConditionsChanged("This session is not what your page showed. Please look again.")
    booking = Booking(
        mentor=mentor,
        student=student,
        session_type=session_type,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=duration_minutes),
        type_name=conditions.type_name,
        buffer_minutes=mentor.buffer_minutes,
        price_minor=conditions.price_minor,
        fee_minor=conditions.fee_minor,
        currency=conditions.currency,
        cancellation_policy=mentor.cancellation_policy,
        requires_approval=session_type.requires_approval,
        topic=topic,
        notes=notes,
        created_at=now,
    )
    if session_type.requires_approval:
        until = booking.respond_by = min(now + ANSWER_WITHIN, starts_at - ANSWER_BEFORE_START)
        return begin(booking, Status.REQUESTED, until=until, now=now, actor=student)
    if conditions.amount_minor:
        until = booking.hold_expires_at = min(now + timedelta(minutes=settings.HOLD_MINUTES), starts_at)
        return begin(booking, Status.AWAITING_PAYMENT, until=until, now=now, actor=student)
    return begin(booking, Status.SCHEDULED, until=None, now=now, actor=student)


def _is_replaced(found: Booking, shown: str | None, now: datetime) -> bool:
    """A hold on other terms than the page's gives way, as it does when its student picks another time.

    Not while money for it is being checked, which its pages say.
    """
    is_open_hold = found.status == Status.AWAITING_PAYMENT and not found.requires_approval
    if shown is None or not is_open_hold or _agreed(found).token == shown:
        return False
    return not being_checked([found], now)


def _agreed(booking: Booking) -> Conditions:
    """What its student agreed to. Needs the booking's type loaded."""
    return Conditions(
        type_slug=booking.session_type.slug,
        type_name=booking.type_name,
        minutes=booking.duration_minutes,
        starts_at=booking.starts_at,
        price_minor=booking.price_minor,
        fee_minor=booking.fee_minor,
        currency=booking.currency,
        policy="" if booking.is_free else booking.cancellation_policy,
        requires_approval=booking.requires_approval,
    )


def refuse_odd_time(starts_at: datetime, now: datetime) -> None:
    """A time that was never offered to anybody, since offers are whole minutes of the near future."""
    if starts_at.second or starts_at.microsecond:
        raise NotBookable(Refusal.CLOSED.value)
    if abs(starts_at - now) > FAR:
        raise NotBookable((Refusal.WINDOW if starts_at > now else Refusal.PAST).value)


def _refuse_unbookable(student: User, session_type: SessionType, duration_minutes: int) -> None:
    """Raises `NotBookable`, and `NotOffered` when there is another choice to make."""
    if refused := why_not_book(session_type.mentor, student):
        raise NotBookable(refused)
    if not session_type.is_active:
        raise NotOffered("The mentor no longer offers this session type. Please choose another.")
    if duration_minutes not in session_type.durations:
        raise NotOffered("This session type doesn't come in that length. Please choose one that is offered.")
    if not session_type.is_payable:
        raise NotOffered(
            f"Payments in {session_type.currency} can't be taken at the moment, so this can't be booked."
        )


def _refuse_unoffered(
    student: User, session_type: SessionType, duration_minutes: int, starts_at: datetime, now: datetime
) -> None:
    mentor, start = session_type.mentor, epoch_minute(starts_at)
    refused = refusal(
        load_schedules([mentor])[mentor.pk],
        load_busy([mentor], student, (start, start + 1), now, giving_up=session_type)[mentor.pk],
        start,
        duration_minutes,
        now,
        lead_minutes=lead_minutes(session_type),
    )
    if refused is Refusal.TAKEN:
        raise slot_taken(student, session_type, duration_minutes, starts_at, now)
    if refused is not None:
        raise NotBookable(refused.value)


def slot_taken(
    student: User | None,
    session_type: SessionType,
    duration_minutes: int,
    starts_at: datetime,
    now: datetime,
    *,
    moving: Booking | None = None,
) -> SlotTaken:
    """The refusal to raise, with the three nearest free times within two weeks, for the session to be moved if any."""
    mentor = session_type.mentor
    schedule = load_schedules([mentor])[mentor.pk]
    start = epoch_minute(starts_at)
    window = (start - 14 * DAY_MINUTES, start + 14 * DAY_MINUTES)
    ignore, giving_up = ([moving.pk], None) if moving else ([], session_type)
    busy = load_busy([mentor], student, window, now, giving_up=giving_up, ignore=ignore)[mentor.pk]
    lead = lead_minutes(session_type)
    starts = free_starts(schedule, busy, window, duration_minutes, now, lead_minutes=lead)
    found = [from_epoch_minute(minute) for minute in nearest(starts, start)]
    return SlotTaken("That time was just taken.", found)


def lost_the_race(error: Exception) -> bool:
    """The exclusion constraint (23P01), a deadlock (40P01), or SQLite's triggers."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in ("23P01", "40P01"):
        return True
    return "time_claim_never_overlaps" in str(error)
