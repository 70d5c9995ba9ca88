from datetime import date, time

import pytest
from django.db import IntegrityError, transaction

from mentors import services
from mentors.models import Mentor, WeeklyHours
from mentors.schedules import Hours
from tests import factories

D = date.fromisoformat


def kept(mentor: Mentor) -> list[str]:
    return [
        f"{row.first_date:%m-%d}..{row.last_date:%m-%d} {row.note}".strip()
        if row.is_blocked
        else f"{row.first_date:%m-%d} {row.starts:%H:%M}-{row.ends:%H:%M}"
        for row in mentor.date_overrides.order_by("first_date", "starts")
    ]


def block(mentor: Mentor, first: str, last: str = "", note: str = "") -> None:
    services.block_dates(mentor=mentor, first_date=D(first), last_date=D(last or first), note=note)


def set_hours(mentor: Mentor, day: str, *hours: tuple[str, str]) -> None:
    times = [(time.fromisoformat(starts), time.fromisoformat(ends)) for starts, ends in hours]
    services.set_date_hours(mentor=mentor, day=D(day), hours=times)


def test_a_day_within_time_off_given_hours_splits_it(mentor: Mentor) -> None:
    block(mentor, "2026-12-20", "2026-12-31", "Goa")
    set_hours(mentor, "2026-12-24", ("18:00", "20:00"))
    assert kept(mentor) == ["12-20..12-23 Goa", "12-24 18:00-20:00", "12-25..12-31 Goa"]


@pytest.mark.parametrize(
    ("day", "left"),
    [
        ("2026-12-20", ["12-21..12-22"]),
        ("2026-12-22", ["12-20..12-21"]),
        ("2026-12-21", ["12-20..12-20", "12-22..12-22"]),
        ("2026-12-23", ["12-20..12-22"]),
    ],
)
def test_clearing_a_day_leaves_the_rest_of_its_time_off(mentor: Mentor, day: str, left: list[str]) -> None:
    block(mentor, "2026-12-20", "2026-12-22")
    services.clear_date(mentor=mentor, day=D(day))
    assert kept(mentor) == left


def test_clearing_ends_every_block_that_holds_the_day(mentor: Mentor) -> None:
    block(mentor, "2026-12-20", "2026-12-22")
    block(mentor, "2026-12-21", "2026-12-24")
    services.clear_date(mentor=mentor, day=D("2026-12-21"))
    assert kept(mentor) == ["12-20..12-20", "12-22..12-22", "12-22..12-24"]


def test_new_hours_replace_the_dates_own(mentor: Mentor) -> None:
    set_hours(mentor, "2026-12-24", ("09:00", "10:00"), ("11:00", "12:00"))
    set_hours(mentor, "2026-12-24", ("18:00", "20:00"))
    assert kept(mentor) == ["12-24 18:00-20:00"]


def test_blocking_ends_the_hours_of_its_dates_only(mentor: Mentor) -> None:
    for day in ("2026-12-19", "2026-12-20", "2026-12-22", "2026-12-23"):
        set_hours(mentor, day, ("18:00", "20:00"))
    block(mentor, "2026-12-20", "2026-12-22")
    assert kept(mentor) == ["12-19 18:00-20:00", "12-20..12-22", "12-23 18:00-20:00"]


def test_blocking_what_is_blocked_already_adds_nothing(mentor: Mentor) -> None:
    block(mentor, "2026-12-20", "2026-12-31", "Goa")
    block(mentor, "2026-12-24")
    block(mentor, "2026-12-20", "2026-12-31")
    assert kept(mentor) == ["12-20..12-31 Goa"]
    block(mentor, "2026-12-30", "2027-01-02")
    assert kept(mentor) == ["12-20..12-31 Goa", "12-30..01-02"]


def test_everybody_elses_dates_stay(mentor: Mentor) -> None:
    other = factories.MentorFactory()
    block(other, "2026-12-20", "2026-12-31")
    set_hours(mentor, "2026-12-24", ("18:00", "20:00"))
    services.clear_date(mentor=mentor, day=D("2026-12-25"))
    block(mentor, "2026-12-01", "2026-12-31")
    assert not services.remove_override(mentor=mentor, override_pk=other.date_overrides.get().pk)
    assert kept(other) == ["12-20..12-31"]


def test_removing_twice_says_so(mentor: Mentor) -> None:
    block(mentor, "2026-12-20")
    pk = mentor.date_overrides.get().pk
    assert services.remove_override(mentor=mentor, override_pk=pk)
    assert not services.remove_override(mentor=mentor, override_pk=pk)


def test_hours_that_are_switched_off_are_kept_beside_others(mentor: Mentor) -> None:
    hours = [
        Hours(0, WeeklyHours.Kind.OPEN, time(9), time(17), False),
        Hours(0, WeeklyHours.Kind.OPEN, time(9), time(12)),
    ]
    services.set_weekly_hours(mentor=mentor, week=hours)
    assert sorted(mentor.weekly_hours.values_list("ends", "is_active")) == [
        (time(12), True),
        (time(17), False),
    ]


def test_a_week_that_the_database_refuses_leaves_the_old_one(mentor: Mentor) -> None:
    twice = [Hours(0, WeeklyHours.Kind.OPEN, time(9), time(17))] * 2
    with pytest.raises(IntegrityError), transaction.atomic():
        services.set_weekly_hours(mentor=mentor, week=twice)
    assert mentor.weekly_hours.count() == 6


def test_rules_write_what_they_name_and_nothing_else(mentor: Mentor) -> None:
    Mentor.objects.filter(pk=mentor.pk).update(headline="Written meanwhile")
    services.set_rules(mentor=mentor, buffer_minutes=15)
    mentor.refresh_from_db()
    assert (mentor.buffer_minutes, mentor.headline) == (15, "Written meanwhile")


def order(mentor: Mentor) -> list[str]:
    return list(mentor.session_types.values_list("slug", flat=True))


@pytest.mark.parametrize(
    ("slug", "places", "expected"),
    [
        ("b", -1, ["b", "a", "c"]),
        ("b", 1, ["a", "c", "b"]),
        ("a", -1, ["a", "b", "c"]),
        ("c", 1, ["a", "b", "c"]),
        ("c", -1, ["a", "c", "b"]),
    ],
)
def test_session_types_are_moved_past_each_other(
    mentor: Mentor, slug: str, places: int, expected: list[str]
) -> None:
    """Those that share a position, as old ones may, too."""
    for each in "abc":
        factories.SessionTypeFactory(mentor=mentor, slug=each)
    services.move_session_type(session_type=mentor.session_types.get(slug=slug), places=places)
    assert order(mentor) == expected
