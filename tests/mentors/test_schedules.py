from collections.abc import Callable
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoAssertNumQueries

from lib.intervals import Span
from lib.wallclock import DAY_MINUTES
from mentors.availability import ONE_DAY, Schedule
from mentors.models import DateOverride, Mentor, WeeklyHours
from mentors.schedules import Hours, load_schedules, span, with_hours_on, with_time_off, with_week
from mentors.services import block_dates, set_date_hours, set_weekly_hours
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


def nights_and_a_break(mentor: Mentor) -> Schedule:
    week = [
        Hours(4, "open", time(22), time(2)),
        Hours(0, "open", time(9), time(17)),
        Hours(0, "break", time(12), time(13)),
        Hours(1, "open", time(9), time(17), is_active=False),
    ]
    tried = with_week(saved(mentor), week)
    set_weekly_hours(mentor=mentor, week=week)
    return tried


def time_off_over_other_hours(mentor: Mentor) -> Schedule:
    set_date_hours(mentor=mentor, day=DAY, hours=[(time(18), time(20))])
    set_date_hours(mentor=mentor, day=DAY + 9 * ONE_DAY, hours=[(time(18), time(20))])
    tried = with_time_off(saved(mentor), DAY - ONE_DAY, DAY + ONE_DAY)
    block_dates(mentor=mentor, first_date=DAY - ONE_DAY, last_date=DAY + ONE_DAY)
    return tried


def hours_in_the_middle_of_time_off(mentor: Mentor) -> Schedule:
    block_dates(mentor=mentor, first_date=DAY - ONE_DAY, last_date=DAY + ONE_DAY)
    block_dates(mentor=mentor, first_date=DAY, last_date=DAY + 5 * ONE_DAY)
    hours = [(time(18), time(20)), (time(21), time(1))]
    tried = with_hours_on(saved(mentor), DAY, hours)
    set_date_hours(mentor=mentor, day=DAY, hours=hours)
    return tried


def saved(mentor: Mentor) -> Schedule:
    return load_schedules([mentor])[mentor.pk]


@pytest.mark.parametrize(
    "change", [nights_and_a_break, time_off_over_other_hours, hours_in_the_middle_of_time_off]
)
def test_hours_that_are_tried_are_those_that_saving_would_leave(
    mentor: Mentor, change: Callable[[Mentor], Schedule]
) -> None:
    tried, kept = change(mentor), saved(mentor)
    assert (tried.weekly, tried.breaks, tried.overrides) == (kept.weekly, kept.breaks, kept.overrides)
    assert sorted(tried.blocked) == sorted(kept.blocked)


@pytest.mark.parametrize("count", [1, 30])
def test_schedules_cost_one_query(
    db: None, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mentors = factories.MentorFactory.create_batch(count)
    with django_assert_num_queries(1):
        assert len(load_schedules(mentors)) == count
