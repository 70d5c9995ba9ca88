"""`book()`: every way in which a time is had, and every way in which it is refused."""

from datetime import timedelta

import pytest

from bookings import signals
from bookings.engine.slots import Refusal
from bookings.models import Booking, Status, TimeClaim
from bookings.services import NotBookable, SlotTaken, book
from mentors.models import Mentor, WeeklyHours
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = pytest.mark.django_db

THURSDAY = at(3, 10)


def booked(student, session_type, starts_at=THURSDAY, *, minutes=60, now=NOW, **typed):
    return book(
        student=student,
        session_type=session_type,
        duration_minutes=minutes,
        starts_at=starts_at,
        now=now,
        **typed,
    )


def refused(student, session_type, starts_at=THURSDAY, **how):
    """Why a time that can't be had was refused; nothing may have changed."""
    before = list(Booking.objects.order_by("pk").values()), list(TimeClaim.objects.order_by("pk").values())
    with pytest.raises(NotBookable) as refusal:
        booked(student, session_type, starts_at, **how)
    after = list(Booking.objects.order_by("pk").values()), list(TimeClaim.objects.order_by("pk").values())
    assert after == before
    return str(refusal.value)


def taken(student, session_type, starts_at=THURSDAY, **how):
    """The nearest free times instead of one that is taken."""
    before = Booking.objects.count(), TimeClaim.objects.count()
    with pytest.raises(SlotTaken) as refusal:
        booked(student, session_type, starts_at, **how)
    assert (Booking.objects.count(), TimeClaim.objects.count()) == before
    return refusal.value.nearest


def claims(booking):
    return sorted(
        (each.person_id, each.starts_at, each.ends_at, each.expires_at) for each in booking.claims.all()
    )


# What comes of it


@pytest.mark.parametrize(("offer", "statements"), [("paid", 10), ("free", 11)])
def test_it_takes_few_statements(request, student, offer, statements, django_assert_max_num_queries):
    """A paid one writes its order besides, a free one its messages."""
    session_type = request.getfixturevalue(offer)
    # Within a test's transaction it is a savepoint, set and released.
    with django_assert_max_num_queries(statements + 2):
        booked(student, session_type)


def test_a_free_session_is_scheduled_at_once(student, free, announced):
    booking = booked(student, free, topic="My first talk", notes="Be frank.")
    assert (booking.status, booking.amount_minor) == (Status.SCHEDULED, 0)
    assert (booking.hold_expires_at, booking.respond_by) == (None, None)
    assert (booking.starts_at, booking.ends_at) == (THURSDAY, at(3, 11))
    assert (booking.topic, booking.notes) == ("My first talk", "Be frank.")
    assert announced == ["scheduled"]
    assert [(event.kind, event.actor, event.at) for event in booking.events.all()] == [
        ("scheduled", student, NOW)
    ]


def test_a_paid_session_is_held_for_a_quarter_of_an_hour(student, paid, announced):
    booking = booked(student, paid)
    assert booking.status == Status.AWAITING_PAYMENT
    assert booking.hold_expires_at == NOW + timedelta(minutes=15)
    assert (booking.price_minor, booking.fee_minor, booking.currency) == (100_000, 5_000, "INR")
    assert announced == ["held"]


def test_a_hold_ends_with_the_start_at_the_latest(student, paid, mentor):
    mentor.allows_same_day = True
    mentor.save()
    booking = booked(student, paid, at(2, 13), now=at(2, 12, 50))
    assert booking.hold_expires_at == booking.starts_at


@pytest.mark.parametrize("price", [0, 100_000])
def test_a_session_with_approval_is_requested(student, mentor, price, announced):
    booking = booked(
        student, SessionTypeFactory(mentor=mentor, price_minor=price, requires_approval=True), at(7, 10)
    )
    assert (booking.status, booking.hold_expires_at) == (Status.REQUESTED, None)
    assert booking.respond_by == NOW + timedelta(hours=48)
    assert {expires for *_, expires in claims(booking)} == {booking.respond_by}
    assert announced == ["requested"]


def test_a_request_is_answered_two_hours_before_the_start_at_the_latest(student, mentor):
    booking = booked(student, SessionTypeFactory(mentor=mentor, requires_approval=True))
    assert booking.respond_by == THURSDAY - timedelta(hours=2)


def test_booking_claims_the_mentors_time_with_the_buffer_and_the_students_without(student, mentor, paid):
    mentor.buffer_minutes = 15
    mentor.save()
    booking = booked(student, paid)
    until = NOW + timedelta(minutes=15)
    assert claims(booking) == sorted(
        [(mentor.user_id, THURSDAY, at(3, 11, 15), until), (student.pk, THURSDAY, at(3, 11), until)]
    )


def test_a_scheduled_session_claims_its_time_for_good(student, free):
    assert {expires for *_, expires in claims(booked(student, free))} == {None}


def test_what_was_agreed_stays_when_the_mentor_changes_it(student, mentor, paid, settings):
    booking = booked(student, paid)
    paid.price_minor, paid.name, paid.currency = 999_900, "Renamed", "USD"
    paid.save()
    mentor.cancellation_policy, mentor.buffer_minutes = Mentor.Policy.STRICT, 60
    mentor.save()
    settings.PLATFORM_FEE_BASIS_POINTS = 2_000
    kept = Booking.objects.get(pk=booking.pk)
    assert (kept.price_minor, kept.fee_minor, kept.currency) == (100_000, 5_000, "INR")
    assert (kept.type_name, kept.cancellation_policy, kept.buffer_minutes) == (
        "Career Guidance",
        "flexible",
        0,
    )
    assert not kept.requires_approval


def test_an_hourly_price_is_of_the_length_that_was_chosen(student, mentor):
    hourly = SessionTypeFactory(
        mentor=mentor, pricing="hourly", price_minor=5_000, currency="USD", durations=[60, 90]
    )
    booking = booked(student, hourly, minutes=90)
    assert (booking.price_minor, booking.fee_minor, booking.amount_minor) == (7_500, 375, 7_875)


def test_booking_is_undone_when_a_receiver_fails(student, free):
    def fail(**_):
        raise RuntimeError

    signals.booking_scheduled.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            booked(student, free)
    finally:
        signals.booking_scheduled.disconnect(fail)
    assert not Booking.objects.exists()
    assert not TimeClaim.objects.exists()


# Who and what


def test_nobody_books_their_own_page(mentor, free):
    assert "your own page" in refused(mentor.user, free)


def test_a_student_who_is_switched_off_meanwhile_is_refused(student, free):
    type(student).objects.update(is_active=False)
    assert "switched off" in refused(student, free)


@pytest.mark.parametrize(
    "changes", [{"is_paused": True}, *({"status": each} for each in ("applied", "rejected", "suspended"))]
)
def test_a_mentor_who_takes_no_bookings_is_refused(student, free, changes):
    Mentor.objects.update(**changes)
    assert "takes no bookings" in refused(student, free)


def test_a_mentor_whose_account_is_switched_off_is_refused(student, mentor, free):
    mentor.user.is_active = False
    mentor.user.save()
    assert "takes no bookings" in refused(student, free)


def test_a_type_that_was_switched_off_meanwhile_is_refused(student, free):
    type(free).objects.update(is_active=False)
    assert "no longer offers" in refused(student, free)


@pytest.mark.parametrize("minutes", [0, -60, 30, 90, 100_000])
def test_a_length_that_is_not_offered_is_refused(student, free, minutes):
    assert "that length" in refused(student, free, minutes=minutes)


def test_a_currency_that_no_gateway_takes_is_refused(student, paid, free, settings):
    settings.PAYMENT_GATEWAYS = []
    assert "INR can't be taken" in refused(student, paid)
    assert booked(student, free).status == Status.SCHEDULED


# When


@pytest.mark.parametrize(
    ("starts_at", "refusal"),
    [
        (at(2, 11), Refusal.PAST),
        (at(2, 12), Refusal.PAST),
        (at(2, 15), Refusal.FROM_TOMORROW),
        (at(3, 8), Refusal.CLOSED),
        (at(3, 10, 30), Refusal.CLOSED),
        (at(3, 10) + timedelta(seconds=1), Refusal.CLOSED),
        (at(3, 10) + timedelta(microseconds=1), Refusal.CLOSED),
        (at(3, 17), Refusal.CLOSED),
        (at(6, 10), Refusal.CLOSED),
        (at(1, 10, month=2, year=2027), Refusal.WINDOW),
        (at(2, 0, month=1, year=1), Refusal.PAST),
        (at(31, 10, year=9998), Refusal.WINDOW),
        (at(31, 23, 59, year=9999), Refusal.WINDOW),
    ],
)
def test_a_time_that_is_not_offered_is_refused(student, free, starts_at, refusal):
    assert refused(student, free, starts_at) == refusal.value


def test_the_sixtieth_day_in_the_mentors_zone_is_offered_and_the_next_is_not(student, mentor, free):
    WeeklyHours.objects.create(mentor=mentor, weekday=6, starts="09:00", ends="00:00")
    WeeklyHours.objects.filter(weekday=0).update(starts="00:00")
    # In UTC both are on 31 January, the sixtieth day there.
    assert refused(student, free, at(1, 0, month=2, year=2027)) == Refusal.WINDOW.value
    assert booked(student, free, at(31, 23, month=1, year=2027))


def test_minimum_notice_counts_to_the_minute(student, mentor, free):
    mentor.minimum_notice_hours = 24
    mentor.save()
    assert refused(student, free, at(3, 12), now=NOW + timedelta(seconds=1)) == Refusal.NOTICE.value
    assert booked(student, free, at(3, 12))


def test_a_request_needs_four_hours_notice_though_the_mentor_asks_for_none(student, mentor):
    mentor.allows_same_day = True
    mentor.save()
    on_request = SessionTypeFactory(mentor=mentor, price_minor=0, requires_approval=True)
    assert refused(student, on_request, at(2, 15)) == Refusal.NOTICE.value
    booking = booked(student, on_request, at(2, 16))
    assert booking.respond_by == at(2, 14)


def test_a_full_day_is_refused_and_the_next_is_not(student, stranger, mentor, free):
    mentor.max_per_day = 1
    mentor.save()
    booked(stranger, free, at(3, 16))
    assert refused(student, free, at(3, 9)) == Refusal.DAY_FULL.value
    assert booked(student, free, at(4, 9))


def test_a_full_week_is_refused_and_the_next_is_not(student, stranger, mentor, free):
    mentor.max_per_week = 2
    mentor.save()
    booked(stranger, free, at(3, 16))
    booked(stranger, free, at(4, 16))
    assert refused(student, free, at(5, 9)) == Refusal.WEEK_FULL.value
    assert booked(student, free, at(7, 9))


def test_a_completed_session_still_counts_for_its_day(student, mentor, free):
    mentor.max_per_day, mentor.allows_same_day = 1, True
    mentor.save()
    BookingFactory(session_type=free, status=Status.COMPLETED, starts_at=at(2, 9))
    assert refused(student, free, at(2, 15)) == Refusal.DAY_FULL.value


# Who else wants it


def test_a_time_that_is_taken_is_refused_with_the_three_nearest(student, stranger, free):
    booked(stranger, free, at(3, 12))
    assert taken(student, free, at(3, 12)) == [at(3, 10), at(3, 11), at(3, 13)]


def test_the_nearest_free_times_may_be_on_other_days(student, stranger, mentor, free):
    for hour in range(9, 17):
        BookingFactory(session_type=free, student=stranger, starts_at=at(4, hour))
    assert taken(student, free, at(4, 9)) == [at(3, 14), at(3, 15), at(3, 16)]


def test_no_nearest_time_when_nothing_is_free(student, stranger, mentor, free):
    WeeklyHours.objects.exclude(weekday=3).delete()
    WeeklyHours.objects.update(ends="10:00")
    mentor.window_days = 6
    mentor.save()
    booked(stranger, free, at(3, 9))
    assert taken(student, free, at(3, 9)) == []


def test_the_buffer_after_another_session_is_taken(student, stranger, mentor, free):
    mentor.buffer_minutes, mentor.slot_interval_minutes = 15, 15
    mentor.save()
    booked(stranger, free, at(3, 12))
    assert taken(student, free, at(3, 13))
    assert taken(student, free, at(3, 11))
    assert booked(student, free, at(3, 13, 15))


def test_sessions_back_to_back_are_fine(student, stranger, free):
    booked(stranger, free, at(3, 11))
    assert [booked(student, free, at(3, hour)).status for hour in (10, 12)] == [Status.SCHEDULED] * 2


def test_a_students_session_with_another_mentor_is_in_the_way(student, free):
    booked(student, SessionTypeFactory(price_minor=0), at(3, 10))
    assert taken(student, free, at(3, 10)) == [at(3, 9), at(3, 11), at(3, 12)]


def test_a_mentors_session_as_a_student_is_in_the_way_of_their_students(student, mentor, free):
    booked(mentor.user, SessionTypeFactory(price_minor=0), at(3, 10))
    assert at(3, 10) not in taken(student, free, at(3, 10))


def test_a_students_session_as_a_mentor_is_in_the_way_of_their_booking(stranger, mentor, free):
    booked(stranger, free, at(3, 10))
    assert taken(mentor.user, SessionTypeFactory(price_minor=0), at(3, 10))


def test_a_request_is_in_the_way_until_it_is_answered_or_lapses(student, stranger, mentor, free):
    request = booked(
        stranger, SessionTypeFactory(mentor=mentor, price_minor=0, requires_approval=True), at(7, 10)
    )
    assert taken(student, free, at(7, 10))
    assert booked(student, free, at(7, 10), now=request.respond_by)


# Holds


def test_a_lapsed_hold_is_free_by_the_clock_alone(student, stranger, paid, free, announced):
    hold = booked(stranger, paid)
    assert taken(student, free, now=hold.hold_expires_at - timedelta(seconds=1))
    booking = booked(student, free, now=hold.hold_expires_at)
    hold.refresh_from_db()
    assert (hold.status, booking.status) == (Status.EXPIRED, Status.SCHEDULED)
    assert not hold.claims.exists()
    assert announced == ["held", "expired", "scheduled"]


def test_picking_again_ends_the_old_hold(student, paid, announced):
    old, new = booked(student, paid, at(3, 10)), booked(student, paid, at(3, 11))
    old.refresh_from_db()
    assert (old.status, new.status) == (Status.CANCELLED, Status.AWAITING_PAYMENT)
    assert not old.claims.exists()
    assert announced == ["held", "cancelled", "held"]


def test_picking_again_may_overlap_the_old_hold(student, mentor, paid):
    mentor.slot_interval_minutes = 15
    mentor.save()
    booked(student, paid, at(3, 10))
    assert booked(student, paid, at(3, 10, 15)).status == Status.AWAITING_PAYMENT


@pytest.mark.parametrize("wanted", [at(3, 12), at(3, 13, 30)])
def test_the_old_hold_stays_when_the_new_pick_fails(student, stranger, paid, free, announced, wanted):
    booked(stranger, free, at(3, 12))
    old = booked(student, paid, at(3, 10))
    with pytest.raises((SlotTaken, NotBookable)):
        booked(student, paid, wanted)
    old.refresh_from_db()
    assert old.status == Status.AWAITING_PAYMENT
    assert old.claims.count() == 2


def test_a_hold_of_another_type_of_the_mentor_stays(student, paid, free):
    hold = booked(student, paid)
    booked(student, free, at(4, 15))
    hold.refresh_from_db()
    assert hold.status == Status.AWAITING_PAYMENT


def test_a_hold_with_another_mentor_stays(student, paid):
    old = booked(student, SessionTypeFactory(), at(3, 10))
    booked(student, paid, at(3, 11))
    old.refresh_from_db()
    assert old.status == Status.AWAITING_PAYMENT


def test_a_hold_with_another_mentor_is_in_the_way(student, paid):
    booked(student, SessionTypeFactory(), at(3, 10))
    assert taken(student, paid, at(3, 10))


def test_a_student_has_at_most_three_open_holds(student, paid):
    holds = [booked(student, SessionTypeFactory(), at(3, hour)) for hour in (9, 10, 11)]
    assert "3 unpaid times" in refused(student, paid, at(3, 12))
    assert booked(student, holds[0].session_type, at(3, 13)), "instead of the one of the same type"
    assert booked(student, paid, at(3, 12), now=NOW + timedelta(minutes=15)), "when they have lapsed"


def test_open_holds_do_not_keep_from_booking_free_sessions_and_requests(student, mentor, free):
    for hour in (9, 10, 11):
        booked(student, SessionTypeFactory(), at(3, hour))
    assert booked(student, free, at(3, 12)).status == Status.SCHEDULED
    on_request = SessionTypeFactory(mentor=mentor, requires_approval=True)
    assert booked(student, on_request, at(3, 13)).status == Status.REQUESTED


@pytest.mark.parametrize("how", [{"price_minor": 0}, {}, {"requires_approval": True}])
def test_repeating_returns_the_same_session(student, mentor, how, announced):
    session_type = SessionTypeFactory(mentor=mentor, **how)
    first, second = booked(student, session_type, topic="One"), booked(student, session_type, topic="Two")
    assert (first.pk, first.topic) == (second.pk, second.topic)
    assert len(announced) == 1


def test_repeating_after_the_hold_lapsed_makes_a_new_one(student, paid):
    first = booked(student, paid)
    second = booked(student, paid, now=first.hold_expires_at)
    first.refresh_from_db()
    assert (first.status, second.status) == (Status.EXPIRED, Status.AWAITING_PAYMENT)


def test_repeating_after_cancelling_makes_a_new_one(student, free):
    first = BookingFactory(session_type=free, student=student, status=Status.CANCELLED, starts_at=THURSDAY)
    assert booked(student, free).pk != first.pk
