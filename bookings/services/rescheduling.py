"""Moving an agreed session: the same booking gets another time, by its student or after one of the two has asked.

Payment, reference and the calendar's UID stay. The old time stands until the moment in which the other one is claimed.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, OperationalError, transaction

from accounts.models import User
from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import Refusal, refusal
from bookings.models import Booking, BookingEvent, MoveRequest, ProposedTime, Status
from bookings.moving import Moves, answer_by
from bookings.permissions import MOST_PROPOSALS, NOT_ASKED
from bookings.services.booking import lost_the_race, refuse_odd_time, slot_taken
from bookings.services.claims import claim_proposed, claim_time, free_proposed, free_time
from bookings.services.errors import MoveChanged, NotAllowed, NotBookable, SlotTaken
from bookings.services.holds import expire_lapsed
from bookings.services.locking import lock_booking
from bookings.services.transitions import record
from bookings.signals import booking_moved, move_request_closed, move_requested
from lib.wallclock import epoch_minute
from mentors.schedules import load_schedules

Kind = BookingEvent.Kind

# What answering a request to move in another way than by moving is called in a session's history.
CLOSED_AS = {
    MoveRequest.Status.KEPT: Kind.MOVE_REFUSED,
    MoveRequest.Status.LAPSED: Kind.MOVE_LAPSED,
    MoveRequest.Status.TAKEN_BACK: Kind.MOVE_TAKEN_BACK,
}


def reschedule(
    booking_pk: int, *, actor: User, starts_at: datetime, now: datetime, shown: str | None = None
) -> Booking:
    """Move an agreed session: its student to any free time, whoever was asked to one of the proposed times.

    Locks the two people and the session, asks the engine, and claims the new time for the old one. Quiet when the
    session is at that time already. `shown` is the `Moves.token` of what the person has seen; when that has changed,
    `MoveChanged` is raised and nothing is done. Raises `NotAllowed`, `NotBookable`, or `SlotTaken` with the nearest
    free times, and `Booking.DoesNotExist`.
    """
    booking = Booking.objects.with_people().get(pk=booking_pk)
    try:
        with transaction.atomic():
            booking = lock_booking(booking_pk)
            return _reschedule(booking, actor, starts_at, now, shown)
    except (IntegrityError, OperationalError) as error:
        if not lost_the_race(error):
            raise
        raise _taken(booking, starts_at, now) from error


def _reschedule(
    booking: Booking, actor: User, starts_at: datetime, now: datetime, shown: str | None
) -> Booking:
    refuse_odd_time(starts_at, now)
    if booking.status == Status.SCHEDULED and booking.starts_at == starts_at:
        return booking
    moves = Moves(booking, actor, now)
    request = moves.request
    is_proposed = request is not None and any(each.starts_at == starts_at for each in request.times.all())
    if refused := _why_not_take(moves, is_proposed=is_proposed):
        raise NotAllowed(refused)
    _refuse_unseen(moves, shown)
    expire_lapsed([booking.student_id, booking.mentor.user_id], now)
    _refuse_unoffered(booking, starts_at, now, is_agreed=is_proposed)
    was, length = booking.starts_at, booking.ends_at - booking.starts_at
    booking.starts_at, booking.ends_at = starts_at, starts_at + length
    booking.sequence += 1
    booking.moves += request is None
    booking.save(update_fields=["starts_at", "ends_at", "sequence", "moves"])
    free_time(booking.pk)
    claim_time(booking, None)
    if request is not None:
        MoveRequest.objects.filter(pk=request.pk).update(status=MoveRequest.Status.MOVED, answered_at=now)
    event = record(booking, Kind.MOVED, now=now, actor=actor, moved_from=was)
    booking_moved.send(Booking, booking=booking, event=event, now=now)
    return booking


def _why_not_take(moves: Moves, *, is_proposed: bool) -> str:
    if is_proposed and not moves.is_asker:
        return moves.why_not_answer
    if moves.is_mentor:
        return "Take one of the times that are proposed, or keep the old one." if moves.request else NOT_ASKED
    return moves.why_not_move


def ask_to_move(
    booking_pk: int,
    *,
    actor: User,
    reason: str,
    times: Collection[datetime],
    now: datetime,
    shown: str | None = None,
) -> MoveRequest:
    """Ask the other of the two to move an agreed session, to one of up to three times that are kept for the answer.

    A student proposes at least one; a mentor may leave the time to the student. Locks the two people and the session.
    Quiet when the same person's request is open already. `shown` is as in `reschedule`. Raises `MoveChanged`,
    `NotAllowed` in words for the person, `NotBookable` and `SlotTaken` for a time that can't be had, and
    `Booking.DoesNotExist`.
    """
    try:
        with transaction.atomic():
            booking = lock_booking(booking_pk)
            moves = Moves(booking, actor, now)
            if moves.request is not None and moves.is_asker:
                return moves.request
            if refused := moves.why_not_ask or _why_not_propose(moves, reason, times):
                raise NotAllowed(refused)
            _refuse_unseen(moves, shown)
            expire_lapsed([booking.student_id, booking.mentor.user_id], now)
            for start in times:
                refuse_odd_time(start, now)
                _refuse_unoffered(booking, start, now, is_agreed=moves.is_mentor)
            return _ask(booking, actor, reason.strip(), times, now)
    except (IntegrityError, OperationalError) as error:
        if not lost_the_race(error):
            raise
        raise SlotTaken("One of these times was just taken. Please look again.", []) from error


def _why_not_propose(moves: Moves, reason: str, times: Collection[datetime]) -> str:
    if not reason.strip():
        return "Please say why: a sentence is enough."
    if len(set(times)) > MOST_PROPOSALS:
        return f"Propose up to {MOST_PROPOSALS} times."
    if moves.booking.starts_at in times:
        return "The session is at that time already. Propose another."
    return "Pick a time that you propose." if moves.is_student and not times else ""


def _ask(
    booking: Booking, actor: User, reason: str, times: Collection[datetime], now: datetime
) -> MoveRequest:
    until = answer_by(booking, now)
    request = MoveRequest.objects.create(
        booking=booking, asked_by=actor, reason=reason, created_at=now, answer_by=until
    )
    ProposedTime.objects.bulk_create(ProposedTime(request=request, starts_at=start) for start in set(times))
    claim_proposed(booking, set(times), until)
    event = record(booking, Kind.MOVE_ASKED, now=now, actor=actor, note=reason)
    move_requested.send(Booking, booking=booking, event=event, now=now, move_request=request)
    return request


def keep_old_time(booking_pk: int, *, actor: User, now: datetime, note: str = "") -> Booking:
    """The one who was asked keeps the session where it is. Quiet when that was the answer already.

    Locks the two people and the session. Raises `NotAllowed`, in words for the person, and `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        moves = Moves(booking, actor, now)
        if moves.request is None and _was_kept(booking):
            return booking
        if refused := moves.why_not_answer:
            raise NotAllowed(refused)
        assert moves.request is not None  # noqa: S101
        _close(moves.request, MoveRequest.Status.KEPT, now=now, actor=actor, note=note)
        return booking


def _was_kept(booking: Booking) -> bool:
    last = booking.move_requests.order_by("pk").last()
    return last is not None and last.status == MoveRequest.Status.KEPT


def take_back_move(booking_pk: int, *, actor: User, now: datetime) -> Booking:
    """Whoever asked to move asks no more. Quiet when nothing is asked.

    Locks the two people and the session. Raises `NotAllowed` for the other of the two, and `Booking.DoesNotExist`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        moves = Moves(booking, actor, now)
        if moves.request is None:
            return booking
        if not moves.is_asker:
            raise NotAllowed("Only whoever asked takes that back.")
        _close(moves.request, MoveRequest.Status.TAKEN_BACK, now=now, actor=actor)
        return booking


def lapse_move_request(request_pk: int, *, now: datetime) -> bool:
    """End a request to move that nobody has answered in time. False when it isn't due, or somebody else was first."""
    with transaction.atomic():
        booking_pk = MoveRequest.objects.values_list("booking_id", flat=True).get(pk=request_pk)
        booking = lock_booking(booking_pk)
        request = MoveRequest.objects.lapsed(now).filter(pk=request_pk).first()
        if request is None:
            return False
        request.booking = booking
        _close(request, MoveRequest.Status.LAPSED, now=now, actor=None)
        return True


def _close(
    request: MoveRequest, status: MoveRequest.Status, *, now: datetime, actor: User | None, note: str = ""
) -> None:
    """The session stays where it is, and what was proposed is free again. Call it with the session locked."""
    booking = request.booking
    request.status, request.answered_at = status, now
    request.save(update_fields=["status", "answered_at"])
    free_proposed(booking.pk)
    event = record(booking, CLOSED_AS[status], now=now, actor=actor, note=note)
    move_request_closed.send(Booking, booking=booking, event=event, now=now, move_request=request)


def _refuse_unseen(moves: Moves, shown: str | None) -> None:
    """Raises `MoveChanged`."""
    if shown is not None and shown != moves.token:
        raise MoveChanged("This session has changed since you looked. Please look again.")


def _refuse_unoffered(booking: Booking, starts_at: datetime, now: datetime, *, is_agreed: bool) -> None:
    """`is_agreed` says that the mentor wants the time: then neither their notice nor their window counts."""
    mentor, start = booking.mentor, epoch_minute(starts_at)
    busy = load_busy([mentor], booking.student, (start, start + 1), now, ignore=[booking.pk])
    refused = refusal(
        load_schedules([mentor])[mentor.pk],
        busy[mentor.pk],
        start,
        booking.duration_minutes,
        now,
        lead_minutes=0 if is_agreed else lead_minutes(booking.session_type),
        recheck=is_agreed,
    )
    if refused is Refusal.TAKEN:
        raise _taken(booking, starts_at, now)
    if refused is not None:
        raise NotBookable(refused.value)


def _taken(booking: Booking, starts_at: datetime, now: datetime) -> SlotTaken:
    return slot_taken(
        booking.student,
        booking.session_type,
        booking.duration_minutes,
        starts_at,
        now,
        moving=booking,
    )
