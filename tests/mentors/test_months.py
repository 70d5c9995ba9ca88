from datetime import date, time

import pytest

from mentors.models import DateOverride, WeeklyHours
from mentors.months import Day, month_of, usual_words, weeks_of

TODAY = date(2026, 12, 2)


def open_hours(weekday: int, starts: int, ends: int, **facts: object) -> WeeklyHours:
    return WeeklyHours(weekday=weekday, starts=time(starts), ends=time(ends), **facts)


def override(day: int, *hours: time, last: int = 0) -> DateOverride:
    starts, ends = hours or (None, None)
    return DateOverride(
        first_date=date(2026, 12, day), last_date=date(2026, 12, last or day), starts=starts, ends=ends
    )


def days(*overrides: DateOverride, week: tuple[WeeklyHours, ...] = ()) -> dict[int, Day]:
    weeks = weeks_of(TODAY.replace(day=1), TODAY, week, overrides)
    assert all(len(week) == 7 for week in weeks)
    return {day.date.day: day for week in weeks for day in week if day}


def test_a_month_is_all_of_its_days_and_no_others() -> None:
    found = days()
    assert list(found) == list(range(1, 32))
    assert [each.date.day for each in found.values() if each.is_past] == [1]
    assert [each.date.day for each in found.values() if each.is_today] == [2]


def test_a_day_says_its_hours() -> None:
    week = (open_hours(3, 9, 12), open_hours(3, 22, 2), open_hours(3, 10, 11, kind="break"))
    found = days(override(10, time(18), time(20)), override(17, last=18), week=week)
    assert (found[3].kind, found[3].words) == ("usual", "9:00 am to 12:00 pm, 10:00 pm to 2:00 am")
    assert (found[4].kind, found[4].words) == ("closed", "")
    assert (found[10].kind, found[10].words) == ("other", "6:00 pm to 8:00 pm")
    assert [found[day].kind for day in (16, 17, 18, 19)] == ["closed", "blocked", "blocked", "closed"]


def test_a_blocked_day_is_blocked_whatever_else_is_set() -> None:
    assert days(override(10, time(18), time(20)), override(9, last=11))[10].kind == "blocked"


def test_a_whole_day_ends_at_midnight() -> None:
    assert usual_words([open_hours(2, 0, 0)], TODAY) == "12:00 am to 12:00 am"


@pytest.mark.parametrize("facts", [{"is_active": False}, {"kind": "break"}])
def test_what_is_switched_off_or_a_break_opens_nothing(facts: dict[str, object]) -> None:
    assert usual_words([open_hours(2, 9, 17, **facts)], TODAY) == ""


@pytest.mark.parametrize("text", ["", "12", "2026", "2026-1", "x-12", "2026-12-01", "-1-12", "２０２６-12"])
def test_the_month_of_nonsense_is_this_one(text: str) -> None:
    assert month_of(text, TODAY) == date(2026, 12, 1)
