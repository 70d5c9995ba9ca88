from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoAssertNumQueries

from lib.intervals import Span
from lib.wallclock import DAY_MINUTES
from mentors.models import DateOverride, Mentor, WeeklyHours
from mentors.schedules import load_schedules, span
from tests import factories

DAY = date(2026, 12, 7)
minutes = st.integers(0, DAY_MINUTES - 1)


def as_time(minute: int) -> time:
    return time(*divmod(minute % DAY_MINUTES, 60))


@given(minutes, minutes)
def test_span_reads_back_as_the_times_it_was_made_of(start: int, end: int) -> None:
    since, until = span(as_time(start), as_time(end))
    assert (as_time(since), as_time(until)) == (as_time(start), as_time(end))
    assert since < until <= since + DAY_MINUTES


rows = st.dictionaries(
    st.tuples(st.sampled_from(["open", "break"]), st.integers(0, 6), minutes), minutes, max_size=12
)


class TestLoadSchedules(TestCase):
    @given(rows)
    def test_the_week_comes_back_as_it_was_kept(self, week: dict[tuple[str, int, int], int]) -> None:
        mentor = factories.MentorFactory(hours=[])
        WeeklyHours.objects.bulk_create(
            WeeklyHours(mentor=mentor, kind=kind, weekday=day, starts=as_time(start), ends=as_time(end))
            for (kind, day, start), end in week.items()
        )
        schedule = load_schedules([mentor])[mentor.pk]
        found: set[tuple[str, int, Span]] = {
            ("open", day, at) for day, all_ in schedule.weekly.items() for at in all_
        }
        found |= {("break", day, at) for day, all_ in schedule.breaks.items() for at in all_}
        assert found == {(k, d, span(as_time(s), as_time(e))) for (k, d, s), e in week.items()}


def test_overrides_with_hours_and_blocked_dates_are_told_apart(mentor: Mentor) -> None:
    holiday = {"first_date": DAY, "last_date": DAY + timedelta(days=3)}
    DateOverride.objects.create(mentor=mentor, **holiday)
    evening = {"first_date": DAY, "last_date": DAY, "starts": time(18), "ends": time(0)}
    DateOverride.objects.create(mentor=mentor, **evening)
    schedule = load_schedules([mentor])[mentor.pk]
    assert list(schedule.blocked) == [(DAY, DAY + timedelta(days=3))]
    assert schedule.overrides == {DAY: [(18 * 60, 24 * 60)]}


def test_the_rules_of_booking_come_along(db: None) -> None:
    mentor = factories.MentorFactory(
        time_zone="Australia/Lord_Howe",
        minimum_notice_hours=5,
        buffer_minutes=10,
        max_per_week=3,
        window_days=7,
    )
    schedule = load_schedules([mentor])[mentor.pk]
    assert schedule.zone.key == "Australia/Lord_Howe"
    assert (schedule.notice_minutes, schedule.buffer_minutes, schedule.interval_minutes) == (300, 10, 60)
    assert (schedule.max_per_day, schedule.max_per_week, schedule.window_days) == (None, 3, 7)


@pytest.mark.parametrize("count", [1, 30])
def test_schedules_cost_one_query(
    db: None, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mentors = factories.MentorFactory.create_batch(count)
    with django_assert_num_queries(1):
        assert len(load_schedules(mentors)) == count
