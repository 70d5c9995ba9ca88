from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.intervals import Span
from lib.wallclock import day_start, from_epoch_minute
from mentors.availability import Schedule, openings

NEW_YORK, LONDON, SYDNEY = (
    ZoneInfo("America/New_York"),
    ZoneInfo("Europe/London"),
    ZoneInfo("Australia/Sydney"),
)
KOLKATA, LORD_HOWE = ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")
MONDAY = date(2026, 12, 7)


def clock(minutes: int, zone: ZoneInfo) -> str:
    return f"{from_epoch_minute(minutes).astimezone(zone):%a %H:%M %z}"


def hours(*spans: str) -> list[Span]:
    """`hours("22:00-02:00")`: as the rows of the week give them."""
    found = []
    for span in spans:
        (start, end) = (int(at[:2]) * 60 + int(at[3:]) for at in span.split("-"))
        found.append((start, end if end > start else end + 1440))
    return found


def every_day(*spans: str) -> dict[int, list[Span]]:
    return {weekday: hours(*spans) for weekday in range(7)}


def opened(schedule: Schedule, first: date, last: date | None = None) -> list[str]:
    """`Mon 09:00 +0530, 180 min`, one an opening."""
    found = openings(schedule, first, last or first)
    return [f"{clock(at.start, schedule.zone)}, {at.limit - at.start} min" for at in found]


def test_a_day_is_open_at_its_hours_without_its_breaks() -> None:
    schedule = Schedule(KOLKATA, {0: hours("09:00-13:00", "14:00-17:00")}, breaks={0: hours("10:00-10:30")})
    assert opened(schedule, MONDAY) == [
        "Mon 09:00 +0530, 60 min",
        "Mon 10:30 +0530, 150 min",
        "Mon 14:00 +0530, 180 min",
    ]


def test_a_day_without_hours_is_closed() -> None:
    assert opened(Schedule(KOLKATA, {0: hours("09:00-17:00")}), MONDAY + timedelta(days=1)) == []


def test_hours_that_touch_are_one_opening() -> None:
    assert opened(Schedule(KOLKATA, {0: hours("09:00-12:00", "12:00-17:00")}), MONDAY) == [
        "Mon 09:00 +0530, 480 min"
    ]


def test_an_interval_runs_over_midnight_and_belongs_to_its_first_date() -> None:
    schedule = Schedule(KOLKATA, {0: hours("22:00-02:00")})
    assert opened(schedule, MONDAY) == ["Mon 22:00 +0530, 240 min"]
    assert opened(schedule, MONDAY + timedelta(days=1)) == ["Mon 22:00 +0530, 240 min"]
    assert opened(schedule, MONDAY + timedelta(days=2)) == []


def test_a_session_may_last_into_the_next_day_when_that_follows_without_a_gap() -> None:
    schedule = Schedule(KOLKATA, {0: hours("20:00-00:00"), 1: hours("00:00-01:30")})
    [opening] = openings(schedule, MONDAY, MONDAY)
    assert (opening.limit - opening.start, opening.reach - opening.start) == (240, 330)


def test_an_override_replaces_its_dates_hours_and_breaks() -> None:
    schedule = Schedule(
        KOLKATA,
        every_day("09:00-17:00"),
        breaks=every_day("12:00-13:00"),
        overrides={MONDAY: hours("11:00-14:00")},
    )
    assert opened(schedule, MONDAY) == ["Mon 11:00 +0530, 180 min"]
    assert opened(schedule, MONDAY + timedelta(days=1)) == [
        "Tue 09:00 +0530, 180 min",
        "Tue 13:00 +0530, 240 min",
    ]


def test_what_began_the_evening_before_an_override_still_ends_in_it() -> None:
    schedule = Schedule(KOLKATA, {6: hours("22:00-02:00")}, overrides={MONDAY: hours("11:00-14:00")})
    assert opened(schedule, MONDAY) == ["Sun 22:00 +0530, 240 min", "Mon 11:00 +0530, 180 min"]


def test_days_off_close_their_dates_and_what_remains_of_a_shift_that_began_on_them() -> None:
    schedule = Schedule(KOLKATA, every_day("22:00-02:00"), blocked=[(MONDAY, MONDAY + timedelta(days=1))])
    assert opened(schedule, MONDAY - timedelta(days=1), MONDAY + timedelta(days=2)) == [
        "Sat 22:00 +0530, 240 min",
        "Sun 22:00 +0530, 120 min",
        "Wed 22:00 +0530, 240 min",
    ]


def test_a_day_off_leaves_the_hours_that_begin_on_the_next_day() -> None:
    schedule = Schedule(
        KOLKATA, {0: hours("22:00-02:00"), 1: hours("00:00-01:00")}, blocked=[(MONDAY, MONDAY)]
    )
    assert opened(schedule, MONDAY, MONDAY + timedelta(days=1)) == ["Tue 00:00 +0530, 60 min"]


def test_a_day_off_ends_the_other_hours_of_its_date_too() -> None:
    schedule = Schedule(KOLKATA, overrides={MONDAY: hours("22:00-02:00")}, blocked=[(MONDAY, MONDAY)])
    assert opened(schedule, MONDAY, MONDAY + timedelta(days=1)) == []


def test_a_block_without_an_end_in_sight_is_a_block() -> None:
    schedule = Schedule(
        KOLKATA, every_day("09:00-17:00"), blocked=[(MONDAY, date.max), (date.min, date(2020, 1, 1))]
    )
    assert opened(schedule, MONDAY - timedelta(days=1), MONDAY + timedelta(days=60)) == [
        "Sun 09:00 +0530, 480 min"
    ]


def test_blocked_wins_over_an_override() -> None:
    schedule = Schedule(KOLKATA, overrides={MONDAY: hours("11:00-14:00")}, blocked=[(MONDAY, MONDAY)])
    assert opened(schedule, MONDAY) == []


def test_an_interval_within_a_longer_one_takes_nothing_away() -> None:
    schedule = Schedule(KOLKATA, {0: hours("20:00-12:00"), 1: hours("02:00-04:00")})
    assert opened(schedule, MONDAY + timedelta(days=1)) == ["Mon 20:00 +0530, 960 min"]


def test_an_interval_that_begins_within_another_steps_from_its_own_start() -> None:
    schedule = Schedule(KOLKATA, {0: hours("22:00-02:00"), 1: hours("01:15-05:00")})
    assert opened(schedule, MONDAY) == ["Mon 22:00 +0530, 195 min"]
    assert opened(schedule, MONDAY + timedelta(days=1)) == [
        "Mon 22:00 +0530, 195 min",
        "Tue 01:15 +0530, 225 min",
    ]


def test_a_break_may_run_over_midnight_too() -> None:
    schedule = Schedule(KOLKATA, every_day("20:00-04:00"), breaks={0: hours("23:00-01:00")})
    assert (
        opened(schedule, MONDAY)
        == [
            "Sun 20:00 +0530, 480 min",
            "Mon 20:00 +0530, 180 min",
            "Tue 01:00 +0530, 180 min",
        ][:2]
    )


CHANGE_NIGHTS = [
    # The clock jumps over 2:00 to 3:00: what is skipped is an hour later, and the day an hour shorter.
    (NEW_YORK, date(2027, 3, 14), "00:00-00:00", ["Sun 00:00 -0500, 1380 min"]),
    (NEW_YORK, date(2027, 3, 14), "02:15-04:00", ["Sun 03:15 -0400, 45 min"]),
    (NEW_YORK, date(2027, 3, 14), "01:00-02:30", ["Sun 01:00 -0500, 90 min"]),
    (NEW_YORK, date(2027, 3, 14), "02:30-03:00", []),
    # It reads 1:00 to 2:00 twice: the first counts.
    (NEW_YORK, date(2026, 11, 1), "00:00-00:00", ["Sun 00:00 -0400, 1500 min"]),
    (NEW_YORK, date(2026, 11, 1), "01:30-03:00", ["Sun 01:30 -0400, 150 min"]),
    (NEW_YORK, date(2026, 11, 1), "00:30-01:30", ["Sun 00:30 -0400, 60 min"]),
    (LONDON, date(2027, 3, 28), "01:30-03:00", ["Sun 02:30 +0100, 30 min"]),
    (LONDON, date(2026, 10, 25), "01:30-03:00", ["Sun 01:30 +0100, 150 min"]),
    (SYDNEY, date(2026, 10, 4), "01:00-03:00", ["Sun 01:00 +1000, 60 min"]),
    (SYDNEY, date(2027, 4, 4), "02:30-04:00", ["Sun 02:30 +1100, 150 min"]),
    # Half an hour.
    (LORD_HOWE, date(2026, 10, 4), "02:00-04:00", ["Sun 02:30 +1100, 90 min"]),
    (LORD_HOWE, date(2027, 4, 4), "01:30-03:00", ["Sun 01:30 +1100, 120 min"]),
    # Midnight itself is skipped, and read twice.
    (ZoneInfo("America/Santiago"), date(2026, 9, 6), "00:00-03:00", ["Sun 01:00 -0300, 120 min"]),
    (ZoneInfo("America/Santiago"), date(2027, 4, 3), "22:00-00:00", ["Sat 22:00 -0300, 180 min"]),
    (ZoneInfo("Africa/Casablanca"), date(2027, 2, 7), "01:00-04:00", ["Sun 01:00 +0100, 240 min"]),
    # Kolkata has no such nights.
    (KOLKATA, date(2027, 3, 28), "00:00-00:00", ["Sun 00:00 +0530, 1440 min"]),
]


@pytest.mark.parametrize(("zone", "day", "span", "expected"), CHANGE_NIGHTS)
def test_the_night_on_which_clocks_change(zone: ZoneInfo, day: date, span: str, expected: list[str]) -> None:
    assert opened(Schedule(zone, {day.weekday(): hours(span)}), day) == expected


def test_an_interval_over_a_change_night_ends_on_the_wall_clock() -> None:
    schedule = Schedule(NEW_YORK, {5: hours("22:00-06:00")})
    assert opened(schedule, date(2027, 3, 13)) == ["Sat 22:00 -0500, 420 min"]
    assert opened(schedule, date(2026, 10, 31)) == ["Sat 22:00 -0400, 540 min"]


def test_a_date_that_the_zone_skipped_has_no_hours() -> None:
    apia = ZoneInfo("Pacific/Apia")
    schedule = Schedule(apia, every_day("09:00-11:00"))
    assert opened(schedule, date(2011, 12, 29), date(2011, 12, 31)) == [
        "Thu 09:00 -1000, 120 min",
        "Sat 09:00 +1400, 120 min",
    ]


def test_what_runs_into_a_skipped_date_comes_out_on_the_day_after() -> None:
    schedule = Schedule(ZoneInfo("Pacific/Apia"), {3: hours("22:00-02:00")})
    assert opened(schedule, date(2011, 12, 31)) == ["Thu 22:00 -1000, 240 min"]


ZONES = [NEW_YORK, LONDON, SYDNEY, LORD_HOWE, KOLKATA, ZoneInfo("America/Santiago"), ZoneInfo("Pacific/Apia")]
NIGHTS = [
    date(2027, 3, 14),
    date(2026, 11, 1),
    date(2027, 3, 28),
    date(2026, 10, 4),
    date(2026, 9, 6),
    date(2011, 12, 30),
]
quarter = st.integers(0, 95).map(lambda n: n * 15)


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    pairs = draw(st.lists(st.tuples(quarter, quarter), max_size=3))
    return [(start, end if end > start else end + 1440) for start, end in pairs]


@st.composite
def schedules(draw: st.DrawFn, around: date) -> Schedule:
    days = st.integers(-4, 4).map(lambda n: around + timedelta(days=n))
    blocked = draw(st.lists(st.tuples(days, st.integers(0, 2)), max_size=1))
    return Schedule(
        draw(st.sampled_from(ZONES)),
        draw(st.dictionaries(st.integers(0, 6), spans())),
        breaks=draw(st.dictionaries(st.integers(0, 6), spans(), max_size=3)),
        overrides=draw(st.dictionaries(days, spans(), max_size=2)),
        blocked=[(day, day + timedelta(days=more)) for day, more in blocked],
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Schedule, date]:
    around = draw(st.sampled_from(NIGHTS))
    return draw(schedules(around)), around + timedelta(days=draw(st.integers(-2, 2)))


def starts_on(schedule: Schedule, day: date, first: date, last: date) -> set[tuple[int, int]]:
    """Every start of that date when those dates are asked for, with the longest session of up to two hours."""
    begin, end = day_start(schedule.zone, day), day_start(schedule.zone, day + timedelta(days=1))
    return {
        (minute, min(at.reach - minute, 120))
        for at in openings(schedule, first, last)
        for minute in range(at.start, at.limit, 15)
        if begin <= minute < end
    }


# A break of the day before the eve reaches into what runs over midnight from the eve.
LONG_BREAK = Schedule(KOLKATA, {1: [(21 * 60, 28 * 60)]}, breaks={0: [(23 * 60, 46 * 60 + 37)]})


@given(cases(), st.integers(0, 3), st.integers(0, 3))
@example((LONG_BREAK, MONDAY + timedelta(days=2)), 3, 0)
def test_what_a_date_offers_does_not_depend_on_the_dates_asked_for(
    case: tuple[Schedule, date], before: int, after: int
) -> None:
    schedule, day = case
    wide = starts_on(schedule, day, day - timedelta(days=before), day + timedelta(days=after))
    assert starts_on(schedule, day, day, day) == wide


@given(cases())
def test_openings_come_in_order_and_never_overlap(case: tuple[Schedule, date]) -> None:
    schedule, day = case
    found = openings(schedule, day - timedelta(days=2), day + timedelta(days=2))
    assert all(at.start < at.limit <= at.reach for at in found)
    assert all(one.limit <= other.start for one, other in pairwise(found))
