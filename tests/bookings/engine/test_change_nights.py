"""Nights on which clocks change, and dates that a zone skipped or had twice, through the whole engine.

Each row: the mentor's zone, a date there, its hours, and every hour-long session that may start then, as the
mentor's wall clock reads its start and its end. A session is an hour long whatever the clock does meanwhile.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.engine.slots import Busy, by_date, free_starts
from lib.clock import hours_of_day, minute_labels
from lib.wallclock import DAY_MINUTES, epoch_minute, from_epoch_minute
from mentors.availability import Schedule

NEW_YORK, LONDON, SYDNEY = "America/New_York", "Europe/London", "Australia/Sydney"
LORD_HOWE, SANTIAGO, CASABLANCA = "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"
APIA, KWAJALEIN = "Pacific/Apia", "Pacific/Kwajalein"

NIGHTS = [
    # Forward at 2:00: an hour is missing, and hours within it are later by that.
    (NEW_YORK, date(2027, 3, 14), "00:00-05:00", ["00-01", "01-03", "03-04", "04-05"]),
    (NEW_YORK, date(2027, 3, 14), "02:00-04:00", ["03-04"]),
    (NEW_YORK, date(2027, 3, 14), "02:00-03:00", []),
    (NEW_YORK, date(2027, 3, 13), "22:00-04:00", ["22-23", "23-00", "00-01", "01-03", "03-04"]),
    # Back at 2:00: from one to two comes twice, and hours mean the first time.
    (NEW_YORK, date(2026, 11, 1), "00:00-03:00", ["00-01", "01-01", "01-02", "02-03"]),
    (NEW_YORK, date(2026, 11, 1), "01:00-02:00", ["01-01", "01-02"]),
    (NEW_YORK, date(2026, 11, 1), "00:00-01:00", ["00-01"]),
    (LONDON, date(2027, 3, 28), "00:00-04:00", ["00-02", "02-03", "03-04"]),
    (LONDON, date(2027, 3, 28), "01:00-03:00", ["02-03"]),
    (LONDON, date(2026, 10, 25), "00:00-03:00", ["00-01", "01-01", "01-02", "02-03"]),
    (SYDNEY, date(2026, 10, 4), "01:00-04:00", ["01-03", "03-04"]),
    (SYDNEY, date(2027, 4, 4), "01:00-04:00", ["01-02", "02-02", "02-03", "03-04"]),
    # By half an hour.
    (LORD_HOWE, date(2026, 10, 4), "01:00-05:00", ["01:00-02:30", "02:30-03:30", "03:30-04:30"]),
    (LORD_HOWE, date(2026, 10, 4), "02:00-04:00", ["02:30-03:30"]),
    (LORD_HOWE, date(2027, 4, 4), "01:00-03:00", ["01:00-01:30", "01:30-02:30"]),
    # At midnight: the day begins at one, and the day before ends at midnight for the second time.
    (SANTIAGO, date(2026, 9, 6), "00:00-03:00", ["01-02", "02-03"]),
    (SANTIAGO, date(2026, 9, 5), "22:00-02:00", ["22-23", "23-01", "01-02"]),
    (SANTIAGO, date(2027, 4, 3), "22:00-00:00", ["22-23", "23-23", "23-00"]),
    (SANTIAGO, date(2027, 4, 4), "00:00-02:00", ["00-01", "01-02"]),
    # Back for Ramadan, forward after it.
    (CASABLANCA, date(2027, 2, 7), "01:00-04:00", ["01-02", "02-02", "02-03", "03-04"]),
    (CASABLANCA, date(2027, 3, 14), "01:00-04:00", ["01-03", "03-04"]),
    # Dates that were skipped have no hours, and the dates around them their own.
    (APIA, date(2011, 12, 29), "22:00-02:00", ["22-23", "23-00", "00-01", "01-02"]),
    (APIA, date(2011, 12, 30), "09:00-12:00", []),
    (APIA, date(2011, 12, 31), "09:00-11:00", ["09-10", "10-11"]),
    (KWAJALEIN, date(1993, 8, 20), "22:00-00:00", ["22-23", "23-00"]),
    (KWAJALEIN, date(1993, 8, 21), "09:00-12:00", []),
    (KWAJALEIN, date(1993, 8, 22), "09:00-11:00", ["09-10", "10-11"]),
    # A date that came twice, the second time from one o'clock on, is open the first time.
    (KWAJALEIN, date(1969, 9, 30), "09:00-11:00", ["09-10", "10-11"]),
    (KWAJALEIN, date(1969, 10, 1), "09:00-11:00", ["09-10", "10-11"]),
]


def minute_of(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def on_that_date_only(zone: str, day: date, hours: str) -> Schedule:
    start, end = (minute_of(clock) for clock in hours.split("-"))
    return Schedule(
        zone=ZoneInfo(zone),
        overrides={day: [(start, end if end > start else end + DAY_MINUTES)]},
        interval_minutes=60,
    )


def starts_around(schedule: Schedule, day: date, duration: int = 60) -> list[int]:
    midnight = epoch_minute(datetime(day.year, day.month, day.day, tzinfo=UTC))
    now = from_epoch_minute(midnight) - timedelta(days=10)
    window = (midnight - 3 * DAY_MINUTES, midnight + 4 * DAY_MINUTES)
    return [minute for minute, _ in free_starts(schedule, Busy(), window, duration, now)]


def read(zone: str, minute: int, words: str) -> str:
    return f"{from_epoch_minute(minute).astimezone(ZoneInfo(zone)):{words}}"


@pytest.mark.parametrize(("zone", "day", "hours", "sessions"), NIGHTS)
def test_the_hours_of_a_night_hold_sessions_of_an_hour(zone, day, hours, sessions) -> None:
    starts = starts_around(on_that_date_only(zone, day, hours), day)
    words = "%H:%M" if ":" in "".join(sessions) else "%H"
    assert [f"{read(zone, at, words)}-{read(zone, at + 60, words)}" for at in starts] == sessions


@pytest.mark.parametrize(("zone", "day", "hours", "sessions"), NIGHTS)
def test_a_day_off_leaves_nothing_of_the_night_that_began_on_it(zone, day, hours, sessions) -> None:
    schedule = replace(on_that_date_only(zone, day, hours), blocked=[(day, day)])
    assert starts_around(schedule, day) == []


@pytest.mark.parametrize("minutes", [30, 60, 90, 120])
@pytest.mark.parametrize(("zone", "day", "hours", "sessions"), NIGHTS)
def test_sessions_of_every_length_end_before_the_hours_do(zone, day, hours, sessions, minutes) -> None:
    """In real minutes: a start is offered when the last minute of the session is an open one."""
    starts = starts_around(on_that_date_only(zone, day, hours), day, minutes)
    steps = starts_around(on_that_date_only(zone, day, hours), day, 1)
    every_minute = replace(on_that_date_only(zone, day, hours), interval_minutes=1)
    opened = set(starts_around(every_minute, day, 1))
    assert starts == [start for start in steps if start + minutes - 1 in opened]


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    schedule = on_that_date_only(NEW_YORK, date(2026, 11, 1), "00:00-03:00")
    starts = [(minute, "free") for minute in starts_around(schedule, date(2026, 11, 1))]
    labels = {day: [label for _, _, label in slots] for day, slots in by_date(starts, schedule.zone).items()}
    assert labels == {date(2026, 11, 1): ["12:00 am", "1:00 am (GMT-4)", "1:00 am (GMT-5)", "2:00 am"]}


def test_a_date_that_came_twice_is_one_date_for_its_reader() -> None:
    """Noon in New York, read in Kwajalein: the thirtieth of September 1969 holds two of them."""
    schedule = Schedule(
        zone=ZoneInfo(NEW_YORK), weekly={day: [(12 * 60, 13 * 60)] for day in range(7)}, interval_minutes=60
    )
    starts = [(minute, "free") for minute in starts_around(schedule, date(1969, 9, 30))]
    days = by_date(starts, ZoneInfo(KWAJALEIN))
    assert sum(map(len, days.values())) == len(starts) == 7
    assert all(label.split(" (")[0] in minute_labels() for slots in days.values() for _, _, label in slots)


@pytest.mark.parametrize(
    ("viewer", "dates"),
    [
        ("Asia/Kolkata", ["Tue 15 03:00", "Tue 15 04:00"]),
        ("America/Los_Angeles", ["Mon 14 13:30", "Mon 14 14:30"]),
        ("Pacific/Auckland", ["Tue 15 10:30", "Tue 15 11:30"]),
    ],
)
def test_starts_are_under_the_dates_of_whoever_reads_them(viewer, dates) -> None:
    """A mentor in New York works on Monday 14 December from 16:30 to 18:30."""
    schedule = on_that_date_only(NEW_YORK, date(2026, 12, 14), "16:30-18:30")
    starts = [(minute, "free") for minute in starts_around(schedule, date(2026, 12, 14))]
    with hours_of_day(24):
        days = by_date(starts, ZoneInfo(viewer))
    found = [f"{day:%a %d} {label}" for day, slots in days.items() for _, _, label in slots]
    assert found == dates
