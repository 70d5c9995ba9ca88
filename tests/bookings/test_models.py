from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from bookings.models import Booking, Status
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = pytest.mark.django_db

S = Status
START = at(9, 12)
LATER = NOW + timedelta(hours=72)


@pytest.fixture
def of_each_status(student, free):
    """Arjun's sessions with Meera, one in each status, an hour apart, and a stranger's."""
    BookingFactory(starts_at=at(9, 9))
    return {
        status: BookingFactory(session_type=free, student=student, status=status, starts_at=at(9, 9 + number))
        for number, status in enumerate(S)
    }


def statuses(queryset):
    return sorted(queryset.values_list("status", flat=True))


# Who sees it, and in which list it is


def test_a_session_is_seen_by_its_two_people_and_staff(student, mentor, stranger, staff, of_each_status):
    def seen(user):
        return Booking.objects.visible_to(user).count()

    assert (seen(student), seen(mentor.user), seen(staff)) == (8, 8, 9)
    assert (seen(stranger), seen(AnonymousUser())) == (0, 0)


def test_lists_of_one_person_leave_out_other_peoples(student, mentor, of_each_status):
    assert Booking.objects.for_student(student).count() == Booking.objects.for_mentor(mentor).count() == 8


@pytest.mark.parametrize(
    ("now", "upcoming", "past", "cancelled", "lapsed"),
    [
        (
            NOW,
            [S.AWAITING_PAYMENT, S.REQUESTED, S.SCHEDULED],
            [S.COMPLETED, S.NO_SHOW],
            [S.CANCELLED, S.DECLINED, S.EXPIRED],
            [],
        ),
        (
            LATER,
            [S.SCHEDULED],
            [S.COMPLETED, S.NO_SHOW],
            [S.AWAITING_PAYMENT, S.CANCELLED, S.DECLINED, S.EXPIRED, S.REQUESTED],
            [S.AWAITING_PAYMENT, S.REQUESTED],
        ),
        (
            START + timedelta(days=1),
            [],
            [S.COMPLETED, S.NO_SHOW, S.SCHEDULED],
            [S.AWAITING_PAYMENT, S.CANCELLED, S.DECLINED, S.EXPIRED, S.REQUESTED],
            [S.AWAITING_PAYMENT, S.REQUESTED],
        ),
    ],
)
def test_every_session_is_in_one_list_by_the_clock(
    student, of_each_status, now, upcoming, past, cancelled, lapsed
):
    mine = Booking.objects.for_student(student)
    assert statuses(mine.upcoming(now)) == upcoming
    assert statuses(mine.past(now)) == past
    assert statuses(mine.cancelled(now)) == cancelled
    assert statuses(mine.lapsed(now)) == lapsed
    assert len(upcoming) + len(past) + len(cancelled) == mine.count()


def test_open_holds_are_those_with_time_left(student, of_each_status):
    hold = of_each_status[S.AWAITING_PAYMENT]
    assert list(Booking.objects.open_holds(NOW)) == [hold]
    assert not Booking.objects.open_holds(hold.hold_expires_at).exists()


# What it says of itself


@pytest.mark.parametrize(
    ("status", "fields", "now", "reads"),
    [
        (S.SCHEDULED, {}, NOW, S.SCHEDULED),
        (S.SCHEDULED, {}, START, S.SCHEDULED),
        (S.SCHEDULED, {}, START + timedelta(minutes=60), S.COMPLETED),
        (S.AWAITING_PAYMENT, {}, NOW, S.AWAITING_PAYMENT),
        (S.AWAITING_PAYMENT, {}, LATER, S.EXPIRED),
        (S.REQUESTED, {}, NOW, S.REQUESTED),
        (S.REQUESTED, {}, LATER, S.EXPIRED),
        (S.CANCELLED, {"hold_expires_at": NOW}, LATER, S.CANCELLED),
        (S.NO_SHOW, {}, LATER, S.NO_SHOW),
    ],
)
def test_status_goes_by_the_clock(status, fields, now, reads):
    booking = BookingFactory(status=status, starts_at=START, **fields)
    assert booking.status_at(now) == reads
    assert booking.is_lapsed(now) == (reads == S.EXPIRED != status)


@pytest.mark.parametrize("status", S)
def test_only_an_open_hold_before_its_start_is_payable(status):
    booking = BookingFactory(status=status, starts_at=START, hold_expires_at=LATER)
    assert booking.payable_at(NOW) == (status == S.AWAITING_PAYMENT)
    assert not booking.payable_at(LATER)
    assert not booking.payable_at(START)


def test_a_hold_longer_than_the_time_to_the_start_is_not_payable_after_it():
    booking = BookingFactory(status=S.AWAITING_PAYMENT, starts_at=START, hold_expires_at=at(10, 12))
    assert not booking.payable_at(START)


def test_amount_is_price_and_fee_and_a_session_without_one_is_free():
    booking = BookingFactory(session_type=SessionTypeFactory(price_minor=100_000))
    assert (booking.amount_minor, booking.is_free) == (105_000, False)
    assert BookingFactory().is_free
    assert booking.duration_minutes == 60


def test_rooms_and_references_are_each_sessions_own():
    one, two = BookingFactory(), BookingFactory()
    assert one.reference != two.reference
    assert one.meeting_url != two.meeting_url
    assert len(one.room) >= 20
    assert one.get_absolute_url() == f"/sessions/{one.reference}/"


# What the database itself refuses


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("booking_ends_after_it_starts", {"ends_at": START}),
        (
            "booking_awaiting_payment_has_hold_end",
            {"status": S.AWAITING_PAYMENT, "hold_expires_at": None},
        ),
        ("booking_requested_has_answer_time", {"status": S.REQUESTED, "respond_by": None}),
    ],
)
def test_the_database_refuses_what_must_never_be(constraint, fields):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        BookingFactory(starts_at=START, claims=False, **fields)


def test_a_reference_is_never_used_twice():
    with pytest.raises(IntegrityError), transaction.atomic():
        BookingFactory(reference=BookingFactory().reference, claims=False)
