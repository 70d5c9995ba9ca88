"""The life of a session after it was made: what each service does from each status, and what it announces."""

from datetime import timedelta

import pytest
from django.db import transaction

from bookings import signals
from bookings.models import BOOKING_TRANSITIONS, Booking, BookingEvent, Status, TimeClaim
from bookings.services import (
    NotAllowed,
    SlotGone,
    accept,
    book,
    cancel,
    complete,
    confirm,
    decline,
    expire,
    join,
    lock_booking,
    sweep,
)
from mentors.models import DateOverride, Mentor
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.django_db

S = Status
START = at(9, 12)
STATUSES = list(Status)


def confirmed(pk, now=NOW):
    """As a settled payment does it."""
    with transaction.atomic():
        lock_booking(pk)
        return confirm(pk, now=now)


def session(status, *, price=0, starts_at=START, **fields):
    return BookingFactory(session_type__price_minor=price, status=status, starts_at=starts_at, **fields)


def everything():
    return (
        list(Booking.objects.order_by("pk").values()),
        list(TimeClaim.objects.order_by("pk").values()),
        list(BookingEvent.objects.order_by("pk").values()),
    )


# Every service from every status

SERVICES = {
    "accept": lambda booking: accept(booking.pk, actor=booking.mentor.user, now=NOW),
    "decline": lambda booking: decline(booking.pk, actor=booking.mentor.user, now=NOW),
    "cancel": lambda booking: cancel(booking.pk, actor=booking.student, now=NOW),
    "confirm": lambda booking: confirmed(booking.pk),
    "expire": lambda booking: expire(booking.pk, now=NOW + timedelta(days=3)),
    "complete": lambda booking: complete(booking.pk, now=START + timedelta(hours=1)),
}
LEADS_TO = {
    "accept": {S.REQUESTED: S.SCHEDULED},
    "decline": {S.REQUESTED: S.DECLINED},
    "cancel": dict.fromkeys((S.REQUESTED, S.AWAITING_PAYMENT, S.SCHEDULED), S.CANCELLED),
    "confirm": {S.AWAITING_PAYMENT: S.SCHEDULED, S.EXPIRED: S.SCHEDULED},
    "expire": {S.REQUESTED: S.EXPIRED, S.AWAITING_PAYMENT: S.EXPIRED},
    "complete": {S.SCHEDULED: S.COMPLETED},
}
# Nothing is left to do, or somebody else was first: no error, no change.
QUIET = {
    "accept": set(),
    "decline": {S.DECLINED},
    "cancel": {S.CANCELLED},
    "confirm": {S.SCHEDULED, S.COMPLETED, S.NO_SHOW},
    "expire": set(STATUSES) - set(LEADS_TO["expire"]),
    "complete": set(STATUSES) - set(LEADS_TO["complete"]),
}


def changes():
    return [(service, status, target) for service in SERVICES for status, target in LEADS_TO[service].items()]


def no_changes():
    return [
        (service, status) for service in SERVICES for status in STATUSES if status not in LEADS_TO[service]
    ]


@pytest.mark.parametrize(("service", "status", "target"), changes())
def test_a_service_changes_the_status_and_tells_of_it_once(service, status, target, announced):
    booking = session(status)
    SERVICES[service](booking)
    booking.refresh_from_db()
    assert booking.status == target
    assert target in BOOKING_TRANSITIONS[status]
    assert announced == [target]
    assert booking.events.last().kind == target


@pytest.mark.parametrize(("service", "status"), no_changes())
def test_a_service_changes_nothing_from_any_other_status(service, status, announced):
    booking = session(status)
    before = everything()
    if status in QUIET[service]:
        SERVICES[service](booking)
    else:
        with pytest.raises((NotAllowed, SlotGone)):
            SERVICES[service](booking)
    assert (everything(), announced) == (before, [])


def test_the_table_knows_every_status_and_what_has_ended_stays_so():
    assert set(BOOKING_TRANSITIONS) == set(Status)
    assert all(status not in targets for status, targets in BOOKING_TRANSITIONS.items())
    assert BOOKING_TRANSITIONS[S.CANCELLED] == BOOKING_TRANSITIONS[S.DECLINED] == frozenset()


@pytest.mark.parametrize(("service", "status", "target"), changes())
def test_a_change_is_undone_when_a_receiver_fails(service, status, target):
    def fail(**_):
        raise RuntimeError

    booking = session(status)
    before = everything()
    signal = getattr(signals, f"booking_{target}")
    signal.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            SERVICES[service](booking)
    finally:
        signal.disconnect(fail)
    assert everything() == before


@pytest.mark.parametrize("service", ["decline", "cancel", "expire"])
def test_ending_gives_the_time_back(service):
    booking = session(S.REQUESTED)
    assert booking.claims.count() == 2
    SERVICES[service](booking)
    assert not TimeClaim.objects.exists()


# Every way through: free or paid, at once or by approval, and cancelled at each step


def walk(student, mentor, price, approval, *, steps):
    """Book, have it accepted, and pay, as far as `steps` says; the statuses on the way."""
    kind = SessionTypeFactory(mentor=mentor, price_minor=price, requires_approval=approval)
    booking = book(student=student, session_type=kind, duration_minutes=60, starts_at=START, now=NOW)
    seen = [booking.status]
    for step in steps:
        accepts = step == "accept"
        booking = accept(booking.pk, actor=mentor.user, now=NOW) if accepts else confirmed(booking.pk)
        seen.append(booking.status)
    return booking, seen


WAYS = [
    (0, False, [], ["scheduled"]),
    (0, True, ["accept"], ["requested", "scheduled"]),
    (100_000, False, ["pay"], ["awaiting_payment", "scheduled"]),
    (100_000, True, ["accept", "pay"], ["requested", "awaiting_payment", "scheduled"]),
]


@pytest.mark.parametrize(("price", "approval", "steps", "statuses"), WAYS)
def test_every_way_ends_scheduled_with_its_time_for_good(student, mentor, price, approval, steps, statuses):
    booking, seen = walk(student, mentor, price, approval, steps=steps)
    assert seen == statuses
    assert (booking.hold_expires_at, booking.respond_by) == (None, None)
    assert set(booking.claims.values_list("person", "expires_at")) == {
        (student.pk, None),
        (mentor.user_id, None),
    }


@pytest.mark.parametrize(
    ("price", "approval", "steps"),
    [(price, approval, steps[:n]) for price, approval, steps, _ in WAYS for n in range(len(steps) + 1)],
)
def test_every_step_can_be_cancelled_by_the_student(student, mentor, price, approval, steps, announced):
    booking, _ = walk(student, mentor, price, approval, steps=steps)
    ended = cancel(booking.pk, actor=student, now=NOW, reason="Ill.")
    assert (ended.status, ended.sequence, announced[-1]) == (S.CANCELLED, 1, "cancelled")
    assert (ended.events.last().actor, ended.events.last().note) == (student, "Ill.")
    assert not booking.claims.exists()


@pytest.mark.parametrize("price", [0, 100_000])
def test_a_mentor_cancels_free_sessions_only(price):
    booking = session(S.SCHEDULED, price=price)
    if price:
        with pytest.raises(NotAllowed, match="by its student or by our staff"):
            cancel(booking.pk, actor=booking.mentor.user, now=NOW)
    else:
        assert cancel(booking.pk, actor=booking.mentor.user, now=NOW).status == S.CANCELLED


# The mentor's answer


def test_accepting_a_paid_request_holds_it_for_a_day(announced):
    booking = session(S.REQUESTED, price=100_000)
    accepted = accept(booking.pk, actor=booking.mentor.user, now=NOW)
    assert accepted.status == S.AWAITING_PAYMENT
    assert (accepted.respond_by, accepted.hold_expires_at) == (None, NOW + timedelta(hours=24))
    assert set(booking.claims.values_list("expires_at", flat=True)) == {NOW + timedelta(hours=24)}
    assert [each.kind for each in booking.events.all()] == ["accepted", "held"]
    assert announced == ["held"]


def test_accepting_late_leaves_until_an_hour_before_the_start():
    booking = session(S.REQUESTED, price=100_000, starts_at=at(3, 9))
    accepted = accept(booking.pk, actor=booking.mentor.user, now=NOW)
    assert accepted.hold_expires_at == at(3, 8)


def test_a_suspended_mentor_accepts_nothing_and_may_still_decline(announced):
    booking = session(S.REQUESTED)
    Mentor.objects.update(status="suspended")
    with pytest.raises(NotAllowed, match="suspended"):
        accept(booking.pk, actor=booking.mentor.user, now=NOW)
    assert announced == []
    assert decline(booking.pk, actor=booking.mentor.user, now=NOW).status == S.DECLINED


def test_a_mentor_who_paused_still_accepts():
    booking = session(S.REQUESTED)
    Mentor.objects.update(is_paused=True)
    assert accept(booking.pk, actor=booking.mentor.user, now=NOW).status == S.SCHEDULED


@pytest.mark.parametrize("status", [S.SCHEDULED, S.AWAITING_PAYMENT])
def test_accepting_twice_is_quiet(status, announced):
    booking = session(status, requires_approval=True)
    before = everything()
    assert accept(booking.pk, actor=booking.mentor.user, now=NOW).status == status
    assert (everything(), announced) == (before, [])


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_a_request_that_lapsed_can_no_longer_be_answered(answer, announced):
    booking = session(S.REQUESTED, respond_by=NOW)
    with pytest.raises(NotAllowed, match="no longer open"):
        SERVICES[answer](booking)
    assert announced == []


def test_declining_keeps_the_mentors_reason():
    booking = session(S.REQUESTED)
    decline(booking.pk, actor=booking.mentor.user, now=NOW, reason="On holiday.")
    event = booking.events.get()
    assert (event.kind, event.actor, event.note) == ("declined", booking.mentor.user, "On holiday.")


# Cancelling


@pytest.mark.parametrize(
    ("status", "fields", "now"),
    [
        (S.SCHEDULED, {}, START),
        (S.SCHEDULED, {"price": 100_000}, START),
        (S.AWAITING_PAYMENT, {"hold_expires_at": NOW}, NOW),
        (S.REQUESTED, {"respond_by": NOW}, NOW),
    ],
)
def test_what_has_begun_or_lapsed_is_not_cancelled(status, fields, now, announced):
    booking = session(status, **fields)
    with pytest.raises(NotAllowed):
        cancel(booking.pk, actor=booking.student, now=now)
    booking.refresh_from_db()
    assert (booking.status, booking.sequence, announced) == (status, 0, [])


# A payment arrives


def test_confirming_makes_the_hold_a_session(announced):
    booking = session(S.AWAITING_PAYMENT, price=100_000)
    assert confirmed(booking.pk).status == S.SCHEDULED
    assert set(booking.claims.values_list("expires_at", flat=True)) == {None}
    assert announced == ["scheduled"]


def test_confirming_after_the_hold_ran_out_needs_no_sweep_to_have_been_by():
    booking = session(S.AWAITING_PAYMENT, price=100_000)
    assert confirmed(booking.pk, now=booking.hold_expires_at + timedelta(hours=1)).status == S.SCHEDULED


def test_confirming_an_expired_hold_claims_its_time_again(announced):
    booking = session(S.EXPIRED, price=100_000, buffer_minutes=15)
    assert confirmed(booking.pk).status == S.SCHEDULED
    assert set(booking.claims.values_list("person", "starts_at", "ends_at", "expires_at")) == {
        (booking.student_id, START, at(9, 13), None),
        (booking.mentor.user_id, START, at(9, 13, 15), None),
    }
    assert announced == ["scheduled"]


def test_confirming_an_expired_hold_forgets_notice_tomorrow_and_window():
    booking = session(S.EXPIRED, price=100_000, starts_at=at(2, 15))
    Mentor.objects.update(minimum_notice_hours=48, window_days=1)
    assert confirmed(booking.pk).status == S.SCHEDULED


def mentors_other_session(booking):
    BookingFactory(session_type=booking.session_type, starts_at=START)


def mentors_hold_for_another(booking):
    BookingFactory(session_type=booking.session_type, starts_at=START, status=S.AWAITING_PAYMENT)


def students_other_session(booking):
    BookingFactory(student=booking.student, starts_at=at(9, 12, 30))


def students_own_new_hold(booking):
    BookingFactory(
        session_type=booking.session_type, student=booking.student, starts_at=START, status=S.AWAITING_PAYMENT
    )


def a_full_day(booking):
    BookingFactory(session_type=booking.session_type, starts_at=at(9, 9))
    Mentor.objects.filter(pk=booking.mentor_id).update(max_per_day=1)


def a_holiday(booking):
    DateOverride.objects.create(mentor=booking.mentor, first_date="2026-12-09", last_date="2026-12-09")


@pytest.mark.parametrize(
    "meanwhile",
    [
        mentors_other_session,
        mentors_hold_for_another,
        students_other_session,
        students_own_new_hold,
        a_full_day,
        a_holiday,
    ],
)
def test_an_expired_hold_whose_time_is_gone_stays_expired(meanwhile, announced):
    booking = session(S.EXPIRED, price=100_000)
    meanwhile(booking)
    before = everything()
    with pytest.raises(SlotGone):
        confirmed(booking.pk)
    assert (everything(), announced) == (before, [])


def test_an_expired_hold_comes_back_when_what_stands_there_has_lapsed(announced):
    booking = session(S.EXPIRED, price=100_000)
    other = BookingFactory(
        session_type=booking.session_type, starts_at=START, status=S.AWAITING_PAYMENT, hold_expires_at=NOW
    )
    assert confirmed(booking.pk).status == S.SCHEDULED
    other.refresh_from_db()
    assert (other.status, announced) == (S.EXPIRED, ["expired", "scheduled"])


@pytest.mark.parametrize("status", [S.AWAITING_PAYMENT, S.EXPIRED])
def test_no_session_is_confirmed_at_or_after_its_start(status):
    booking = session(status, price=100_000)
    with pytest.raises(SlotGone, match="after the session's start"):
        confirmed(booking.pk, now=START)


@pytest.mark.parametrize("status", [S.AWAITING_PAYMENT, S.EXPIRED])
@pytest.mark.parametrize("left", ["suspended", "inactive"])
def test_no_session_is_confirmed_with_a_mentor_who_left(status, left):
    booking = session(status, price=100_000)
    if left == "suspended":
        Mentor.objects.update(status=Mentor.Status.SUSPENDED)
    else:
        type(booking.student).objects.filter(pk=booking.mentor.user_id).update(is_active=False)
    with pytest.raises(SlotGone, match="takes no sessions"):
        confirmed(booking.pk)


def test_a_mentor_on_pause_keeps_what_was_promised():
    booking = session(S.AWAITING_PAYMENT, price=100_000)
    Mentor.objects.update(is_paused=True)
    assert confirmed(booking.pk).status == S.SCHEDULED


@pytest.mark.parametrize("status", [S.CANCELLED, S.DECLINED])
def test_a_payment_for_what_was_cancelled_has_nothing_to_confirm(status):
    with pytest.raises(SlotGone, match=status.label.lower()):
        confirmed(session(status, price=100_000).pk)


def test_a_hold_that_lapsed_is_asked_after_again_whether_or_not_a_sweep_came_by(paid):
    booking = session(S.AWAITING_PAYMENT, price=100_000)
    Booking.objects.update(hold_expires_at=NOW)
    DateOverride.objects.create(
        mentor=booking.mentor, first_date=booking.starts_at.date(), last_date=booking.starts_at.date()
    )
    with pytest.raises(SlotGone, match="not available"):
        confirmed(booking.pk)


# By the clock


def test_the_sweep_ends_what_lapsed_and_completes_what_is_over(mentor, announced):
    kind = SessionTypeFactory(mentor=mentor, price_minor=0)
    lapsed = [
        BookingFactory(session_type=kind, status=S.AWAITING_PAYMENT, hold_expires_at=NOW, starts_at=at(3, 9)),
        BookingFactory(session_type=kind, status=S.REQUESTED, respond_by=NOW, starts_at=at(3, 10)),
    ]
    over = BookingFactory(session_type=kind, starts_at=NOW - timedelta(hours=1))
    others = [
        BookingFactory(session_type=kind, status=S.AWAITING_PAYMENT, starts_at=at(3, 11)),
        BookingFactory(session_type=kind, status=S.REQUESTED, starts_at=at(3, 12)),
        BookingFactory(session_type=kind, starts_at=NOW),
    ]
    for _ in range(2):
        sweep(NOW)
    found = [Booking.objects.get(pk=each.pk).status for each in (*lapsed, over, *others)]
    assert found == [S.EXPIRED, S.EXPIRED, S.COMPLETED, S.AWAITING_PAYMENT, S.REQUESTED, S.SCHEDULED]
    assert announced == ["expired", "expired", "completed"]
    assert Mentor.objects.get(pk=mentor.pk).session_count == 1


def test_a_completed_session_keeps_its_claims():
    booking = session(S.SCHEDULED, starts_at=NOW - timedelta(hours=1))
    sweep(NOW)
    assert booking.claims.count() == 2


def test_nobody_else_joins():
    booking = BookingFactory()
    for other in (UserFactory(), UserFactory(is_staff=True)):
        with pytest.raises(NotAllowed):
            join(booking.pk, actor=other, now=START)
    assert not booking.events.exists()


def test_joining_is_recorded_once_for_each_person():
    booking = session(S.SCHEDULED)
    for person in (booking.student, booking.mentor.user, booking.student):
        join(booking.pk, actor=person, now=START)
    joined = booking.events.filter(kind="joined")
    assert [each.actor for each in joined] == [booking.student, booking.mentor.user]
