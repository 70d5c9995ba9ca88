from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import clock

KOLKATA, KATHMANDU = ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Kathmandu")
BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
NEW_YORK, SYDNEY = ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
ST_JOHNS, LORD_HOWE = ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("minute", "words"),
    [
        (0, "12:00 am"),
        (5, "12:05 am"),
        (545, "9:05 am"),
        (719, "11:59 am"),
        (720, "12:00 pm"),
        (1439, "11:59 pm"),
    ],
)
def test_minute_of_the_day_reads_on_a_twelve_hour_clock(minute: int, words: str) -> None:
    assert clock.format_minute(minute) == words


def test_times_on_a_clock_of_24_hours() -> None:
    at = utc(2026, 12, 9, 13, 5)
    with clock.hours_of_day(24):
        assert clock.format_minute(5) == "00:05"
        assert clock.format_range(at, utc(2026, 12, 9, 14, 5), KOLKATA) == "18:35 to 19:35"
        assert clock.format_moment(at, KOLKATA) == "Wednesday 9 December 2026, 18:35"
        assert [clock.format_axis_hour(hour) for hour in (0, 6, 12)] == ["00:00", "06:00", "12:00"]
        with clock.hours_of_day(12):
            assert clock.format_time(at, KOLKATA) == "6:35 pm"
        assert clock.minute_labels()[1439] == "23:59"
    assert clock.minute_labels()[1439] == "11:59 pm"


@pytest.mark.parametrize(
    ("languages", "hours"),
    [
        (["en"], 12),
        (["en-us"], 12),
        (["en-in"], 12),
        (["hi"], 12),
        (["en-gb"], 24),
        (["de"], 24),
        (["fr-ca"], 24),
        (["zh-hans-cn"], 24),
        (["xx", "de-at", "en-us"], 24),
        (["*"], None),
        (["", "-", "x" * 300], None),
        ([], None),
    ],
)
def test_hours_are_those_of_the_first_language_that_is_known(languages: list[str], hours: int | None) -> None:
    assert clock.hours_in_languages(languages) == hours


def test_time_is_the_zones_wall_clock() -> None:
    at = utc(2026, 12, 9, 5, 30)
    assert [clock.format_time(at, zone) for zone in (KOLKATA, KATHMANDU, BERLIN, NEW_YORK)] == [
        "11:00 am",
        "11:15 am",
        "6:30 am",
        "12:30 am",
    ]


@pytest.mark.parametrize(
    ("zone", "month", "offset"),
    [
        (KOLKATA, 12, "GMT+5:30"),
        (KATHMANDU, 12, "GMT+5:45"),
        (LONDON, 12, "GMT"),
        (LONDON, 7, "GMT+1"),
        (NEW_YORK, 12, "GMT-5"),
        (ST_JOHNS, 12, "GMT-3:30"),
        (SYDNEY, 12, "GMT+11"),
        (SYDNEY, 7, "GMT+10"),
    ],
)
def test_offset_is_that_of_the_instant(zone: ZoneInfo, month: int, offset: str) -> None:
    assert clock.format_offset(utc(2026, month, 1), zone) == offset


def test_zone_reads_as_a_name_and_an_offset() -> None:
    assert clock.format_zone(NEW_YORK, utc(2026, 7, 1)) == "America/New York (GMT-4)"


def test_dates_and_moments_are_spelled_out() -> None:
    assert clock.format_date(date(2026, 12, 9)) == "Wednesday 9 December 2026"
    assert clock.format_short_date(date(2026, 12, 9)) == "Wed 9 Dec"
    assert clock.format_day(date(2026, 12, 9)) == "9 Dec 2026"
    assert clock.format_month(date(2026, 12, 9)) == "December 2026"
    assert clock.format_moment(utc(2026, 12, 8, 20), KOLKATA) == "Wednesday 9 December 2026, 1:30 am"


def test_range_names_both_ends() -> None:
    assert (
        clock.format_range(utc(2026, 12, 9, 5, 30), utc(2026, 12, 9, 6, 30), KOLKATA)
        == "11:00 am to 12:00 pm"
    )


def test_range_over_the_hour_that_happens_twice_says_what_the_clock_says() -> None:
    starts_at, ends_at = utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)
    assert clock.format_range(starts_at, ends_at, BERLIN) == "2:30 am to 2:30 am"


def test_other_clock_names_the_date_only_when_it_is_another() -> None:
    at = utc(2026, 12, 9, 2)
    assert clock.format_other_clock(at, mine=KOLKATA, theirs=BERLIN) == "3:00 am"
    assert clock.format_other_clock(at, mine=KOLKATA, theirs=NEW_YORK) == "9:00 pm on Tue 8 Dec"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (15, "15 minutes"),
        (30, "30 minutes"),
        (60, "1 hour"),
        (75, "75 minutes"),
        (90, "1 hour 30 minutes"),
        (120, "2 hours"),
    ],
)
def test_duration_reads_in_hours_where_that_is_plainer(minutes: int, words: str) -> None:
    assert clock.format_duration(minutes) == words


@pytest.mark.parametrize(
    ("zone", "now", "starts_at", "says"),
    [
        (BERLIN, utc(2027, 3, 20), utc(2027, 3, 29), "Clocks in Europe/Berlin go forward by 1 hour"),
        (NEW_YORK, utc(2026, 10, 30), utc(2026, 11, 3), "Clocks in America/New York go back by 1 hour"),
        (SYDNEY, utc(2026, 10, 1), utc(2026, 10, 6), "Clocks in Australia/Sydney go forward by 1 hour"),
        (
            LORD_HOWE,
            utc(2026, 10, 1),
            utc(2026, 10, 6),
            "Clocks in Australia/Lord Howe go forward by 30 minutes",
        ),
    ],
)
def test_clock_change_before_the_session_is_noted(
    zone: ZoneInfo, now: datetime, starts_at: datetime, says: str
) -> None:
    assert clock.clock_change_note(zone, now, starts_at).startswith(says)


def test_clock_change_that_is_over_or_undone_by_then_is_not_noted() -> None:
    assert clock.clock_change_note(BERLIN, utc(2027, 3, 29), utc(2027, 4, 10)) == ""
    assert clock.clock_change_note(BERLIN, utc(2026, 12, 1), utc(2027, 12, 1)) == ""
    assert clock.clock_change_note(KOLKATA, utc(2026, 1, 1), utc(2026, 7, 1)) == ""


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_instant_in_a_url_comes_back(naive: datetime) -> None:
    at = naive.replace(second=0, microsecond=0, tzinfo=UTC)
    assert clock.from_param(clock.to_param(at)) == at


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "2026-12-09",
        "2026-12-09T05:30",
        "2026-12-09T05:30+01:00",
        "2026-13-01T00:00Z",
        "٢٠٢٦-12-09T05:30Z",
        "9999-12-31T23:59Z",
        "0001-01-01T00:00Z",
        "x" * 9999,
    ],
)
def test_junk_in_a_url_is_no_instant(junk: str) -> None:
    assert clock.from_param(junk) is None
