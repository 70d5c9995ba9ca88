"""What stands in a booking's way, as the engine wants it: whole minutes, from one query."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.engine.busy import load_busy
from bookings.engine.slots import Busy
from bookings.models import LONGEST_CLAIM, Status, TimeClaim
from lib.wallclock import epoch_minute
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.django_db

WINDOW = (epoch_minute(at(9, 0)), epoch_minute(at(10, 0)))


def busy_of(mentor, student=None, window=WINDOW, now=NOW, **how):
    return load_busy([mentor], student, window, now, **how)[mentor.pk]


def span(start, stop):
    return (epoch_minute(start), epoch_minute(stop))


def test_a_mentors_time_is_busy_with_its_buffer_and_counted_by_its_start(mentor, free):
    BookingFactory(session_type=free, starts_at=at(9, 12), buffer_minutes=15)
    busy = busy_of(mentor)
    assert list(busy.mentor) == [span(at(9, 12), at(9, 13, 15))]
    assert list(busy.sessions) == [epoch_minute(at(9, 12))]
    assert (list(busy.student), set(busy.held)) == ([], set())


def test_a_students_time_is_busy_with_whomever_it_is_and_not_counted(student, mentor):
    BookingFactory(student=student, starts_at=at(9, 12), buffer_minutes=15)
    busy = busy_of(mentor, student)
    assert list(busy.student) == [span(at(9, 12), at(9, 13))]
    assert (list(busy.mentor), list(busy.sessions)) == ([], [])


def test_other_peoples_time_does_not_matter(student, mentor):
    BookingFactory(starts_at=at(9, 12))
    assert busy_of(mentor, student) == Busy(mentor=[], student=[], sessions=[], held=set())


def test_a_mentors_session_as_a_student_is_busy_and_not_counted(mentor):
    BookingFactory(student=mentor.user, starts_at=at(9, 12))
    busy = busy_of(mentor)
    assert list(busy.mentor) == [span(at(9, 12), at(9, 13))]
    assert list(busy.sessions) == []


def test_a_students_session_as_a_mentor_is_busy(mentor, free):
    BookingFactory(session_type=free, starts_at=at(9, 12), buffer_minutes=15)
    assert list(busy_of(MentorFactory(), mentor.user).student) == [span(at(9, 12), at(9, 13, 15))]


def test_an_own_hold_is_held_and_in_nobodys_way(student, mentor, paid):
    BookingFactory(session_type=paid, student=student, starts_at=at(9, 12), status=Status.AWAITING_PAYMENT)
    assert busy_of(mentor, student, giving_up=paid) == Busy(
        mentor=[], student=[], sessions=[], held={epoch_minute(at(9, 12))}
    )
    assert list(busy_of(mentor, UserFactory()).mentor) == [span(at(9, 12), at(9, 13))]
    assert list(busy_of(mentor).sessions) == [epoch_minute(at(9, 12))]


def test_an_own_hold_with_another_mentor_is_in_the_way(student, mentor, paid):
    BookingFactory(session_type=paid, student=student, starts_at=at(9, 12), status=Status.AWAITING_PAYMENT)
    busy = busy_of(MentorFactory(), student)
    assert list(busy.student) == [span(at(9, 12), at(9, 13))]
    assert (list(busy.mentor), set(busy.held)) == ([], set())


def test_an_own_hold_of_another_type_or_one_that_the_mentor_accepted_is_in_the_way(student, paid, free):
    hold = BookingFactory(
        session_type=paid, student=student, starts_at=at(9, 12), status=Status.AWAITING_PAYMENT
    )
    assert list(busy_of(paid.mentor, student, giving_up=free).mentor) == [span(at(9, 12), at(9, 13))]
    hold.requires_approval = True
    hold.save()
    assert list(busy_of(paid.mentor, student, giving_up=paid).mentor) == [span(at(9, 12), at(9, 13))]


def test_an_own_request_is_in_the_way(student, mentor, free):
    BookingFactory(session_type=free, student=student, starts_at=at(9, 12), status=Status.REQUESTED)
    busy = busy_of(mentor, student)
    assert list(busy.mentor) == list(busy.student) == [span(at(9, 12), at(9, 13))]


@pytest.mark.parametrize("status", [Status.AWAITING_PAYMENT, Status.REQUESTED])
def test_what_lapsed_is_free_by_the_clock(mentor, free, status):
    ends = {"hold_expires_at": NOW} if status == Status.AWAITING_PAYMENT else {"respond_by": NOW}
    BookingFactory(session_type=free, starts_at=at(9, 12), status=status, **ends)
    assert busy_of(mentor, now=NOW).mentor == []
    assert busy_of(mentor, now=NOW - timedelta(seconds=1)).mentor == [span(at(9, 12), at(9, 13))]


def test_what_is_to_be_ignored_neither_stands_in_the_way_nor_counts(student, mentor, free):
    moved = BookingFactory(session_type=free, student=student, starts_at=at(9, 12))
    stays = BookingFactory(session_type=free, student=student, starts_at=at(9, 15))
    busy = busy_of(mentor, student, ignore=[moved.pk])
    assert list(busy.mentor) == list(busy.student) == [span(at(9, 15), at(9, 16))]
    assert list(busy.sessions) == [epoch_minute(stays.starts_at)]


def test_far_away_sessions_are_left_out_unless_a_weeks_cap_counts_them(mentor, free):
    BookingFactory(session_type=free, starts_at=at(4, 12))
    assert busy_of(mentor).sessions == []
    mentor.max_per_week = 5
    assert busy_of(mentor).sessions == [epoch_minute(at(4, 12))]


def test_minutes_are_the_same_as_pythons(mentor, free):
    starts = [at(8, 23, 59), at(9, 11, 7), at(10, 23)]
    for start in starts:
        BookingFactory(session_type=free, starts_at=start, ends_at=start + timedelta(minutes=45))
    assert sorted(busy_of(mentor).mentor) == [span(start, start + timedelta(minutes=45)) for start in starts]


@pytest.mark.parametrize("count", [1, 30])
def test_however_many_mentors_and_sessions_it_is_one_query(student, django_assert_num_queries, count):
    mentors = [MentorFactory(max_per_week=9) for _ in range(count)]
    for mentor in mentors:
        BookingFactory(session_type=SessionTypeFactory(mentor=mentor), starts_at=at(9, 12))
    with django_assert_num_queries(1):
        busy = load_busy(mentors, student, WINDOW, NOW)
    assert [len(busy[mentor.pk].mentor) for mentor in mentors] == [1] * count


@pytest.mark.sqlite
def test_none_of_a_persons_past_is_read(mentor, student):
    with CaptureQueriesContext(connection) as asked:
        load_busy([mentor], student, WINDOW, NOW)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]['sql']}")
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert "time_claim_by_person (person_id=? AND starts_at>? AND starts_at<?)" in plan


def test_the_longest_claim_that_reaches_into_the_window_is_busy(mentor, free):
    booking = BookingFactory(session_type=free, starts_at=at(6, 23), claims=False)
    TimeClaim.objects.create(
        booking=booking, person=mentor.user, starts_at=at(6, 23), ends_at=at(6, 23) + LONGEST_CLAIM
    )
    assert list(busy_of(mentor).mentor) == [span(at(6, 23), at(7, 23))]
