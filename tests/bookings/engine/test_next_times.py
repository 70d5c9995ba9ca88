"""The next free times of a page of mentors, in the same few queries however many there are."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from bookings.engine.next_times import next_times, similar_mentors
from mentors import panels
from mentors.models import Mentor, SessionType
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, SkillFactory

pytestmark = pytest.mark.django_db


def make_mentors(count: int, bookings: int = 1) -> None:
    for _ in range(count):
        session_type = SessionTypeFactory(price_minor=0)
        for hour in range(bookings):
            BookingFactory(session_type=session_type, starts_at=at(3, 9 + hour))


def test_next_times_are_the_first_free_ones_of_the_first_type(mentor: Mentor, free: SessionType) -> None:
    SessionTypeFactory(mentor=mentor, position=1, durations=[30])
    BookingFactory(session_type=free, starts_at=at(3, 10))
    session_type, starts = next_times([mentor], None, NOW)[mentor.pk]
    assert session_type == free
    assert starts == [at(3, 9), at(3, 11), at(3, 12)]


def test_next_times_leave_out_what_the_reader_has_elsewhere(
    mentor: Mentor, free: SessionType, student: User
) -> None:
    BookingFactory(student=student, starts_at=at(3, 9))
    assert next_times([mentor], student, NOW)[mentor.pk][1][0] == at(3, 10)
    assert next_times([mentor], None, NOW)[mentor.pk][1][0] == at(3, 9)


def test_next_times_pass_over_types_that_are_off_or_can_not_be_paid(
    mentor: Mentor, settings: Settings
) -> None:
    settings.PAYMENT_GATEWAYS = []
    SessionTypeFactory(mentor=mentor, position=0, is_active=False, price_minor=0)
    SessionTypeFactory(mentor=mentor, position=1)
    wanted = SessionTypeFactory(mentor=mentor, position=2, price_minor=0)
    assert next_times([mentor], None, NOW)[mentor.pk][0] == wanted


def test_next_times_look_as_far_as_the_window(mentor: Mentor, free: SessionType) -> None:
    mentor.date_overrides.create(first_date="2026-12-03", last_date="2027-01-29")
    assert next_times([mentor], None, NOW)[mentor.pk][1] == [
        at(30, hour, month=1, year=2027) for hour in (9, 10, 11)
    ]
    mentor.date_overrides.update(last_date="2027-03-01")
    assert next_times([mentor], None, NOW)[mentor.pk][1] == []


@pytest.mark.parametrize("bookings", [1, 8])
@pytest.mark.parametrize("count", [3, 24])
def test_a_page_of_mentors_with_their_next_free_times_costs_four_queries(
    count: int, bookings: int, rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_mentors(count, bookings)
    request = rf.get("/")
    request.user = AnonymousUser()
    with django_assert_num_queries(4):
        page = list(Mentor.objects.listed(NOW).select_related("user").prefetch_related("session_types"))
        times = panels.mentors.render(request, page, "mentor_times")["mentor_times"]
    assert sum("Next open" in each for each in times.values()) == count
    with django_assert_num_queries(2):
        panels.mentors.render(request, page, "mentor_times")


@pytest.mark.parametrize("count", [1, 24])
def test_similar_mentors_cost_four_queries(
    mentor: Mentor, student: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_mentors(count)
    skill = SkillFactory()
    for each in Mentor.objects.all():
        each.skills.add(skill)
    with django_assert_num_queries(4):
        found = similar_mentors(mentor, student, NOW)
    assert len(found) == min(count, 3)
    assert all(starts[0] > NOW + timedelta(hours=1) for _, _, starts in found)


def test_similar_mentors_are_neither_the_mentor_nor_the_reader(mentor: Mentor) -> None:
    skill = SkillFactory()
    reader = SessionTypeFactory(price_minor=0).mentor
    for each in (mentor, reader, MentorFactory()):
        each.skills.add(skill)
    assert similar_mentors(mentor, reader.user, NOW) == []
