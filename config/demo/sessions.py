"""The sessions of sessions.toml, lived through with the site's services, each step at its own time."""

from datetime import UTC, datetime, time, timedelta

from django.db.models import F, OuterRef, Subquery

from accounts.models import User
from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import State, free_starts
from bookings.models import Booking, Status
from bookings.services import accept, book, cancel, complete, decline, expire, record_review
from config.demo.cast import Cast
from config.demo.money import pay
from config.demo.plans import SessionPlan
from lib.wallclock import day_start, epoch_minute, from_epoch_minute
from mentors.models import SessionType
from mentors.schedules import load_schedules
from notifications.models import Message
from notifications.models import Status as MessageStatus

PAYS_AFTER = timedelta(minutes=4)
# What is ahead is not about to begin while somebody looks at it for the first time.
AHEAD = timedelta(minutes=45)
SEARCHED = timedelta(days=21)


class NoTime(Exception):
    """The script asks for a session that its mentor's calendar has no room for."""


def live_through(plan: SessionPlan, cast: Cast, now: datetime) -> None:
    """Everything that happened to the session until now. It is left out when no gateway takes its currency."""
    student, session_type = cast.people[plan.student], cast.session_types[plan.mentor, plan.type]
    if not session_type.is_payable:
        return
    minutes = plan.minutes or session_type.durations[0]
    booked_at = _ago(plan.booked, now)
    booking = book(
        student=student,
        session_type=session_type,
        duration_minutes=minutes,
        starts_at=_start(plan, student, session_type, minutes, booked_at, now),
        now=booked_at,
        topic=plan.topic,
        notes=plan.notes,
    )
    mentor = cast.mentors[plan.mentor].user
    if plan.answered is not None and plan.outcome == Status.DECLINED:
        decline(booking.pk, actor=mentor, now=_ago(plan.answered, now), reason=plan.reason)
    elif plan.answered is not None:
        accept(booking.pk, actor=mentor, now=_ago(plan.answered, now))
    booking.refresh_from_db()
    if booking.status == Status.AWAITING_PAYMENT and plan.outcome not in (
        Status.AWAITING_PAYMENT,
        Status.EXPIRED,
    ):
        pay(booking, at=_ago(plan.booked if plan.answered is None else plan.answered, now) + PAYS_AFTER)
    if plan.outcome == Status.CANCELLED and plan.ended is not None:
        _messages_went_out(booking, until=_ago(plan.ended, now))
        cancel(booking.pk, actor=student, now=_ago(plan.ended, now), reason=plan.reason)
    if plan.outcome == Status.EXPIRED:
        lapsed_at = booking.hold_expires_at or booking.respond_by
        expire(booking.pk, now=(lapsed_at or now) + timedelta(seconds=30))
    _messages_went_out(booking, until=now)
    if plan.outcome == Status.COMPLETED:
        complete(booking.pk, now=booking.ends_at + timedelta(seconds=30))
    booking.refresh_from_db()
    if plan.rating is not None:
        record_review(booking, rating=plan.rating, words=plan.words, now=booking.ends_at + timedelta(hours=3))


def _ago(days: float, now: datetime) -> datetime:
    return (now - timedelta(days=days)).replace(second=0, microsecond=0)


def _start(
    plan: SessionPlan,
    student: User,
    session_type: SessionType,
    minutes: int,
    booked_at: datetime,
    now: datetime,
) -> datetime:
    """Of the free starts that were offered then, the closest to the script's day and hour, on its side of now."""
    mentor, zone = session_type.mentor, session_type.mentor.zone
    at = time.fromisoformat(plan.at)
    day = now.astimezone(zone).date() + timedelta(days=plan.day)
    if plan.day < 0:
        window = (day_start(zone, day - SEARCHED), day_start(zone, day + timedelta(days=1)))
    else:
        window = (max(day_start(zone, day), epoch_minute(now + AHEAD)), day_start(zone, day + SEARCHED))
    starts = free_starts(
        load_schedules([mentor])[mentor.pk],
        load_busy([mentor], student, window, booked_at)[mentor.pk],
        window,
        minutes,
        booked_at,
        lead_minutes=lead_minutes(session_type),
    )
    free = [from_epoch_minute(minute).astimezone(zone) for minute, state in starts if state is State.FREE]
    if not free:
        raise NoTime(f"{plan.student} with {plan.mentor}, day {plan.day}")

    def distance(start: datetime) -> tuple[timedelta, int]:
        return abs(start.date() - day), abs((start.hour - at.hour) * 60 + start.minute - at.minute)

    return min(free, key=distance).astimezone(UTC)


def _messages_went_out(booking: Booking, *, until: datetime) -> None:
    """What was due by then has been sent then, so that nothing of the demo's past is mailed now."""
    address = User.objects.filter(pk=OuterRef("recipient")).values("email")
    Message.objects.filter(booking=booking, status=MessageStatus.QUEUED, due_at__lte=until).update(
        status=MessageStatus.SENT,
        sent_at=F("due_at"),
        claimed_at=F("due_at"),
        attempts=1,
        address=Subquery(address),
    )
