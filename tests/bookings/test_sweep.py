"""What the clock does by itself, and what one session that can't be ended must not do to the others."""

import logging
from datetime import timedelta

import pytest

from bookings import signals
from bookings.models import Booking, BookingEvent, Status
from bookings.services import NotAllowed, SlotGone, accept, book, confirm, extend_hold, lock_booking, sweep
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory

pytestmark = pytest.mark.django_db

LAPSED = NOW + timedelta(hours=1)
MONDAY = at(14, 9)
HOUR = timedelta(hours=1)


def raise_something(booking):
    raise LookupError("a receiver's own trouble")


def break_the_transaction(booking):
    BookingEvent.objects.create(booking_id=booking.pk, kind=BookingEvent.Kind.EXPIRED, at=None)


@pytest.fixture(params=[raise_something, break_the_transaction])
def bad(request):
    """The ids of sessions of which somebody can't hear without failing."""
    ids: set[int] = set()

    def hear(booking, **_):
        if booking.pk in ids:
            request.param(booking)

    for signal in (signals.booking_expired, signals.booking_completed):
        signal.connect(hear)
    yield ids
    for signal in (signals.booking_expired, signals.booking_completed):
        signal.disconnect(hear)


def held(mentor, *, starts_at=MONDAY, status=Status.AWAITING_PAYMENT, **fields):
    return BookingFactory(mentor=mentor, starts_at=starts_at, status=status, price_minor=100_000, **fields)


def booked(student, session_type, starts_at=MONDAY, now=LAPSED):
    return book(student=student, session_type=session_type, duration_minutes=60, starts_at=starts_at, now=now)


@pytest.mark.parametrize(
    ("status", "becomes", "starts_at"),
    [
        (Status.AWAITING_PAYMENT, Status.EXPIRED, MONDAY),
        (Status.SCHEDULED, Status.COMPLETED, NOW - 2 * HOUR),
    ],
)
def test_one_that_can_not_be_ended_holds_up_no_other(mentor, bad, caplog, status, becomes, starts_at):
    sessions = [held(mentor, starts_at=starts_at - number * HOUR, status=status) for number in range(3)]
    bad.add(sessions[0].pk)
    with caplog.at_level(logging.ERROR, "lib.sweeping"):
        sweep(LAPSED)
    statuses = dict(Booking.objects.values_list("pk", "status"))
    assert [statuses[each.pk] for each in sessions] == [status, becomes, becomes]
    assert [record.row for record in caplog.records] == [sessions[0].reference]
    bad.clear()
    sweep(LAPSED)
    assert set(Booking.objects.values_list("status", flat=True)) == {becomes}


def test_others_book_the_time_of_a_hold_that_can_not_be_ended(mentor, student, free, bad):
    hold = held(mentor)
    bad.add(hold.pk)
    booking = booked(student, free)
    assert booking.status == Status.SCHEDULED
    assert set(booking.claims.values_list("person_id", flat=True)) == {student.pk, mentor.user_id}
    hold.refresh_from_db()
    assert (hold.status, hold.claims.count()) == (Status.AWAITING_PAYMENT, 0)


def test_others_book_beside_a_hold_that_can_not_be_ended(mentor, student, free, bad):
    hold = held(mentor)
    bad.add(hold.pk)
    assert booked(student, free, MONDAY + 3 * HOUR).status == Status.SCHEDULED
    assert booked(student, free, MONDAY).status == Status.SCHEDULED


def test_hold_that_lost_its_time_is_not_lengthened_by_a_clock_that_is_behind(mentor, student, free, bad):
    hold = held(mentor)
    bad.add(hold.pk)
    booked(student, free)
    before = hold.hold_expires_at - timedelta(seconds=1)
    assert extend_hold(hold.pk, until=MONDAY, now=before).hold_expires_at == hold.hold_expires_at


def test_hold_that_lost_its_time_is_not_confirmed_by_a_clock_that_is_behind(mentor, student, free, bad):
    hold = held(mentor)
    bad.add(hold.pk)
    booked(student, free)
    lock_booking(hold.pk)
    with pytest.raises(SlotGone, match="had run out"):
        confirm(hold.pk, now=hold.hold_expires_at - timedelta(seconds=1))


def test_request_that_lost_its_time_is_not_accepted_by_a_clock_that_is_behind(mentor, student, free, bad):
    request = held(
        mentor, status=Status.REQUESTED, respond_by=NOW + timedelta(minutes=30), requires_approval=True
    )
    bad.add(request.pk)
    booked(student, free)
    with pytest.raises(NotAllowed, match="no longer open"):
        accept(request.pk, actor=mentor.user, now=NOW)
