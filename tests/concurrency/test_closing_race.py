"""An account is closed while its person books, or is booked: either there is a session and an account, or neither.

The guard is the lock that both take on the person; with the lock off, the race is shown to be real.
"""

import threading
from datetime import timedelta

import pytest

from accounts.services import CannotClose, close_account
from bookings import signals
from bookings.models import Booking, Status
from bookings.services import NotBookable, book
from tests.concurrency.guards import without_row_locks
from tests.concurrency.test_booking_race import race
from tests.factories import NOW, SessionTypeFactory, UserFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

START = NOW + timedelta(days=7, hours=-3)  # Wednesday 9:00 in Kolkata
# Long enough for a closing that nothing holds up; one that waits for the lock comes after it.
A_WHILE = 3.0


@pytest.fixture
def without_lock():
    with without_row_locks("accounts_user"):
        yield


@pytest.fixture
def written():
    """Set once the session is written and not committed yet; the booking then waits for the closing."""
    written, closed = threading.Event(), threading.Event()

    def wait(**_):
        written.set()
        closed.wait(A_WHILE)

    signals.booking_scheduled.connect(wait)
    yield written, closed
    signals.booking_scheduled.disconnect(wait)


def booked_and_closed_at_once(who, written):
    """The session and the person afterwards, and what each of the two attempts came to."""
    free = SessionTypeFactory(price_minor=0)
    student = UserFactory()
    closing = student if who == "student" else free.mentor.user
    is_written, is_closed = written

    def books():
        return book(student=student, session_type=free, duration_minutes=60, starts_at=START, now=NOW)

    def closes():
        assert is_written.wait(10)
        close_account(closing, now=NOW)
        is_closed.set()

    outcomes = race(books, closes)
    closing.refresh_from_db()
    return Booking.objects.filter(status=Status.SCHEDULED).exists(), closing.closed_at is not None, outcomes


@pytest.mark.parametrize("who", ["student", "mentor"])
def test_without_the_lock_somebody_who_left_has_a_session(without_lock, written, who):
    has_session, is_closed, _ = booked_and_closed_at_once(who, written)
    assert (has_session, is_closed) == (True, True)


@pytest.mark.parametrize("who", ["student", "mentor"])
def test_with_the_lock_the_closing_waits_and_is_refused(written, who):
    has_session, is_closed, (_, refusal) = booked_and_closed_at_once(who, written)
    assert (has_session, is_closed) == (True, False)
    assert isinstance(refusal, CannotClose)


@pytest.mark.parametrize("who", ["student", "mentor"])
def test_whichever_comes_first_wins(who):
    free = SessionTypeFactory(price_minor=0)
    student = UserFactory()
    closing = student if who == "student" else free.mentor.user

    def books():
        return book(student=student, session_type=free, duration_minutes=60, starts_at=START, now=NOW)

    booked, closed = race(books, lambda: close_account(closing, now=NOW))
    closing.refresh_from_db()
    has_session = Booking.objects.filter(status=Status.SCHEDULED).exists()
    assert has_session != (closing.closed_at is not None)
    assert isinstance(booked, Booking if has_session else NotBookable)
    assert isinstance(closed, CannotClose if has_session else type(None))
