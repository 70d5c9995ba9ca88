"""How much one person may keep at a time, in `book()` and on the wizard's pages."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from bookings import caps
from bookings.engine.offered import conditions_of
from bookings.models import Booking, Status
from bookings.services import CapReached, accept, book
from lib.clock import to_param
from mentors.models import SessionType
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.django_db

THURSDAY = at(3, 10)
WEEK_OLD = timedelta(days=7)


@pytest.fixture
def asked(mentor) -> SessionType:
    """Meera's portfolio talk: free, an hour, when she agrees."""
    return SessionTypeFactory(mentor=mentor, slug="portfolio", price_minor=0, requires_approval=True)


def tries(student: User, session_type: SessionType, starts_at=THURSDAY) -> Booking:
    return book(student=student, session_type=session_type, duration_minutes=60, starts_at=starts_at, now=NOW)


def refused(student: User, session_type: SessionType) -> str:
    before = list(Booking.objects.order_by("pk").values())
    with pytest.raises(CapReached) as refusal:
        tries(student, session_type)
    assert list(Booking.objects.order_by("pk").values()) == before
    return str(refusal.value)


def keep(
    student: User, count: int, *, mentor=None, price_minor=0, status=Status.SCHEDULED, **more
) -> list[Booking]:
    """Sessions on days of their own, with that mentor or each with another."""
    return [
        BookingFactory(
            session_type=SessionTypeFactory(mentor=mentor or MentorFactory(), price_minor=price_minor),
            student=student,
            status=status,
            starts_at=THURSDAY + timedelta(days=7 + number),
            **more,
        )
        for number in range(count)
    ]


def test_three_unpaid_holds_are_the_most(student, paid):
    keep(student, 3, price_minor=50_000, status=Status.AWAITING_PAYMENT)
    assert refused(student, paid) == (
        "You have 3 unpaid times on hold, and 3 at once is the most. "
        "Pay for one of them or let one go, then book this."
    )


def test_three_open_requests_are_the_most(student, asked):
    keep(student, 3, price_minor=50_000, status=Status.REQUESTED)
    assert refused(student, asked) == (
        "You have 3 requests waiting for an answer, and 3 at once is the most. "
        "Wait for an answer or cancel one, then ask for this."
    )


def test_five_free_sessions_ahead_with_one_mentor_are_the_most(student, free):
    keep(student, 5, mentor=free.mentor)
    assert refused(student, free) == (
        "You have 5 free sessions ahead with Meera, and 5 at once is the most. "
        "Cancel one of them or let it take place, then book this."
    )


def test_ten_free_sessions_ahead_are_the_most(student, free):
    keep(student, 10)
    assert refused(student, free) == (
        "You have 10 free sessions ahead, and 10 at once is the most. "
        "Cancel one of them or let it take place, then book this."
    )


# One less than each cap, and everything that no cap counts.
ROOM = [
    ("paid", lambda student, mentor: keep(student, 2, price_minor=50_000, status=Status.AWAITING_PAYMENT)),
    ("asked", lambda student, mentor: keep(student, 2, price_minor=50_000, status=Status.REQUESTED)),
    ("free", lambda student, mentor: keep(student, 4, mentor=mentor)),
    ("free", lambda student, mentor: keep(student, 9)),
    ("free", lambda student, mentor: keep(student, 12, price_minor=50_000)),
    ("free", lambda student, mentor: keep(student, 12, status=Status.CANCELLED)),
    ("free", lambda student, mentor: keep(student, 12, status=Status.COMPLETED)),
    ("free", lambda student, mentor: keep(UserFactory(), 5, mentor=mentor)),
    ("paid", lambda student, mentor: keep(student, 9)),
    ("paid", lambda student, mentor: keep(student, 4, status=Status.AWAITING_PAYMENT, hold_expires_at=NOW)),
    ("asked", lambda student, mentor: keep(student, 4, status=Status.REQUESTED, respond_by=NOW)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "kept"), ROOM)
def test_below_a_cap_and_for_what_it_does_not_count_there_is_room(student, mentor, request, kind, kept):
    session_type = request.getfixturevalue(kind)
    kept(student, mentor)
    assert tries(student, session_type).pk


def test_ones_own_hold_of_the_type_is_given_up_and_does_not_count(student, paid):
    keep(student, 2, price_minor=50_000, status=Status.AWAITING_PAYMENT)
    first = tries(student, paid)
    second = tries(student, paid, THURSDAY + timedelta(hours=2))
    first.refresh_from_db()
    assert (first.status, second.status) == (Status.CANCELLED, Status.AWAITING_PAYMENT)


def test_no_answer_of_the_mentors_breaks_a_cap(student, free, asked):
    """A free request counts as the session that it may become."""
    keep(student, 4, mentor=free.mentor)
    request_ = tries(student, asked)
    assert "5 free sessions ahead with Meera" in refused(student, free)
    accept(request_.pk, actor=free.mentor.user, now=NOW)
    assert Booking.objects.upcoming(NOW).filter(student=student, price_minor=0).count() == 5


HALVED = [
    ("paid", 2, {"price_minor": 50_000, "status": Status.AWAITING_PAYMENT}, "2 unpaid times on hold"),
    ("asked", 2, {"price_minor": 50_000, "status": Status.REQUESTED}, "2 requests waiting"),
    ("free", 5, {}, "5 free sessions ahead"),
]


@pytest.mark.parametrize(("kind", "most", "what", "words"), HALVED)
def test_for_accounts_younger_than_a_week_each_cap_is_half_rounded_up(
    student, request, kind, most, what, words
):
    session_type = request.getfixturevalue(kind)
    kept = keep(student, most, **what)
    User.objects.filter(pk=student.pk).update(date_joined=NOW - WEEK_OLD + timedelta(minutes=1))
    said = refused(student, session_type)
    assert said.startswith(f"You have {words}")
    assert f"{most} at once is the most in an account’s first 7 days." in said
    kept[0].claims.all().delete()
    Booking.objects.filter(pk=kept[0].pk).update(status=Status.CANCELLED)
    assert tries(student, session_type).pk


def test_for_a_new_account_three_free_sessions_with_one_mentor_are_the_most(student, free):
    keep(student, 3, mentor=free.mentor)
    User.objects.filter(pk=student.pk).update(date_joined=NOW)
    assert "You have 3 free sessions ahead with Meera" in refused(student, free)


def test_an_account_of_a_week_is_not_new(student, free):
    keep(student, 3, mentor=free.mentor)
    User.objects.filter(pk=student.pk).update(date_joined=NOW - WEEK_OLD)
    assert tries(student, free).pk


CAPS = [
    ("MAX_OPEN_HOLDS", "paid", {"price_minor": 50_000, "status": Status.AWAITING_PAYMENT}),
    ("MAX_OPEN_REQUESTS", "asked", {"price_minor": 50_000, "status": Status.REQUESTED}),
    ("MAX_FREE_SESSIONS", "free", {}),
]


@pytest.mark.parametrize(("name", "kind", "what"), CAPS)
def test_each_cap_is_a_setting(student, request, settings, name, kind, what):
    session_type = request.getfixturevalue(kind)
    keep(student, 1, **what)
    setattr(settings, name, 1)
    assert "1 at once is the most" in refused(student, session_type)


def test_the_cap_with_one_mentor_is_a_setting(student, free, settings):
    settings.MAX_FREE_SESSIONS_WITH_ONE_MENTOR = 1
    keep(student, 1, mentor=free.mentor)
    assert "1 free session ahead with Meera" in refused(student, free)


@pytest.mark.parametrize("count", [1, 12])
def test_all_caps_cost_one_query(student, free, paid, asked, django_assert_num_queries, count):
    keep(student, count)
    with django_assert_num_queries(1):
        kept = caps.kept_by(student, NOW)
        for session_type in (free, paid, asked):
            caps.reached(kept, student, session_type, NOW)


# On the wizard's pages


def last_step(session_type: SessionType) -> str:
    return (
        f"/mentors/{session_type.mentor.slug}/book/"
        f"?type={session_type.slug}&duration=60&start={to_param(THURSDAY)}"
    )


@pytest.fixture
def full(client: Client, student, free) -> Client:
    """The student with as many free sessions with Meera as there may be."""
    keep(student, 5, mentor=free.mentor)
    client.force_login(student)
    return client


def test_the_last_step_says_that_a_cap_is_reached_before_anything_is_typed(full, free):
    page = full.get(last_step(free)).content.decode()
    assert "5 free sessions ahead with Meera" in page
    assert 'href="/my-sessions/?show=upcoming"' in page


def test_the_first_step_says_at_which_session_a_cap_is_reached(full, free, paid):
    page = full.get(f"/mentors/{free.mentor.slug}/book/")
    said = {each["type"]: each["cap"] for each in page.context["types"]}
    assert "5 free sessions ahead with Meera" in said[free]
    assert said[paid] == ""
    assert "5 free sessions ahead with Meera" in page.content.decode()


def test_pressing_beyond_a_cap_says_so_with_a_way_on_and_keeps_what_was_typed(full, free):
    typed = {"shown": conditions_of(free, 60, THURSDAY).token, "topic": "One more"}
    answer = full.post(last_step(free), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "5 free sessions ahead with Meera" in page
    assert 'href="/my-sessions/?show=upcoming"' in page
    assert "One more" in page
    assert Booking.objects.count() == 5


def test_nobody_else_is_told_of_caps(client, full, free, stranger):
    client.force_login(stranger)
    assert "at once is the most" not in client.get(last_step(free)).content.decode()
    client.logout()
    assert "at once is the most" not in client.get(last_step(free)).content.decode()
