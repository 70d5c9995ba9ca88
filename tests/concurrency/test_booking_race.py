"""Many want the same time at the same moment: first with the guards off, to show that the race is real.

There are two guards: `book()` locks the two people before it looks, and the database refuses claims
that overlap. Each keeps the promise alone; together nobody waits in a ring either.
"""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, connections, transaction

from bookings import signals
from bookings.models import Booking, BookingEvent, MoveRequest, Status, TimeClaim
from bookings.services import (
    CapReached,
    NotAllowed,
    SlotGone,
    SlotTaken,
    accept,
    ask_to_move,
    book,
    cancel,
    confirm,
    expire,
    keep_old_time,
    lock_booking,
    reschedule,
)
from notifications.models import Message
from tests.concurrency.guards import LOCK, meeting, meeting_after_reading, without_row_locks
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

START = NOW + timedelta(days=7, hours=-3)  # Wednesday 9:00 in Kolkata
NO_OVERLAP = next(each for each in TimeClaim._meta.constraints if each.name == "time_claim_never_overlaps")


@pytest.fixture
def without_lock():
    with without_row_locks("accounts_user"):
        yield


@pytest.fixture
def without_constraint(transactional_db):
    with connection.schema_editor() as editor:
        editor.remove_constraint(TimeClaim, NO_OVERLAP)
    yield
    TimeClaim.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(TimeClaim, NO_OVERLAP)


@pytest.fixture
def both_before_either_commits():
    """Each of two that book waits, with its claims written, until the other has written its own."""
    meeting = threading.Barrier(2)

    def wait(**_):
        meeting.wait(10)

    written = (
        signals.booking_scheduled,
        signals.booking_held,
        signals.booking_moved,
        signals.move_requested,
    )
    for signal in written:
        signal.connect(wait)
    yield
    for signal in written:
        signal.disconnect(wait)


@pytest.fixture(params=["both guards", "only the lock", "only the database"])
def guards(request):
    if request.param == "only the lock":
        request.getfixturevalue("without_constraint")
    if request.param == "only the database":
        request.getfixturevalue("without_lock")
    return request.param


@pytest.fixture
def no_deadlock(transactional_db):
    def deadlocks():
        with connection.cursor() as cursor:
            cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            return cursor.fetchone()[0]

    before = deadlocks()
    yield
    assert deadlocks() == before


def race(*attempts):
    """All at once, each in a thread with a connection of its own: what each returned or raised."""
    start = threading.Barrier(len(attempts))

    def run(attempt):
        try:
            connection.ensure_connection()
            start.wait(10)
            return attempt()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))


def asks(student, session_type, starts_at=START):
    return lambda: book(
        student=student, session_type=session_type, duration_minutes=60, starts_at=starts_at, now=NOW
    )


def overlaps():
    """Pairs of claims that one person has for two sessions at once."""
    return [
        (one.pk, two.pk)
        for one in TimeClaim.objects.all()
        for two in TimeClaim.objects.filter(
            person=one.person, starts_at__lt=one.ends_at, ends_at__gt=one.starts_at, pk__gt=one.pk
        ).exclude(booking=one.booking)
    ]


def won(outcomes):
    """The sessions that were had; whoever got none was told that the time is taken, and nothing else."""
    winners = [each for each in outcomes if isinstance(each, Booking)]
    assert [each for each in outcomes if not isinstance(each, Booking | SlotTaken)] == []
    return winners


# The contests: who asks for what at the same moment


def two_students_want_one_time():
    free = SessionTypeFactory(price_minor=0)
    return [asks(UserFactory(), free) for _ in range(2)]


def two_students_want_times_that_overlap():
    free = SessionTypeFactory(price_minor=0, mentor__slot_interval_minutes=15)
    return [asks(UserFactory(), free, START + timedelta(minutes=15 * number)) for number in range(2)]


def one_student_wants_two_mentors_at_once():
    student = UserFactory()
    return [asks(student, SessionTypeFactory(price_minor=0)) for _ in range(2)]


def a_mentor_is_wanted_while_they_book_another():
    mentor = MentorFactory()
    return [
        asks(UserFactory(), SessionTypeFactory(mentor=mentor, price_minor=0)),
        asks(mentor.user, SessionTypeFactory(price_minor=0)),
    ]


def one_student_wants_two_types_in_two_tabs():
    student, mentor = UserFactory(), MentorFactory()
    return [asks(student, SessionTypeFactory(mentor=mentor, price_minor=0)) for _ in range(2)]


def moves(booking, to=START):
    return lambda: reschedule(booking.pk, actor=booking.student, starts_at=to, now=NOW)


def later(session_type, hour):
    return BookingFactory(session_type=session_type, starts_at=START + timedelta(hours=hour))


def two_students_move_to_one_time():
    free = SessionTypeFactory(price_minor=0)
    return [moves(later(free, hour)) for hour in (2, 4)]


def one_moves_to_a_time_that_another_books():
    free = SessionTypeFactory(price_minor=0)
    return [moves(later(free, 2)), asks(UserFactory(), free)]


def a_mentor_proposes_a_time_that_another_books():
    free = SessionTypeFactory(price_minor=0)
    booking = later(free, 2)
    propose = lambda: ask_to_move(  # noqa: E731
        booking.pk, actor=booking.mentor.user, reason="Ill.", times=[START], now=NOW
    )
    return [propose, asks(UserFactory(), free)]


MOVES = [
    two_students_move_to_one_time,
    one_moves_to_a_time_that_another_books,
    a_mentor_proposes_a_time_that_another_books,
]
CONTESTS = [
    two_students_want_one_time,
    two_students_want_times_that_overlap,
    one_student_wants_two_mentors_at_once,
    a_mentor_is_wanted_while_they_book_another,
    one_student_wants_two_types_in_two_tabs,
]


@pytest.mark.parametrize("contest", CONTESTS)
def test_without_guards_both_win(without_constraint, without_lock, both_before_either_commits, contest):
    assert len(won(race(*contest()))) == 2
    assert overlaps()


@pytest.mark.parametrize("contest", CONTESTS)
def test_with_a_guard_one_wins_and_the_other_is_told(guards, contest):
    outcomes = race(*contest())
    (winner,) = won(outcomes)
    (refusal,) = [each for each in outcomes if isinstance(each, SlotTaken)]
    assert len(refusal.nearest) == 3
    assert (list(Booking.objects.all()), TimeClaim.objects.count()) == ([winner], 2)
    assert overlaps() == []


def test_of_eight_students_one_wins(no_deadlock):
    free = SessionTypeFactory(price_minor=0)
    assert len(won(race(*(asks(UserFactory(), free) for _ in range(8))))) == 1
    assert Booking.objects.count() == 1


def test_of_eight_students_who_want_overlapping_times_no_two_winners_overlap(no_deadlock):
    free = SessionTypeFactory(price_minor=0, mentor__slot_interval_minutes=15)
    steps = [timedelta(minutes=15 * number) for number in range(8)]
    starts = sorted(
        each.starts_at for each in won(race(*(asks(UserFactory(), free, START + s) for s in steps)))
    )
    assert starts
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(starts))
    assert overlaps() == []


def test_people_who_book_each_other_do_not_wait_in_a_ring(no_deadlock):
    one, two = (SessionTypeFactory(price_minor=0) for _ in range(2))
    attempts = [
        asks(student, session_type, START + timedelta(hours=hour))
        for hour in range(4)
        for student, session_type in ((one.mentor.user, two), (two.mentor.user, one))
    ]
    assert len(won(race(*attempts))) == 4
    assert overlaps() == []


# One student, the same button in two tabs


def test_pressing_twice_books_twice_without_guards(
    without_constraint, without_lock, both_before_either_commits
):
    press = asks(UserFactory(), SessionTypeFactory())
    assert len({each.pk for each in won(race(press, press))}) == 2


def test_pressing_twice_books_once(transactional_db):
    press = asks(UserFactory(), SessionTypeFactory())
    assert len({each.pk for each in won(race(press, press))}) == 1
    assert BookingEvent.objects.count() == 1


def test_two_tabs_with_different_times_end_with_one_hold(transactional_db):
    student, paid = UserFactory(), SessionTypeFactory()
    outcomes = race(*(asks(student, paid, START + timedelta(hours=hour)) for hour in range(4)))
    assert len(won(outcomes)) == 4
    assert Booking.objects.open_holds(NOW).count() == 1
    assert TimeClaim.objects.count() == 2


def test_a_student_holds_no_more_than_three_however_many_tabs_there_are(no_deadlock):
    student = UserFactory()
    attempts = [asks(student, SessionTypeFactory(), START + timedelta(hours=hour)) for hour in range(6)]
    outcomes = race(*attempts)
    assert sum(isinstance(each, Booking) for each in outcomes) == 3
    assert Booking.objects.open_holds(NOW).count() == 3


def wants_one_more_in_two_tabs():
    """Of another mentor, at another time: nothing but the cap stands in the way of either."""
    student = UserFactory()
    return [
        asks(student, SessionTypeFactory(price_minor=0), START + timedelta(hours=hour)) for hour in range(2)
    ]


def test_two_tabs_pass_a_cap_together_without_the_lock(settings, without_lock, both_before_either_commits):
    settings.MAX_FREE_SESSIONS = 1
    assert len(won(race(*wants_one_more_in_two_tabs()))) == 2


def test_two_tabs_do_not_pass_a_cap_together(settings, no_deadlock):
    settings.MAX_FREE_SESSIONS = 1
    outcomes = race(*wants_one_more_in_two_tabs())
    assert {type(each) for each in outcomes} == {Booking, CapReached}
    assert Booking.objects.count() == 1


def books_one_mentor_in_two_tabs():
    student, free = UserFactory(), SessionTypeFactory(price_minor=0)
    return [asks(student, free, START + timedelta(hours=hour)) for hour in range(2)]


def mails_to_mentors():
    mails = Message.objects.filter(kind="session_scheduled", recipient__is_mentor=True)
    return sorted(mails.values_list("status", flat=True))


def test_two_tabs_pass_the_days_messages_together_without_the_lock(
    settings, without_lock, both_before_either_commits
):
    settings.MAX_MESSAGES_A_DAY = 1
    assert len(won(race(*books_one_mentor_in_two_tabs()))) == 2
    assert mails_to_mentors() == ["queued", "queued"]


def test_two_tabs_do_not_pass_the_days_messages_together(settings, no_deadlock):
    settings.MAX_MESSAGES_A_DAY = 1
    assert len(won(race(*books_one_mentor_in_two_tabs()))) == 2
    assert mails_to_mentors() == ["queued", "withheld"]


# A session changes from two sides


def pays(booking, now=NOW):
    def settle():
        with transaction.atomic():
            lock_booking(booking.pk)
            return confirm(booking.pk, now=now)

    return settle


def test_a_payment_and_the_sweep_leave_a_session_with_its_time(transactional_db):
    for _ in range(5):
        booking = BookingFactory(status=Status.AWAITING_PAYMENT, hold_expires_at=NOW)
        race(pays(booking), lambda pk=booking.pk: expire(pk, now=NOW))
        booking.refresh_from_db()
        assert (booking.status, booking.claims.count()) == (Status.SCHEDULED, 2)


def somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


def the_hold_lapses_while_its_student_picks_another_time(*, with_lock):
    """The sweep, whose clock is ahead of the student's, comes by when the hold has been found and not ended yet.

    The hold, and whether the sweep was the one that ended it.
    """
    student, paid = UserFactory(), SessionTypeFactory()
    held = asks(student, paid)()
    swept = []

    def sweep():
        try:
            return expire(held.pk, now=held.hold_expires_at)
        finally:
            connections.close_all()

    def meet(execute, sql, params, many, context):
        lock = LOCK.search(sql)
        if lock is None or "bookings_booking" not in lock[0]:
            return execute(sql, params, many, context)
        found = execute(sql if with_lock else LOCK.sub("", sql), params, many, context)
        swept.append(pool.submit(sweep))
        while not wait(swept, timeout=0.01).done and not somebody_waits_for_a_lock():
            pass
        return found

    with ThreadPoolExecutor(1) as pool, connection.execute_wrapper(meet):
        asks(student, paid, START + timedelta(hours=2))()
    return held, swept[0].result()


def ends_of(booking):
    return sorted(booking.events.exclude(kind="held").values_list("kind", flat=True))


def test_a_hold_ends_twice_without_a_lock_on_its_row(transactional_db):
    held, was_swept = the_hold_lapses_while_its_student_picks_another_time(with_lock=False)
    assert was_swept
    assert ends_of(held) == ["cancelled", "expired"]


def test_a_hold_that_is_replaced_ends_once(transactional_db):
    held, was_swept = the_hold_lapses_while_its_student_picks_another_time(with_lock=True)
    assert not was_swept
    assert ends_of(held) == ["cancelled"]


def test_a_late_payment_and_another_student_get_one_session(transactional_db):
    paid = SessionTypeFactory()
    for day in range(3):
        start = START + timedelta(days=day)
        late = BookingFactory(session_type=paid, status=Status.EXPIRED, starts_at=start)
        outcomes = race(pays(late), asks(UserFactory(), paid, start))
        assert sum(isinstance(each, Booking) for each in outcomes) == 1
        assert sum(isinstance(each, SlotGone | SlotTaken) for each in outcomes) == 1


def test_an_answer_and_a_cancellation_end_cancelled_without_a_claim(transactional_db):
    for _ in range(5):
        booking = BookingFactory(status=Status.REQUESTED)
        outcomes = race(
            lambda each=booking: accept(each.pk, actor=each.mentor.user, now=NOW),
            lambda each=booking: cancel(each.pk, actor=each.student, now=NOW),
        )
        booking.refresh_from_db()
        assert (booking.status, booking.claims.count()) == (Status.CANCELLED, 0)
        assert all(isinstance(each, Booking | NotAllowed) for each in outcomes)


def test_cancelling_twice_at_once_is_one_cancellation(transactional_db):
    booking = BookingFactory()
    press = lambda: cancel(booking.pk, actor=booking.student, now=NOW)  # noqa: E731
    assert len(won(race(press, press))) == 2
    assert BookingEvent.objects.filter(booking=booking, kind="cancelled").count() == 1
    assert Booking.objects.get().sequence == 1


# A session is moved


@pytest.mark.parametrize("contest", MOVES)
def test_without_guards_both_have_the_time(
    without_constraint, without_lock, both_before_either_commits, contest
):
    assert [each for each in race(*contest()) if isinstance(each, Exception)] == []
    assert overlaps()


@pytest.mark.parametrize("contest", MOVES)
def test_with_a_guard_one_has_the_time_and_the_other_is_told(guards, contest):
    outcomes = race(*contest())
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [SlotTaken]
    assert overlaps() == []


def moved_and_cancelled():
    booking = BookingFactory()
    press = lambda: cancel(booking.pk, actor=booking.student, now=NOW)  # noqa: E731
    return booking, race(moves(booking), press)


def test_two_changes_are_one_to_calendars_when_nobody_locks_the_session(transactional_db):
    with without_row_locks("accounts_user", "bookings_booking", after_read=meeting(2)):
        booking, outcomes = moved_and_cancelled()
    booking.refresh_from_db()
    assert [type(each) for each in outcomes] == [Booking, Booking]
    assert booking.sequence == 1


def test_moving_and_cancelling_at_once_end_cancelled_without_a_claim(no_deadlock):
    booking, outcomes = moved_and_cancelled()
    booking.refresh_from_db()
    assert (booking.status, booking.claims.count()) == (Status.CANCELLED, 0)
    assert all(isinstance(each, Booking | NotAllowed) for each in outcomes)


@pytest.fixture
def asked(transactional_db) -> Booking:
    """Its mentor asks; its student can move it no more without being asked."""
    booking = BookingFactory(moves=3)
    ask_to_move(booking.pk, actor=booking.mentor.user, reason="Ill.", times=[START], now=NOW)
    return booking


def answered_twice(booking):
    keep = lambda: keep_old_time(booking.pk, actor=booking.student, now=NOW)  # noqa: E731
    outcomes = race(moves(booking), keep)
    assert all(isinstance(each, Booking | NotAllowed) for each in outcomes), outcomes
    return sorted(booking.events.exclude(kind="move_asked").values_list("kind", flat=True))


def test_a_request_to_move_has_two_answers_when_nobody_locks_the_session(asked):
    unlocked = without_row_locks("accounts_user", "bookings_booking")
    with unlocked, meeting_after_reading("bookings_moverequest", 2):
        assert answered_twice(asked) == ["move_refused", "moved"]


def test_a_request_to_move_has_one_answer(asked, no_deadlock):
    assert len(answered_twice(asked)) == 1
    assert MoveRequest.objects.get().status in ("moved", "kept")
