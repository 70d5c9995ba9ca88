"""Hours and sessions as they stand in the seven columns of the coming week."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.week_ahead import HOUR_PIXELS, Kind, Session, WeekAhead, draw_week
from lib.wallclock import epoch_minute

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 12, 2, 12, tzinfo=KOLKATA)  # a Wednesday


def at(day: int, hour: int, minute: int = 0, zone: ZoneInfo = KOLKATA, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=zone).astimezone(UTC)


def hours(*spans: tuple[datetime, datetime]) -> list[tuple[int, int]]:
    return [(epoch_minute(start), epoch_minute(stop)) for start, stop in spans]


def session(start: datetime, minutes: int = 60, *, is_asked: bool = False) -> Session:
    return Session(
        start, start + timedelta(minutes=minutes), is_asked, "Career Guidance", "Arjun", "/sessions/X/"
    )


def drawn(week: WeekAhead) -> list[tuple[int, Kind, int, int, str]]:
    """Date, kind, from and until which pixel, label."""
    return [
        (day.date.day, each.kind, each.top, each.top + each.height, each.label)
        for day in week.days
        for each in day.blocks
    ]


def test_an_empty_week_is_eight_to_eight() -> None:
    week = draw_week([], [], KOLKATA, NOON)
    assert [day.date.day for day in week.days] == [2, 3, 4, 5, 6, 7, 8]
    assert week.height == 12 * HOUR_PIXELS
    assert [(mark.top // HOUR_PIXELS, mark.label) for mark in week.marks] == [
        (1, "9 am"),
        (4, "noon"),
        (7, "3 pm"),
        (10, "6 pm"),
    ]
    assert week.words == "no sessions, no open hours"


def test_hours_and_sessions_stand_where_the_clock_says() -> None:
    week = draw_week(
        hours((at(2, 9), at(2, 17)), (at(3, 9), at(3, 17))),
        [session(at(3, 10)), session(at(3, 11), 30), session(at(4, 16), is_asked=True)],
        KOLKATA,
        NOON,
    )
    assert drawn(week) == [
        (2, Kind.OPEN, 96, 216, ""),  # the morning is over
        (3, Kind.OPEN, 24, 216, ""),
        (3, Kind.BOOKED, 48, 71, "10:00"),
        (3, Kind.BOOKED, 72, 83, "11:00"),
        (4, Kind.ASKED, 192, 215, "4:00"),
    ]
    assert week.words == "2 sessions, 1 request, 1 h 30 of 13 h booked"


def test_early_and_late_hours_make_room() -> None:
    week = draw_week(hours((at(3, 6, 30), at(3, 22, 15))), [], KOLKATA, NOON)
    assert week.height == (23 - 6) * HOUR_PIXELS
    assert drawn(week) == [(3, Kind.OPEN, 12, 390, "")]


def test_what_runs_over_midnight_is_in_both_columns_with_its_start_in_the_first() -> None:
    found = drawn(draw_week([], [session(at(3, 23), 120)], KOLKATA, NOON))
    assert found == [(3, Kind.BOOKED, 23 * 24, 24 * 24 - 1, "11:00"), (4, Kind.BOOKED, 0, 23, "")]


def test_on_another_clock_the_columns_are_that_clocks_days() -> None:
    found = drawn(draw_week([], [session(at(3, 2))], BERLIN, NOON))
    assert found == [(2, Kind.BOOKED, (21 * 60 + 30 - 8 * 60) * 24 // 60, 347, "9:30")]


def test_beyond_the_seven_days_nothing_is_drawn_or_counted() -> None:
    week = draw_week(hours((at(8, 20), at(9, 4))), [session(at(9, 0))], KOLKATA, NOON)
    assert [(day, kind) for day, kind, *_ in drawn(week)] == [(8, Kind.OPEN)]
    assert week.words == "no sessions, 0 h of 4 h booked"
    assert week.sessions == []


def test_the_night_on_which_clocks_go_back_is_drawn_by_the_clock_and_counted_by_the_hour() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    night = [(at(25, 0, zone=BERLIN, month=10), at(25, 4, zone=BERLIN, month=10))]
    # From half past two to half past two.
    twice = session(at(25, 2, 30, zone=BERLIN, month=10))
    week = draw_week(hours(*night), [twice], BERLIN, now)
    assert drawn(week) == [(25, Kind.OPEN, 0, 96, ""), (25, Kind.BOOKED, 60, 71, "2:30")]
    assert week.words == "1 session, 1 h of 5 h booked"


def test_the_night_on_which_clocks_go_forward() -> None:
    now = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    night = [(at(29, 0, zone=BERLIN, month=3), at(29, 4, zone=BERLIN, month=3))]
    week = draw_week(hours(*night), [], BERLIN, now)
    assert drawn(week) == [(29, Kind.OPEN, 0, 96, "")]
    assert week.words == "no sessions, 0 h of 3 h booked"
