"""An agreed session gets another time. It is Wednesday 2 December, noon in Kolkata; the session is a week ahead."""

from datetime import timedelta
from functools import partial

import pytest

from bookings.models import Booking, BookingEvent, MoveRequest, Status
from bookings.services import (
    MoveChanged,
    NotAllowed,
    NotBookable,
    SlotTaken,
    ask_to_move,
    book,
    cancel,
    forget_words,
    keep_old_time,
    lapse_move_request,
    reschedule,
    sweep,
    take_back_move,
)
from bookings.signals import booking_moved, move_request_closed, move_requested
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, UserFactory

pytestmark = pytest.mark.django_db
Kind = BookingEvent.Kind
ANSWERED = MoveRequest.Status
WHY = "A release went wrong."


@pytest.fixture
def session() -> Booking:
    return BookingFactory(starts_at=at(9, 12))


@pytest.fixture
def told():
    """Which signals were sent, by name."""
    heard: list[str] = []
    signals = {"moved": booking_moved, "asked": move_requested, "closed": move_request_closed}
    receivers = {name: partial(_hear, heard, name) for name in signals}
    for name, signal in signals.items():
        signal.connect(receivers[name])
    yield heard
    for name, signal in signals.items():
        signal.disconnect(receivers[name])


def _hear(heard, name, **_):
    heard.append(name)


def student_moves(session, to, now=NOW, **more) -> Booking:
    return reschedule(session.pk, actor=session.student, starts_at=to, now=now, **more)


def mentor_asks(session, *times, now=NOW, reason=WHY) -> MoveRequest:
    return ask_to_move(session.pk, actor=session.mentor.user, reason=reason, times=times, now=now)


def student_asks(session, *times, now=NOW, reason=WHY) -> MoveRequest:
    return ask_to_move(session.pk, actor=session.student, reason=reason, times=times, now=now)


def claims(session) -> set:
    return set(session.claims.values_list("person_id", "starts_at", "expires_at"))


def claims_for_good(session, starts_at) -> set:
    return {(session.student_id, starts_at, None), (session.mentor.user_id, starts_at, None)}


def events(session) -> list[str]:
    return list(session.events.values_list("kind", flat=True))


# By the student, without asking


def test_student_moves_a_session_which_stays_the_same_session(session, told):
    moved = student_moves(session, at(10, 15))
    moved.refresh_from_db()
    assert (moved.pk, moved.reference, moved.status) == (session.pk, session.reference, Status.SCHEDULED)
    assert (moved.starts_at, moved.ends_at) == (at(10, 15), at(10, 16))
    assert (moved.sequence, moved.moves) == (session.sequence + 1, 1)
    assert claims(moved) == claims_for_good(session, at(10, 15))
    event = moved.events.get()
    assert (event.kind, event.actor, event.moved_from) == (Kind.MOVED, session.student, at(9, 12))
    assert told == ["moved"]


def test_moving_twice_to_the_same_time_is_moving_once(session, told):
    for _ in range(2):
        student_moves(session, at(10, 15))
    session.refresh_from_db()
    assert (session.moves, session.sequence, told) == (1, 1, ["moved"])


def test_a_session_may_overlap_its_own_old_time(session):
    session.mentor.slot_interval_minutes = 30
    session.mentor.save()
    assert student_moves(session, at(9, 12, 30)).starts_at == at(9, 12, 30)


def test_the_old_time_is_open_for_others_at_once(session):
    student_moves(session, at(10, 15))
    other = book(
        student=UserFactory(),
        session_type=session.session_type,
        duration_minutes=60,
        starts_at=at(9, 12),
        now=NOW,
    )
    assert other.status == Status.SCHEDULED


def test_a_session_moves_to_no_time_that_somebody_else_has(session):
    BookingFactory(session_type=session.session_type, starts_at=at(10, 15))
    with pytest.raises(SlotTaken) as refused:
        student_moves(session, at(10, 15))
    assert refused.value.nearest == [at(10, 13), at(10, 14), at(10, 16)]
    session.refresh_from_db()
    assert (session.starts_at, claims(session)) == (at(9, 12), claims_for_good(session, at(9, 12)))


def test_a_session_moves_to_no_time_at_which_its_student_is_busy(session):
    BookingFactory(student=session.student, starts_at=at(10, 15))
    with pytest.raises(SlotTaken):
        student_moves(session, at(10, 15))


@pytest.mark.parametrize("to", [at(10, 20), at(6, 10), at(2, 9), at(2, 15), at(9, 12, month=5, year=2027)])
def test_a_session_moves_to_no_time_that_is_not_on_offer(session, to):
    session.mentor.notice_minutes = 600
    session.mentor.save()
    with pytest.raises(NotBookable):
        student_moves(session, to)


def test_a_session_is_moved_three_times_and_then_asked_for(session):
    for day in (10, 11, 12):
        student_moves(session, at(day, 15))
    with pytest.raises(NotAllowed, match="moved this session 3 times"):
        student_moves(session, at(14, 15))
    assert student_asks(session, at(14, 15)).status == ANSWERED.OPEN


@pytest.mark.parametrize(("policy", "hours"), [("flexible", 24), ("moderate", 48), ("strict", 72)])
def test_a_session_is_moved_until_the_first_line_of_its_policy(session, policy, hours):
    Booking.objects.filter(pk=session.pk).update(cancellation_policy=policy)
    line = at(9, 12) - timedelta(hours=hours)
    with pytest.raises(NotAllowed, match="too late to move this session without asking"):
        student_moves(session, at(12, 15), now=line + timedelta(seconds=1))
    assert student_moves(session, at(12, 15), now=line).starts_at == at(12, 15)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SCHEDULED}))
def test_only_an_agreed_session_is_moved_or_asked_about(session, status):
    Booking.objects.filter(pk=session.pk).update(
        status=status, hold_expires_at=at(3, 12), respond_by=at(3, 12)
    )
    for move in (student_moves, mentor_asks):
        with pytest.raises(NotAllowed):
            move(session, at(10, 15))


def test_a_session_that_has_begun_is_moved_no_more(session):
    with pytest.raises(NotAllowed):
        student_moves(session, at(10, 15), now=at(9, 12))


def test_nobody_else_moves_a_session(session):
    for actor in (session.mentor.user, UserFactory(), UserFactory(is_staff=True)):
        with pytest.raises(NotAllowed):
            reschedule(session.pk, actor=actor, starts_at=at(10, 15), now=NOW)


def test_what_was_not_shown_is_not_done(session):
    with pytest.raises(MoveChanged):
        student_moves(session, at(10, 15), shown="7:0")
    assert student_moves(session, at(10, 15), shown="0:0").starts_at == at(10, 15)


# The mentor asks


def test_mentor_asks_and_what_they_propose_is_kept_for_the_answer(session, told):
    request = mentor_asks(session, at(10, 15), at(11, 9))
    assert (request.answer_by, request.reason) == (NOW + timedelta(hours=48), WHY)
    mentor = session.mentor.user_id
    until = request.answer_by
    assert claims(session) == claims_for_good(session, at(9, 12)) | {
        (mentor, at(10, 15), until),
        (mentor, at(11, 9), until),
    }
    with pytest.raises(SlotTaken):
        book(
            student=UserFactory(),
            session_type=session.session_type,
            duration_minutes=60,
            starts_at=at(10, 15),
            now=NOW,
        )
    session.refresh_from_db()
    assert (session.starts_at, session.sequence, told) == (at(9, 12), 0, ["asked"])


def test_what_is_proposed_is_free_again_when_the_time_for_an_answer_is_over(session):
    request = mentor_asks(session, at(10, 15))
    booked = book(
        student=UserFactory(),
        session_type=session.session_type,
        duration_minutes=60,
        starts_at=at(10, 15),
        now=request.answer_by,
    )
    assert booked.status == Status.SCHEDULED
    with pytest.raises(NotAllowed):
        keep_old_time(session.pk, actor=session.student, now=request.answer_by)


def test_student_takes_a_proposed_time(session, told):
    session.mentor.notice_minutes = 3 * 24 * 60
    session.mentor.save()
    request = mentor_asks(session, at(4, 15), at(11, 9))
    moved = student_moves(session, at(4, 15))
    request.refresh_from_db()
    assert (moved.starts_at, moved.moves, request.status) == (at(4, 15), 0, ANSWERED.MOVED)
    assert claims(session) == claims_for_good(session, at(4, 15))
    assert told == ["asked", "moved"]


def test_student_picks_another_time_whenever_they_are_asked(session):
    Booking.objects.filter(pk=session.pk).update(moves=3, cancellation_policy="strict")
    request = mentor_asks(session, now=at(8, 9))
    moved = student_moves(session, at(12, 15), now=at(8, 12))
    request.refresh_from_db()
    assert (moved.starts_at, moved.moves, request.status) == (at(12, 15), 3, ANSWERED.MOVED)


def test_student_keeps_the_old_time(session, told):
    request = mentor_asks(session, at(10, 15))
    for _ in range(2):
        keep_old_time(session.pk, actor=session.student, now=NOW, note="I took the day off.")
    request.refresh_from_db()
    assert (request.status, claims(session)) == (ANSWERED.KEPT, claims_for_good(session, at(9, 12)))
    assert events(session) == [Kind.MOVE_ASKED, Kind.MOVE_REFUSED]
    assert told == ["asked", "closed"]


def test_cancelling_ends_what_was_asked(session):
    request = mentor_asks(session, at(10, 15))
    cancel(session.pk, actor=session.student, now=NOW)
    request.refresh_from_db()
    assert (request.status, claims(session)) == (ANSWERED.ENDED, set())


def test_silence_leaves_the_old_time(session, told):
    request = mentor_asks(session, at(10, 15))
    sweep(request.answer_by)
    assert not lapse_move_request(request.pk, now=request.answer_by)
    request.refresh_from_db()
    assert (request.status, claims(session)) == (ANSWERED.LAPSED, claims_for_good(session, at(9, 12)))
    assert events(session) == [Kind.MOVE_ASKED, Kind.MOVE_LAPSED]
    assert told == ["asked", "closed"]


def test_mentor_takes_back_what_they_asked(session):
    request = mentor_asks(session, at(10, 15))
    with pytest.raises(NotAllowed):
        take_back_move(session.pk, actor=session.student, now=NOW)
    take_back_move(session.pk, actor=session.mentor.user, now=NOW)
    request.refresh_from_db()
    assert (request.status, claims(session)) == (ANSWERED.TAKEN_BACK, claims_for_good(session, at(9, 12)))


def test_mentor_asks_three_times_at_most(session):
    for _ in range(3):
        mentor_asks(session)
        take_back_move(session.pk, actor=session.mentor.user, now=NOW)
    with pytest.raises(NotAllowed, match="3 times, which is the most"):
        mentor_asks(session)


def test_asking_twice_is_asking_once(session, told):
    assert mentor_asks(session, at(10, 15)) == mentor_asks(session, at(10, 15))
    assert told == ["asked"]


def test_one_request_at_a_time(session):
    mentor_asks(session)
    with pytest.raises(NotAllowed, match="waits for its answer"):
        student_asks(session, at(10, 15))


@pytest.mark.parametrize(
    ("reason", "times", "words"),
    [
        (" ", [], "say why"),
        (WHY, [at(10, 9), at(10, 11), at(10, 13), at(10, 15)], "up to 3 times"),
        (WHY, [at(9, 12)], "at that time already"),
    ],
)
def test_what_is_asked_has_a_reason_and_other_times(session, reason, times, words):
    with pytest.raises(NotAllowed, match=words):
        mentor_asks(session, *times, reason=reason)


def test_nothing_is_proposed_that_somebody_else_has(session):
    BookingFactory(session_type=session.session_type, starts_at=at(10, 15))
    with pytest.raises(SlotTaken):
        mentor_asks(session, at(10, 15))
    assert not MoveRequest.objects.exists()


def test_it_is_too_late_to_ask_when_nobody_could_answer(session):
    with pytest.raises(NotAllowed, match="too late to ask"):
        mentor_asks(session, now=at(9, 9, 1))
    assert mentor_asks(session, now=at(9, 9)).answer_by == at(9, 10)


# The student asks


def test_student_asks_when_the_line_is_behind_them(session):
    with pytest.raises(NotAllowed, match="can move this session without asking"):
        student_asks(session, at(10, 15))
    request = student_asks(session, at(10, 15), now=at(8, 15))
    moved = reschedule(session.pk, actor=session.mentor.user, starts_at=at(10, 15), now=at(8, 16))
    request.refresh_from_db()
    assert (moved.starts_at, moved.moves, request.status) == (at(10, 15), 0, ANSWERED.MOVED)


def test_mentor_takes_only_what_the_student_proposed(session):
    student_asks(session, at(10, 15), now=at(8, 15))
    with pytest.raises(NotAllowed):
        reschedule(session.pk, actor=session.mentor.user, starts_at=at(11, 15), now=at(8, 16))


def test_student_who_asks_proposes_a_time(session):
    with pytest.raises(NotAllowed, match="Pick a time"):
        student_asks(session, now=at(8, 15))


def test_nobody_answers_themselves(session):
    student_asks(session, at(10, 15), now=at(8, 15))
    with pytest.raises(NotAllowed):
        reschedule(session.pk, actor=session.student, starts_at=at(10, 15), now=at(8, 16))
    with pytest.raises(NotAllowed):
        keep_old_time(session.pk, actor=session.student, now=at(8, 16))


def test_whoever_closes_their_account_leaves_no_reason_behind(session):
    request = student_asks(session, at(10, 15), now=at(8, 15))
    forget_words(session.student)
    request.refresh_from_db()
    assert (request.reason, session.events.get().note) == ("", "")
