from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.engine.slots import (
    Busy,
    Refusal,
    State,
    bookable_range,
    free_starts,
    nearest,
    refusal,
    why_none,
)
from lib.wallclock import epoch_minute, from_epoch_minute
from mentors.availability import Schedule
from tests.bookings.engine.oracle import WallClock, bookable

# Where wall clocks are well behaved, and where they are not: near each date they jump.
PLACES = [
    ("Asia/Kolkata", date(2027, 2, 10)),
    ("America/New_York", date(2027, 3, 14)),  # forward at 2:00
    ("America/New_York", date(2027, 11, 7)),  # back at 2:00
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # forward by half an hour
    ("Australia/Lord_Howe", date(2027, 4, 4)),  # and back
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2027, 10, 31)),
    ("America/Santiago", date(2027, 9, 5)),  # a day without midnight
    ("America/Santiago", date(2027, 4, 3)),  # a day whose last hour comes twice
    ("Africa/Casablanca", date(2027, 2, 7)),  # back for Ramadan
    ("Africa/Casablanca", date(2027, 3, 14)),  # and forward after it
    ("Australia/Sydney", date(2026, 10, 4)),
    ("Atlantic/Azores", date(2026, 10, 25)),  # a day whose first hour comes twice
    ("Africa/Cairo", date(2027, 4, 30)),  # another without midnight
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("Pacific/Kwajalein", date(1993, 8, 21)),  # another
    ("Pacific/Kwajalein", date(1969, 9, 30)),  # a day that came twice
]
DAY = 24 * 60


def one_of(*values):
    return st.sampled_from(values)


def as_span(start, length, step):
    """An interval of one day, which may run over midnight."""
    start -= start % step
    return start, start + max(step, length - length % step)


SPAN = st.builds(as_span, st.integers(0, DAY - 1), st.integers(1, DAY), one_of(60, 30, 5))
DAYS = st.integers(-3, 3)  # from the place's date
# From the window's begin, in minutes.
STAYS = st.lists(st.tuples(st.integers(-300, 2 * DAY), st.integers(1, 300)), max_size=8)
SCHEDULE = st.fixed_dictionaries(
    {
        "weekly": st.lists(st.lists(SPAN, min_size=1, max_size=2), min_size=7, max_size=7),
        "breaks": st.dictionaries(st.integers(0, 6), st.lists(SPAN, max_size=1), max_size=3),
        "overrides": st.dictionaries(DAYS, st.lists(SPAN, max_size=2), max_size=2),
        "blocked": st.lists(st.tuples(DAYS, st.integers(0, 2)), max_size=1),
        "interval_minutes": one_of(15, 30, 60),
        "buffer_minutes": one_of(0, 5, 60),
        "notice_minutes": one_of(0, 60, 24 * 60),
        "allows_same_day": st.booleans(),
        "window_days": one_of(60, 60, 58, 7),
        "max_per_day": one_of(None, None, None, 1),
        "max_per_week": one_of(None, None, None, 2),
    }
)
BUSY = st.fixed_dictionaries(
    {
        "mentor": STAYS,
        "student": STAYS,
        "sessions": st.lists(st.integers(-8 * DAY, 8 * DAY), max_size=6),
        "held": one_of(None, 15, 45),
    }
)
ASKED = st.fixed_dictionaries(
    {
        "begin": st.integers(-2 * DAY, DAY),
        "length": st.integers(DAY // 2, 3 * DAY),
        "days_ahead": one_of(1, 2, 6, 57, 0),
        "more_ahead": st.integers(-DAY // 2, DAY),
        "second": one_of(0, 1, 59),
        "duration": one_of(30, 60, 90, 120) | st.integers(1, 240),
        "lead_minutes": one_of(0, 4 * 60),
        "recheck": st.booleans(),
    }
)


def as_arguments(place, schedule, busy, asked):
    """Everything that `free_starts` is asked with."""
    zone, around = place
    middle = epoch_minute(datetime(around.year, around.month, around.day, tzinfo=UTC))
    begin = middle + asked["begin"]
    dated = {
        "weekly": dict(enumerate(schedule["weekly"])),
        "overrides": {around + timedelta(days=day): spans for day, spans in schedule["overrides"].items()},
        "blocked": [
            (around + timedelta(days=day), around + timedelta(days=day + more))
            for day, more in schedule["blocked"]
        ],
    }
    return {
        "schedule": Schedule(zone=ZoneInfo(zone), **schedule | dated),
        "busy": Busy(
            mentor=[(begin + start, begin + start + length) for start, length in busy["mentor"]],
            student=[(begin + start, begin + start + length) for start, length in busy["student"]],
            sessions=[middle + start for start in busy["sessions"]],
            held=range(middle - 4 * DAY, middle + 5 * DAY, busy["held"]) if busy["held"] else (),
        ),
        "window": (begin, begin + asked["length"]),
        "duration": asked["duration"],
        "now": from_epoch_minute(begin - asked["days_ahead"] * DAY - asked["more_ahead"])
        + timedelta(seconds=asked["second"]),
        "lead_minutes": asked["lead_minutes"],
        "recheck": asked["recheck"],
    }


PLACE = st.sampled_from(PLACES)
ASK = st.builds(as_arguments, PLACE, SCHEDULE, BUSY, ASKED)


@given(PLACE, SCHEDULE, BUSY, ASKED)
def test_free_starts_is_what_walking_the_minutes_finds(place, schedule, busy, asked):
    arguments = as_arguments(place, schedule, busy, asked)
    assert free_starts(**arguments) == bookable(**arguments, clock=WallClock(*place))


@given(ASK, st.integers(0, 3 * DAY), st.integers(1, DAY))
def test_free_starts_of_a_part_of_the_window_is_that_part_of_the_whole(arguments, skipped, length):
    first, last = arguments["window"]
    begin, end = min(first + skipped, last - 1), min(first + skipped + length, last)
    part = [found for found in free_starts(**arguments) if begin <= found[0] < end]
    assert free_starts(**arguments | {"window": (begin, end)}) == part


@given(ASK, st.lists(st.integers(0, DAY), max_size=3))
def test_refusal_is_none_exactly_for_what_is_listed_and_not_taken(arguments, tries):
    window = arguments["window"]
    listed = dict(free_starts(**arguments))
    del arguments["window"]
    for minute in [*list(listed)[:20], *(window[0] + each for each in tries if each < window[1] - window[0])]:
        refused = refusal(start=minute, **arguments)
        assert (refused is None) == (listed.get(minute) in (State.FREE, State.HELD))
        assert (refused is Refusal.TAKEN) == (listed.get(minute) is State.TAKEN)


# Examples, on a mentor in Kolkata who works Monday to Saturday from 9 to 17, asked on Wednesday at noon.

KOLKATA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 12, 2, 12, tzinfo=KOLKATA)
SUNDAY = {6: [(9 * 60, 17 * 60)]}
NOTHING = Busy()
OFFICE = Schedule(zone=KOLKATA, weekly={day: [(9 * 60, 17 * 60)] for day in range(6)}, interval_minutes=60)


def at(day, hour, minute=0, zone=KOLKATA, month=12, year=2026):
    return epoch_minute(datetime(year, month, day, hour, minute, tzinfo=zone))


def hours_on(day, schedule=OFFICE, busy=NOTHING, duration=60, now=NOW, state=None):
    """The hours at which sessions may start on a day of December."""
    found = free_starts(schedule, busy, (at(day, 0), at(day + 1, 0)), duration, now)
    return [(minute - at(day, 0)) / 60 for minute, each in found if state in (None, each)]


def test_free_starts_steps_through_the_day():
    assert hours_on(3) == [9, 10, 11, 12, 13, 14, 15, 16]
    assert hours_on(3, duration=90) == [9, 10, 11, 12, 13, 14, 15]
    assert hours_on(6) == []  # Sunday


def test_free_starts_begins_its_steps_anew_after_a_break():
    lunch = replace(OFFICE, breaks={3: [(12 * 60, 12 * 60 + 45)]})
    assert hours_on(3, lunch) == [9, 10, 11, 12.75, 13.75, 14.75, 15.75]


def test_free_starts_strikes_out_what_is_taken_with_the_new_sessions_buffer():
    schedule = replace(OFFICE, buffer_minutes=15)
    busy = Busy(mentor=[(at(3, 12), at(3, 13))])
    assert hours_on(3, schedule, busy, state=State.TAKEN) == [11, 12]


def test_free_starts_needs_no_buffer_before_the_students_next_session():
    schedule = replace(OFFICE, buffer_minutes=15)
    busy = Busy(student=[(at(3, 12), at(3, 13))])
    assert hours_on(3, schedule, busy, state=State.TAKEN) == [12]


def test_free_starts_tells_what_the_student_holds():
    assert hours_on(3, busy=Busy(held=[at(3, 10)]), state=State.HELD) == [10]


def test_a_session_may_run_from_one_interval_into_the_next_over_midnight():
    night = replace(OFFICE, weekly={3: [(22 * 60, DAY)], 4: [(0, 2 * 60)]})
    assert hours_on(3, night, duration=120) == [22, 23]
    assert hours_on(4, night, duration=120) == [0]


def test_an_override_replaces_hours_and_breaks_of_its_date():
    schedule = replace(
        OFFICE, breaks={3: [(10 * 60, 12 * 60)]}, overrides={date(2026, 12, 3): [(10 * 60, 12 * 60)]}
    )
    assert hours_on(3, schedule) == [10, 11]
    assert hours_on(10, schedule) == [9, 12, 13, 14, 15, 16]


def test_a_blocked_date_closes_what_runs_into_it():
    schedule = replace(
        OFFICE, weekly={2: [(22 * 60, 26 * 60)]}, blocked=[(date(2026, 12, 10), date(2026, 12, 11))]
    )
    assert hours_on(9, schedule) == [22, 23]
    assert hours_on(10, schedule) == []


def test_a_day_off_closes_the_small_hours_of_the_shift_that_began_on_it():
    night = replace(OFFICE, weekly={1: [(22 * 60, 26 * 60)]})
    tuesday = date(2026, 12, 8)
    assert hours_on(9, night) == [0, 1]
    assert hours_on(9, replace(night, blocked=[(tuesday, tuesday)])) == []


def test_a_break_over_midnight_moves_the_steps_as_far_as_the_night_after():
    schedule = replace(OFFICE, weekly={1: [(60, DAY + 30)]}, breaks={0: [(23 * 60, DAY + 90)]})
    assert hours_on(8, schedule, duration=30) == [1.5 + hour for hour in range(23)]
    assert hours_on(9, schedule, duration=30) == []


def test_the_window_ends_with_the_sixtieth_day_of_the_mentors_calendar():
    every_day = replace(OFFICE, weekly={day: [(0, DAY)] for day in range(7)})
    _, last = bookable_range(every_day, NOW)
    assert from_epoch_minute(last).astimezone(KOLKATA) == datetime(2027, 2, 1, tzinfo=KOLKATA)  # 60 is 31 Jan
    assert refusal(every_day, NOTHING, last - 60, 60, NOW) is None
    assert refusal(every_day, NOTHING, last, 60, NOW) is Refusal.WINDOW


@pytest.mark.parametrize(
    ("changes", "busy", "start", "refused"),
    [
        ({}, NOTHING, at(3, 9), None),
        ({}, NOTHING, at(2, 12), Refusal.PAST),
        ({}, NOTHING, at(2, 15), Refusal.FROM_TOMORROW),
        ({"allows_same_day": True}, NOTHING, at(2, 13), None),
        ({"allows_same_day": True, "notice_minutes": 120}, NOTHING, at(2, 13), Refusal.NOTICE),
        ({"notice_minutes": 24 * 60}, NOTHING, at(3, 11), Refusal.NOTICE),
        ({"notice_minutes": 24 * 60}, NOTHING, at(3, 12), None),
        ({"window_days": 7}, NOTHING, at(9, 9), None),
        ({"window_days": 7}, NOTHING, at(10, 9), Refusal.WINDOW),
        ({}, NOTHING, at(3, 9, 30), Refusal.CLOSED),
        ({}, NOTHING, at(3, 17), Refusal.CLOSED),
        ({"max_per_day": 1}, Busy(sessions=[at(3, 16)]), at(3, 9), Refusal.DAY_FULL),
        ({"max_per_day": 1}, Busy(sessions=[at(3, 16)]), at(4, 9), None),
        ({"max_per_week": 2}, Busy(sessions=[at(3, 16), at(4, 16)]), at(5, 9), Refusal.WEEK_FULL),
        ({"max_per_week": 2}, Busy(sessions=[at(3, 16), at(4, 16)]), at(7, 9), None),
        ({"max_per_week": 1, "weekly": SUNDAY}, Busy(sessions=[at(3, 16)]), at(6, 9), Refusal.WEEK_FULL),
        ({"max_per_week": 1, "weekly": SUNDAY}, Busy(sessions=[at(7, 0)]), at(6, 9), None),
        ({}, Busy(mentor=[(at(3, 9), at(3, 10))]), at(3, 9), Refusal.TAKEN),
        ({}, Busy(student=[(at(3, 9, 59), at(3, 11))]), at(3, 9), Refusal.TAKEN),
        ({}, Busy(held=[at(3, 9)]), at(3, 9), None),
    ],
)
def test_refusal_names_the_rule(changes, busy, start, refused):
    assert refusal(replace(OFFICE, **changes), busy, start, 60, NOW) is refused


def why(first, last, busy=NOTHING, **changes):
    """Why nothing is free from the start of one day of December to the start of another."""
    return why_none(replace(OFFICE, **changes), busy, (at(first, 0), at(last, 0)), 60, NOW)


ALL_DAY_THURSDAY = Busy(mentor=[(at(3, 9), at(3, 17))])


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (why(3, 4), None),
        (why(6, 7), Refusal.CLOSED),  # a Sunday
        (why(3, 5, weekly={}), Refusal.CLOSED),
        (why(3, 4, blocked=[(date(2026, 12, 3), date(2026, 12, 3))]), Refusal.CLOSED),
        (why(1, 2), Refusal.PAST),
        (why(2, 3), Refusal.FROM_TOMORROW),
        (why(2, 4, notice_minutes=72 * 60), Refusal.NOTICE),
        (why(2, 3, allows_same_day=True), None),
        (why(2, 3, allows_same_day=True, notice_minutes=5 * 60), Refusal.NOTICE),
        (why(10, 12, window_days=7), Refusal.WINDOW),
        (why(9, 12, window_days=7), None),
        (why(3, 4, ALL_DAY_THURSDAY), Refusal.TAKEN),
        (why(3, 5, ALL_DAY_THURSDAY), None),
        (why(3, 4, Busy(held=[at(3, 9)], mentor=[(at(3, 10), at(3, 17))])), None),
        (why(3, 4, Busy(sessions=[at(3, 9)]), max_per_day=1), Refusal.DAY_FULL),
        (why(3, 5, Busy(sessions=[at(3, 9), at(4, 9)]), max_per_week=2), Refusal.WEEK_FULL),
        (why(4, 5, Busy(sessions=[at(3, 9), at(3, 12)]), max_per_day=2, max_per_week=2), Refusal.WEEK_FULL),
    ],
)
def test_why_none_names_the_rule(found, rule):
    assert found is rule


@given(ASK)
def test_why_none_is_silent_exactly_when_something_is_free(arguments):
    if arguments.pop("recheck"):
        return
    free = any(state is not State.TAKEN for _, state in free_starts(**arguments))
    assert (why_none(**arguments) is None) == free


def test_notice_counts_from_the_second_on():
    schedule = replace(OFFICE, allows_same_day=True, notice_minutes=60)
    assert refusal(schedule, NOTHING, at(2, 13), 60, NOW) is None
    assert refusal(schedule, NOTHING, at(2, 13), 60, NOW + timedelta(seconds=1)) is Refusal.NOTICE


def test_a_lead_of_the_session_type_counts_when_it_is_longer_than_the_mentors_notice():
    schedule = replace(OFFICE, allows_same_day=True, notice_minutes=60)
    assert refusal(schedule, NOTHING, at(2, 15), 60, NOW, lead_minutes=4 * 60) is Refusal.NOTICE
    assert refusal(schedule, NOTHING, at(2, 16), 60, NOW, lead_minutes=4 * 60) is None


def test_recheck_forgets_notice_tomorrow_and_window_but_nothing_else():
    strict = replace(OFFICE, notice_minutes=24 * 60, window_days=1, max_per_day=1)

    def rechecked(start, busy=NOTHING):
        return refusal(strict, busy, start, 60, NOW, recheck=True)

    assert [rechecked(at(2, 13)), rechecked(at(3, 9)), rechecked(at(19, 9))] == [None, None, None]
    assert rechecked(at(2, 12)) is Refusal.PAST
    assert rechecked(at(2, 18)) is Refusal.CLOSED
    assert rechecked(at(2, 13), Busy(mentor=[(at(2, 13), at(2, 14))])) is Refusal.TAKEN
    assert rechecked(at(2, 13), Busy(sessions=[at(2, 16)])) is Refusal.DAY_FULL


def test_a_session_in_the_night_that_clocks_go_forward_lasts_as_long_as_it_says():
    new_york = ZoneInfo("America/New_York")
    night = Schedule(zone=new_york, weekly={6: [(60, 4 * 60)]}, interval_minutes=30)
    now, window = (
        datetime(2027, 3, 1, tzinfo=UTC),
        (at(14, 0, 0, new_york, 3, 2027), at(15, 0, 0, new_york, 3, 2027)),
    )
    starts = [minute for minute, _ in free_starts(night, NOTHING, window, 60, now)]
    walls = [f"{from_epoch_minute(minute).astimezone(new_york):%H:%M}" for minute in starts]
    assert walls == ["01:00", "01:30", "03:00"]


def test_the_hour_that_comes_twice_is_open_twice():
    new_york = ZoneInfo("America/New_York")
    night = Schedule(zone=new_york, weekly={6: [(60, 3 * 60)]}, interval_minutes=60)
    now, window = (
        datetime(2027, 11, 1, tzinfo=UTC),
        (at(7, 0, 0, new_york, 11, 2027), at(8, 0, 0, new_york, 11, 2027)),
    )
    walls = [
        f"{from_epoch_minute(minute).astimezone(new_york):%H:%M %Z}"
        for minute, _ in free_starts(night, NOTHING, window, 60, now)
    ]
    assert walls == ["01:00 EDT", "01:00 EST", "02:00 EST"]


def test_a_date_that_a_zone_skipped_has_no_hours_and_gives_none_to_the_next():
    apia = ZoneInfo("Pacific/Apia")  # from Thursday 29 to Saturday 31 December 2011
    schedule = Schedule(
        zone=apia, weekly={4: [(9 * 60, 12 * 60)], 5: [(15 * 60, 16 * 60)]}, interval_minutes=60
    )
    now = datetime(2011, 12, 27, tzinfo=UTC)
    window = (epoch_minute(now), epoch_minute(now) + 6 * DAY)
    starts = [
        from_epoch_minute(minute).astimezone(apia)
        for minute, _ in free_starts(schedule, NOTHING, window, 60, now)
    ]
    assert [f"{start:%a %d %H:%M}" for start in starts] == ["Sat 31 15:00"]


def test_nearest_is_the_three_closest_that_are_not_taken_in_order():
    starts = [(600, State.FREE), (660, State.TAKEN), (720, State.HELD), (780, State.FREE), (960, State.FREE)]
    assert nearest(starts, 700) == [600, 720, 780]
    assert nearest(starts, 5_000, count=2) == [780, 960]
    assert nearest(starts, 690, count=1) == [720]
    assert nearest([], 700) == []
