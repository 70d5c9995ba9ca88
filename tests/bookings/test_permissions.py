"""Who may do what with a session: each rule by itself. Pages and services ask the same functions."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from bookings.models import Status
from bookings.permissions import (
    why_not_accept,
    why_not_cancel,
    why_not_decline,
    why_not_join,
    why_staff_can_not_cancel,
)
from bookings.services import NotAllowed, accept, cancel, decline, join
from mentors.models import Mentor
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory

pytestmark = pytest.mark.django_db

S = Status
START = at(9, 12)
LATER = NOW + timedelta(hours=72)
QUARTER = timedelta(minutes=15)


def session(status, *, price=0):
    return BookingFactory(session_type__price_minor=price, status=status, starts_at=START)


@pytest.mark.parametrize(
    ("status", "price", "now", "can"),
    [
        (S.REQUESTED, 100_000, NOW, True),
        (S.AWAITING_PAYMENT, 100_000, NOW, True),
        (S.AWAITING_PAYMENT, 100_000, LATER, False),
        (S.SCHEDULED, 0, NOW, True),
        (S.SCHEDULED, 0, START, False),
        (S.SCHEDULED, 100_000, NOW, True),
        (S.SCHEDULED, 100_000, START, False),
        *((status, 0, NOW, False) for status in (S.COMPLETED, S.NO_SHOW, S.DECLINED, S.EXPIRED, S.CANCELLED)),
    ],
)
def test_a_session_can_be_cancelled_until_it_begins_or_lapses(status, price, now, can):
    booking = BookingFactory(session_type__price_minor=price, status=status, starts_at=START)
    assert (not why_not_cancel(booking, booking.student, now)) == can


@pytest.mark.parametrize(
    ("status", "price", "words"),
    [
        (S.SCHEDULED, 0, ""),
        (S.SCHEDULED, 100_000, "by its student or by our staff"),
        (S.REQUESTED, 0, "can't be cancelled here"),
        (S.AWAITING_PAYMENT, 100_000, "can't be cancelled here"),
    ],
)
def test_a_mentor_cancels_what_is_agreed_and_free(status, price, words):
    booking = session(status, price=price)
    refused = why_not_cancel(booking, booking.mentor.user, NOW)
    assert words in refused
    assert bool(refused) == bool(words)


@pytest.mark.parametrize("status", S)
def test_staff_cancel_whatever_has_not_ended(status):
    refused = why_staff_can_not_cancel(session(status), NOW)
    assert bool(refused) == (status not in (S.REQUESTED, S.AWAITING_PAYMENT, S.SCHEDULED))


def test_a_stranger_and_staff_take_no_part_in_a_session(stranger, staff):
    asked, agreed = session(S.REQUESTED), session(S.SCHEDULED)
    for person in (stranger, staff, AnonymousUser()):
        assert why_not_accept(asked, person, NOW)
        assert why_not_decline(asked, person, NOW)
        assert why_not_cancel(agreed, person, NOW)
        assert why_not_join(agreed, person, START)


def test_a_student_does_not_answer_their_own_request():
    asked = session(S.REQUESTED)
    assert why_not_accept(asked, asked.student, NOW)
    assert why_not_decline(asked, asked.student, NOW)


def test_a_suspended_mentor_declines_and_does_not_accept():
    asked = session(S.REQUESTED)
    asked.mentor.status = Mentor.Status.SUSPENDED
    assert "suspended" in why_not_accept(asked, asked.mentor.user, NOW)
    assert why_not_decline(asked, asked.mentor.user, NOW) == ""


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (START - QUARTER - timedelta(seconds=1), False),
        (START - QUARTER, True),
        (START + timedelta(minutes=59), True),
        (START + timedelta(hours=1), False),
    ],
)
def test_the_room_is_open_from_a_quarter_of_an_hour_before_the_start_to_the_end(now, is_open):
    booking = session(S.SCHEDULED)
    assert (not why_not_join(booking, booking.student, now)) == is_open


SERVICES = {
    "accept": (S.REQUESTED, why_not_accept, accept),
    "decline": (S.REQUESTED, why_not_decline, decline),
    "cancel": (S.SCHEDULED, why_not_cancel, cancel),
    "join": (S.SCHEDULED, why_not_join, join),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_refuses_in_the_words_of_the_rule(service, stranger):
    status, why_not, change = SERVICES[service]
    booking = session(status)
    with pytest.raises(NotAllowed) as refusal:
        change(booking.pk, actor=stranger, now=NOW)
    assert str(refusal.value) == why_not(booking, stranger, NOW) != ""
    booking.refresh_from_db()
    assert booking.status == status
    assert not booking.events.exists()
