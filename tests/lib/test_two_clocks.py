"""The figure of two clocks: what is drawn where, on ordinary days and on those that clocks make longer or shorter."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from lib import two_clocks
from lib.two_clocks import Stretch, TwoClocks
from lib.wallclock import epoch_minute, from_epoch_minute, wall_clock
from lib.zones import zone_choices

ZONES = sorted(name for _, zones in zone_choices() for name, _ in zones)
HOUR = timedelta(hours=1)


def draw(mine: str, local: str, theirs: str, length: timedelta = HOUR) -> TwoClocks:
    """A session that starts at that time on the reader's clock."""
    zone = ZoneInfo(mine)
    starts_at = datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
    return two_clocks.draw(starts_at, starts_at + length, zone, ZoneInfo(theirs))


def hours(stretches: list[Stretch], day: int = 24) -> list[tuple[float, float]]:
    """From and until which hour of a day so long."""
    return [(round(each.x * day / 100, 2), round((each.x + each.width) * day / 100, 2)) for each in stretches]


def labels(ticks: list[two_clocks.Tick], day: int = 24) -> list[tuple[float, str]]:
    return [(round(tick.x * day / 100, 2), tick.label) for tick in ticks]


def test_session_in_kolkata_with_somebody_in_new_york() -> None:
    figure = draw("Asia/Kolkata", "2026-11-30T18:30", "America/New_York")
    assert hours([figure.session]) == [(18.5, 19.5)]
    assert hours(figure.my_nights) == [(0, 6), (22, 24)]
    assert labels(figure.my_ticks) == [(0, "12 am"), (6, "6 am"), (12, "noon"), (18, ""), (24, "12 am")]
    assert hours(figure.their_nights) == [(8.5, 16.5)]
    assert labels(figure.their_ticks) == [(4.5, "6 pm"), (10.5, "Mon 30"), (16.5, "6 am"), (22.5, "noon")]


def test_labels_at_the_ends_stay_within_the_strip() -> None:
    figure = draw("Asia/Kolkata", "2026-11-30T18:30", "Asia/Kathmandu")
    assert [tick.anchor for tick in figure.my_ticks] == ["start", "middle", "middle", "middle", "end"]
    assert labels(figure.their_ticks)[-1] == (23.75, "Tue 1")
    assert figure.their_ticks[-1].anchor == "end"


@pytest.mark.parametrize(
    ("local", "shown"),
    [("12:30", False), ("13:15", False), ("13:20", True), ("09:45", False), ("09:40", True)],
)
def test_a_label_leaves_an_hour_and_twenty_minutes_to_the_session(local: str, shown: bool) -> None:
    figure = draw("Asia/Kolkata", f"2026-11-30T{local}", "America/New_York")
    assert labels(figure.my_ticks)[2] == (12, "noon" if shown else "")


def test_session_past_midnight_ends_with_the_strip() -> None:
    figure = draw("Asia/Kolkata", "2026-11-30T23:30", "America/New_York", 2 * HOUR)
    assert hours([figure.session]) == [(23.5, 24)]
    assert round(figure.session.x + figure.session.width, 6) == 100


def test_spring_night_of_the_reader_is_a_day_of_23_hours() -> None:
    figure = draw("America/New_York", "2027-03-14T12:00", "Asia/Kolkata")
    assert hours([figure.session], 23) == [(11, 12)]
    assert hours(figure.my_nights, 23) == [(0, 5), (21, 23)]
    assert labels(figure.my_ticks, 23) == [(0, "12 am"), (5, "6 am"), (11, ""), (17, "6 pm"), (23, "12 am")]


def test_autumn_night_of_the_reader_is_a_day_of_25_hours() -> None:
    figure = draw("America/New_York", "2026-11-01T12:00", "Asia/Kolkata")
    assert hours(figure.my_nights, 25) == [(0, 7), (23, 25)]
    assert labels(figure.my_ticks, 25)[1] == (7, "6 am")


def test_their_clocks_change_within_the_readers_day() -> None:
    figure = draw("Asia/Kolkata", "2026-11-01T20:00", "America/New_York")
    assert hours(figure.their_nights) == [(7.5, 16.5)]
    assert labels(figure.their_ticks) == [(3.5, "6 pm"), (9.5, "Sun 1"), (16.5, "6 am"), (22.5, "noon")]


def test_half_an_hour_of_lord_howe() -> None:
    figure = draw("Australia/Lord_Howe", "2026-10-04T09:00", "Australia/Sydney")
    assert round(figure.session.x * 23.5 / 100, 2) == 8.5
    assert round((figure.my_nights[0].x + figure.my_nights[0].width) * 23.5 / 100, 2) == 5.5


def test_midnight_that_a_clock_change_skips_is_where_the_day_begins() -> None:
    figure = draw("America/Havana", "2027-03-14T12:00", "Europe/London")
    assert labels(figure.my_ticks, 23)[:2] == [(0, "1 am"), (5, "6 am")]
    assert hours(figure.my_nights, 23)[0] == (0, 5)


def test_midnight_that_comes_twice_is_marked_the_first_time() -> None:
    figure = draw("Europe/London", "2026-11-01T20:00", "America/Havana")
    assert labels(figure.their_ticks)[0] == (4, "Sun 1")
    assert hours(figure.their_nights) == [(2, 11)]


def test_a_date_that_samoa_left_out() -> None:
    figure = draw("Pacific/Honolulu", "2011-12-30T09:00", "Pacific/Apia")
    assert labels(figure.their_ticks) == [
        (0, "Sat 31"),
        (6, "6 am"),
        (12, "noon"),
        (18, "6 pm"),
        (24, "Sun 1"),
    ]


@given(
    mine=st.sampled_from(ZONES),
    theirs=st.sampled_from(ZONES),
    minute=st.integers(
        epoch_minute(datetime(2026, 1, 1, tzinfo=UTC)), epoch_minute(datetime(2036, 1, 1, tzinfo=UTC))
    ),
    length=st.sampled_from([15, 30, 60, 90, 120, 480]),
)
def test_figure_agrees_with_the_clocks_minute_by_minute(
    mine: str, theirs: str, minute: int, length: int
) -> None:
    """Oracle: read both clocks at every quarter of an hour of the reader's day."""
    starts_at = from_epoch_minute(minute)
    my_zone, their_zone = ZoneInfo(mine), ZoneInfo(theirs)
    figure = two_clocks.draw(starts_at, starts_at + timedelta(minutes=length), my_zone, their_zone)
    clock = wall_clock(my_zone, minute, minute)
    begins, ends = (clock.midnight(clock.day(minute) + day) for day in (0, 1))
    assert begins <= minute < ends
    assert figure.session.x >= 0
    assert 0 < figure.session.width <= 100.01 - figure.session.x
    for drawn, zone in ((figure.my_nights, my_zone), (figure.their_nights, their_zone)):
        for at in range(begins + 7, ends, 15):
            x = 100 * (at - begins) / (ends - begins)
            hour = from_epoch_minute(at).astimezone(zone).hour
            assert any(night.x <= x < night.x + night.width for night in drawn) == (hour >= 22 or hour < 6)
    for ticks in (figure.my_ticks, figure.their_ticks):
        assert 3 <= len(ticks) <= 5
        assert all(0 <= tick.x <= 100 for tick in ticks)
        assert all(later.x - earlier.x > 15 for earlier, later in itertools.pairwise(ticks))


def words(mine: str | None, theirs: str, at: str, **more: bool) -> str:
    tag = "{% load two_clocks %}{% two_clocks start end mine theirs 'Marcus' below_time=below %}"
    start = datetime.fromisoformat(at).astimezone(UTC)
    context = {
        "start": start,
        "end": start + HOUR,
        "mine": ZoneInfo(mine) if mine else None,
        "theirs": ZoneInfo(theirs),
        "below": more.get("below_time", False),
    }
    return Template(tag).render(Context(context))


def said(html: str) -> list[str]:
    """The lines that are read, without their tags."""
    lines = [line for line in html.splitlines() if '<p class="clocks__words">' in line]
    return [Template("{{ line|striptags }}").render(Context({"line": line})).strip() for line in lines]


def test_both_clocks_are_said() -> None:
    html = words("Asia/Kolkata", "America/New_York", "2026-11-30T18:30+05:30")
    assert said(html) == [
        "6:30 pm to 7:30 pm for you in Kolkata",
        "8:00 am to 9:00 am for Marcus in New York",
    ]
    assert html.count("aria-hidden") == 1


@pytest.mark.parametrize(
    ("mine", "theirs", "at", "line"),
    [
        (
            "America/Los_Angeles",
            "Pacific/Auckland",
            "2026-11-30T09:00-08:00",
            "6:00 am to 7:00 am for Marcus in Auckland, the next day",
        ),
        (
            "Pacific/Auckland",
            "America/Los_Angeles",
            "2026-11-30T09:00+13:00",
            "12:00 pm to 1:00 pm for Marcus in Los Angeles, the day before",
        ),
        (
            "America/Los_Angeles",
            "Asia/Kolkata",
            "2026-11-30T13:00-08:00",
            "2:30 am to 3:30 am for Marcus in Kolkata, the next day, night there",
        ),
        (
            "Asia/Kolkata",
            "Asia/Kathmandu",
            "2026-11-30T21:15+05:30",
            "9:30 pm to 10:30 pm for Marcus in Kathmandu, night there",
        ),
    ],
)
def test_another_date_and_the_night_are_said(mine: str, theirs: str, at: str, line: str) -> None:
    assert said(words(mine, theirs, at))[1] == line


def test_below_a_large_time_the_readers_own_is_not_said_again() -> None:
    html = words("Asia/Kolkata", "America/New_York", "2026-11-30T18:30+05:30", below_time=True)
    assert said(html)[0] == "for you in Kolkata"


def test_one_line_where_the_clocks_agree() -> None:
    html = words("Asia/Kolkata", "Asia/Colombo", "2026-11-30T18:30+05:30")
    assert said(html) == ["Kolkata time, the same for Marcus"]
    assert "<svg" not in html


def test_nothing_is_said_of_a_reader_whose_zone_is_unknown() -> None:
    assert said(words(None, "Asia/Kolkata", "2026-11-30T18:30+05:30")) == ["Kolkata time, where Marcus is"]


def test_clocks_that_differ_only_at_the_session_are_both_drawn() -> None:
    """Phoenix has no summer time, Denver has."""
    at = datetime(2030, 7, 1, 12, tzinfo=UTC)
    winter = datetime(2030, 1, 1, 12, tzinfo=UTC)
    zones = ZoneInfo("America/Phoenix"), ZoneInfo("America/Denver")
    assert two_clocks.differ(*zones, at, winter)
    assert two_clocks.differ(*zones, at)
    assert not two_clocks.differ(*zones, winter)
