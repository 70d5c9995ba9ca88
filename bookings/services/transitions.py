"""Every change of a session's status after it was made. Nothing else assigns one."""

from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.dispatch import Signal

from accounts.models import User
from bookings import signals
from bookings.cancellation import RefundChoice, Terms, terms_of
from bookings.engine.busy import load_busy
from bookings.engine.slots import Refusal, refusal
from bookings.models import HOLDING, TRANSITIONS, Booking, BookingEvent, Status, TimeClaim
from bookings.services.errors import NotAllowed, QuoteChanged, SlotGone
from bookings.services.locking import lock_booking
from lib.sweeping import attempt, each_row, row_of
from lib.wallclock import epoch_minute
from mentors.mentor_stats import count_session
from mentors.schedules import load_schedules

# A hold for payment after the mentor's approval: a day, but an hour before the start at the latest.
PAY_WITHIN = timedelta(hours=24)
PAY_BEFORE_START = timedelta(hours=1)

# Said to both people, in a session's history and with money that goes back.
MENTOR_GONE = "The mentor takes no sessions at the moment."
TAKEN_MEANWHILE = "The hold had run out, and the time was taken meanwhile."

Kind = BookingEvent.Kind
# The sweep's name for what lapses.
EXPIRE = "bookings.expire"


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


def _ended_by_student(booking: Booking) -> bool:
    return booking.events.filter(kind=Kind.CANCELLED, actor=booking.student_id).exists()


def schedule(booking: Booking, *, now: datetime, actor: User | None) -> Booking:
    """Make a locked booking a confirmed session; its claims stay for good."""
    booking.claims.update(expires_at=None)
    booking.hold_expires_at = None
    _move(booking, Status.SCHEDULED, Kind.SCHEDULED, signals.booking_scheduled, now=now, actor=actor)
    return booking


def accept(booking_pk: int, *, actor: User, now: datetime) -> Booking:
    """The mentor says yes to a request: free ones are scheduled, paid ones held for payment."""
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status in (Status.SCHEDULED, Status.AWAITING_PAYMENT) and booking.requires_approval:
            return booking
        _require(booking, Status.REQUESTED, now, "This request is no longer open.")
        if not booking.mentor.may_accept:
            raise NotAllowed("Your profile is suspended, so you can't accept requests. Write to us.")
        booking.respond_by = None
        _record(booking, Kind.ACCEPTED, now=now, actor=actor)
        if booking.is_free:
            return schedule(booking, now=now, actor=actor)
        return hold(
            booking, min(now + PAY_WITHIN, booking.starts_at - PAY_BEFORE_START), now=now, actor=actor
        )


def hold(booking: Booking, until: datetime, *, now: datetime, actor: User | None) -> Booking:
    """Keep a locked booking's time for its student to pay, until that instant."""
    booking.hold_expires_at = until
    booking.claims.update(expires_at=until)
    _move(booking, Status.AWAITING_PAYMENT, Kind.HELD, signals.booking_held, now=now, actor=actor)
    return booking


def extend_hold(booking_pk: int, *, until: datetime, now: datetime) -> Booking:
    """Let a hold that has not lapsed last until then: never past the session's start, and never shorter than it was."""
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        until = min(until, booking.starts_at)
        is_shorter = booking.hold_expires_at is not None and booking.hold_expires_at < until
        # Without its claims it has lapsed for somebody whose clock is ahead of ours.
        if booking.payable_at(now) and is_shorter and booking.claims.update(expires_at=until):
            booking.hold_expires_at = until
            booking.save(update_fields=["hold_expires_at"])
        return booking


def release_hold(booking_pk: int, *, now: datetime) -> bool:
    """End a hold before its time. False when there is none."""
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status != Status.AWAITING_PAYMENT:
            return False
        if not booking.is_lapsed(now):
            booking.hold_expires_at = now
            booking.save(update_fields=["hold_expires_at"])
        return expire(booking_pk, now=now)


def decline(booking_pk: int, *, actor: User, now: datetime, reason: str = "") -> Booking:
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status == Status.DECLINED:
            return booking
        _require(booking, Status.REQUESTED, now, "This request is no longer open.")
        return _end(booking, Status.DECLINED, now=now, actor=actor, note=reason)


def cancel(
    booking_pk: int, *, actor: User, now: datetime, reason: str = "", quoted: str | None = None
) -> Booking:
    """End a session before its start; of what was paid goes back what its policy gives.

    `quoted` is the `Terms.token` of what the person has seen; with other terms now, `QuoteChanged` is raised.
    A mentor ends free sessions only. Quiet when it is cancelled already.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status == Status.CANCELLED:
            return booking
        if not booking.cancellable_at(now):
            raise NotAllowed("This session can't be cancelled here any more.")
        terms = terms_of(booking, now)
        if terms.is_paid and actor.pk == booking.mentor.user_id:
            raise NotAllowed("A paid session is cancelled by its student or by our staff.")
        if terms.refusal:
            raise NotAllowed(terms.refusal)
        _refuse_unseen(terms, quoted, booking.currency)
        return _end(
            booking,
            Status.CANCELLED,
            now=now,
            actor=actor,
            note=reason,
            refund_minor=terms.quote.refund_minor,
        )


def cancel_by_staff(
    booking_pk: int,
    *,
    actor: User,
    now: datetime,
    reason: str,
    give_back: RefundChoice,
    part_minor: int = 0,
    quoted: str | None = None,
) -> Booking:
    """End a session before its end, with what staff decide to give back. `quoted` is as in `cancel`."""
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status_at(now) not in (*HOLDING, Status.SCHEDULED):
            raise NotAllowed(f"This session is {booking.status_at(now).label.lower()} already.")
        terms = terms_of(booking, now)
        _refuse_unseen(terms, quoted, booking.currency)
        refund_minor = terms.chosen(give_back, part_minor)
        if give_back is RefundChoice.PART and not 0 < part_minor <= terms.left_minor:
            raise NotAllowed("A part is more than nothing and at most what is left of the payment.")
        if refund_minor and terms.refusal:
            raise NotAllowed(terms.refusal)
        return _end(booking, Status.CANCELLED, now=now, actor=actor, note=reason, refund_minor=refund_minor)


def _refuse_unseen(terms: Terms, quoted: str | None, currency: str) -> None:
    if quoted is not None and (changed := terms.change_since(quoted, currency)):
        raise QuoteChanged(changed)


def join(booking_pk: int, *, actor: User, now: datetime) -> None:
    """Record that this person came, once: it is evidence when somebody says the other did not.

    Only the student and the mentor arrive; anybody else is refused with `NotAllowed`.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if actor.pk not in (booking.student_id, booking.mentor.user_id):
            raise NotAllowed("Only the student and the mentor join a session.")
        if booking.status != Status.SCHEDULED:
            raise NotAllowed("This session is not taking place any more.")
        if not booking.events.filter(kind=Kind.JOINED, actor=actor).exists():
            _record(booking, Kind.JOINED, now=now, actor=actor)


def replace_hold(booking: Booking, *, actor: User, now: datetime) -> None:
    """Give up a locked hold, because its student picked another time."""
    _end(booking, Status.CANCELLED, now=now, actor=actor, note="Another time was picked instead.")


def withdraw(booking_pk: int, *, actor: User | None, now: datetime, reason: str) -> bool:
    """End a hold or a request because one of its two people is gone. False when it is neither any more.

    A session that was agreed or paid meanwhile stays.
    """
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        if booking.status not in HOLDING or booking.is_lapsed(now):
            return False
        _end(booking, Status.CANCELLED, now=now, actor=actor, note=reason)
        return True


def expire_lapsed(people: list[int], now: datetime) -> None:
    """Expire the lapsed holds and requests that still stand in these locked people's time.

    One that can't be ended loses its time all the same, so that it stops nobody else; its end is left to the sweep.
    """
    lapsed = Booking.objects.lapsed(now).filter(claims__person_id__in=people).distinct()
    for pk, reference in lapsed.values_list("pk", "reference"):
        if attempt(EXPIRE, row_of(Booking, pk, reference), partial(expire, pk, now=now)):
            TimeClaim.objects.filter(booking_id=pk).delete()


def expire(booking_pk: int, *, now: datetime) -> bool:
    """Compare and set: only a hold or request that has lapsed by now ends, and only once."""
    with transaction.atomic():
        lapsed = Booking.objects.lapsed(now).filter(pk=booking_pk)
        if not lapsed.update(status=Status.EXPIRED):
            return False
        booking = Booking.objects.with_people().get(pk=booking_pk)
        booking.claims.all().delete()
        _announce(booking, Kind.EXPIRED, signals.booking_expired, now=now, actor=None)
        return True


def complete(booking_pk: int, *, now: datetime) -> bool:
    """Compare and set: a scheduled session whose end has passed is completed, once."""
    with transaction.atomic():
        over = Booking.objects.filter(pk=booking_pk, status=Status.SCHEDULED, ends_at__lte=now)
        if not over.update(status=Status.COMPLETED):
            return False
        booking = Booking.objects.with_people().get(pk=booking_pk)
        count_session(booking.mentor_id)
        _announce(booking, Kind.COMPLETED, signals.booking_completed, now=now, actor=None)
        return True


def sweep(now: datetime) -> None:
    """What the clock does by itself: lapsed holds and requests end, also those whose mentor is gone, and sessions
    that are over complete."""
    lapsed = Booking.objects.lapsed(now).order_by("pk")
    each_row(EXPIRE, lapsed, lambda pk: expire(pk, now=now))
    waiting = Booking.objects.left_behind().order_by("pk")
    each_row("bookings.withdraw", waiting, lambda pk: withdraw(pk, actor=None, now=now, reason=MENTOR_GONE))
    over = Booking.objects.filter(status=Status.SCHEDULED, ends_at__lte=now).order_by("ends_at", "pk")
    each_row("bookings.complete", over, lambda pk: complete(pk, now=now))


def claim_time(booking: Booking, expires_at: datetime | None) -> None:
    """Claim the mentor's time, buffer included, and the student's. Raises IntegrityError on an overlap."""
    buffer = timedelta(minutes=booking.buffer_minutes)
    mine = TimeClaim(booking=booking, person_id=booking.student_id, ends_at=booking.ends_at)
    theirs = TimeClaim(booking=booking, person_id=booking.mentor.user_id, ends_at=booking.ends_at + buffer)
    for claim in (theirs, mine):
        claim.starts_at, claim.expires_at = booking.starts_at, expires_at
    TimeClaim.objects.bulk_create(sorted([theirs, mine], key=lambda claim: claim.person_id))


def _claim_again(booking: Booking, now: datetime) -> None:
    people = [booking.student_id, booking.mentor.user_id]
    expire_lapsed(people, now)
    start = epoch_minute(booking.starts_at)
    busy = load_busy([booking.mentor], booking.student, (start, start + 1), now, ignore=[booking.pk])
    schedule_ = load_schedules([booking.mentor])[booking.mentor_id]
    refused = refusal(schedule_, busy[booking.mentor_id], start, booking.duration_minutes, now, recheck=True)
    if refused is Refusal.TAKEN:
        raise SlotGone(TAKEN_MEANWHILE)
    if refused:
        raise SlotGone(f"The hold had run out. {refused.value}")
    try:
        with transaction.atomic():
            claim_time(booking, None)
    except IntegrityError as error:
        raise SlotGone(TAKEN_MEANWHILE) from error


def _require(booking: Booking, status: Status, now: datetime, message: str) -> None:
    if booking.status != status or booking.is_lapsed(now) or not booking.claims.exists():
        raise NotAllowed(message)


def _end(
    booking: Booking,
    status: Status,
    *,
    now: datetime,
    actor: User | None,
    note: str,
    refund_minor: int = 0,
) -> Booking:
    kind, announced = {
        Status.CANCELLED: (Kind.CANCELLED, signals.booking_cancelled),
        Status.DECLINED: (Kind.DECLINED, signals.booking_declined),
    }[status]
    booking.claims.all().delete()
    booking.sequence += 1
    _move(booking, status, kind, announced, now=now, actor=actor, note=note, refund_minor=refund_minor)
    return booking


def _move(
    booking: Booking,
    status: Status,
    kind: Kind,
    announced: Signal,
    *,
    now: datetime,
    actor: User | None,
    note: str = "",
    **told: object,
) -> None:
    if status not in TRANSITIONS[Status(booking.status)]:
        raise NotAllowed(
            f"A session that is {booking.get_status_display().lower()} can't become {status.label.lower()}."
        )
    booking.status = status
    booking.save(update_fields=["status", "hold_expires_at", "respond_by", "sequence"])
    _announce(booking, kind, announced, now=now, actor=actor, note=note, **told)


def _announce(
    booking: Booking,
    kind: Kind,
    announced: Signal,
    *,
    now: datetime,
    actor: User | None,
    note: str = "",
    **told: object,
) -> None:
    event = _record(booking, kind, now=now, actor=actor, note=note)
    announced.send(Booking, booking=booking, event=event, now=now, **told)


def _record(
    booking: Booking, kind: Kind, *, now: datetime, actor: User | None, note: str = ""
) -> BookingEvent:
    return BookingEvent.objects.create(booking=booking, kind=kind, at=now, actor=actor, note=note)
