"""A mentor's next seven days as a picture: pure, in pixels down a column for each day.

The wall clock of one zone says where a thing stands; instants are whole minutes (`lib.wallclock`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from lib.clock import format_axis_hour, format_short_weekday, format_time
from lib.intervals import Interval, merge
from lib.wallclock import DAY_MINUTES, WallClock, date_of, epoch_minute, wall_clock

DAYS = 7
HOUR_PIXELS = 24  # half an hour has room for its start in 12 px
FIRST_HOUR, LAST_HOUR = 8, 20  # shown always; more where something is
LABEL_EVERY = 3
# What a session takes of a column when clocks go back within it.
LEAST_MINUTES = 30


class Kind(StrEnum):
    OPEN = "open"
    BOOKED = "booked"
    ASKED = "asked"


@dataclass(frozen=True)
class Session:
    """What stands in the week: agreed, or asked for."""

    starts_at: datetime
    ends_at: datetime
    is_asked: bool
    name: str
    student: str
    url: str


@dataclass(frozen=True)
class Block:
    """`label` is the start, in the column in which it begins."""

    kind: Kind
    top: int
    height: int
    label: str = ""
    url: str = ""


@dataclass(frozen=True)
class Day:
    date: date
    blocks: list[Block]

    @property
    def weekday(self) -> str:
        return format_short_weekday(self.date)


@dataclass(frozen=True)
class Mark:
    top: int
    label: str


@dataclass(frozen=True)
class WeekAhead:
    """`sessions` are those that are drawn."""

    days: list[Day]
    sessions: list[Session]
    marks: list[Mark]
    height: int
    words: str


@dataclass(frozen=True)
class _Piece:
    """A part of something on one day, in minutes of that day's wall clock."""

    day: int
    kind: Kind
    start: int
    stop: int
    session: Session | None = None
    is_first: bool = True


def draw_week(
    openings: Iterable[Interval], sessions: Sequence[Session], zone: ZoneInfo, now: datetime
) -> WeekAhead:
    """From today on by that zone's calendar. What is over is not drawn and does not count."""
    present = epoch_minute(now)
    clock = wall_clock(zone, present, present + (DAYS + 1) * DAY_MINUTES)
    today = clock.day(present)
    end = clock.midnight(today + DAYS)
    hours = [
        (max(start, present), min(stop, end))
        for start, stop in merge(openings)
        if start < end and stop > present
    ]
    shown = [each for each in sessions if epoch_minute(each.starts_at) < end]
    pieces = [piece for span in hours for piece in _pieces(clock, today, span, Kind.OPEN)]
    for each in shown:
        span = (epoch_minute(each.starts_at), epoch_minute(each.ends_at))
        pieces += _pieces(clock, today, span, Kind.ASKED if each.is_asked else Kind.BOOKED, each)
    first = min([FIRST_HOUR, *(piece.start // 60 for piece in pieces)])
    last = max([LAST_HOUR, *(-(-piece.stop // 60) for piece in pieces)])
    return WeekAhead(
        days=[
            Day(date_of(day), [_block(piece, first, zone) for piece in pieces if piece.day == day])
            for day in range(today, today + DAYS)
        ],
        sessions=shown,
        marks=[
            Mark((hour - first) * HOUR_PIXELS, format_axis_hour(hour))
            for hour in range(first, last)
            if hour % LABEL_EVERY == 0 and hour > first
        ],
        height=(last - first) * HOUR_PIXELS,
        words=_words(hours, shown),
    )


def _pieces(
    clock: WallClock, today: int, span: Interval, kind: Kind, session: Session | None = None
) -> list[_Piece]:
    """One for each of the seven days on which it is."""
    found = []
    for day in range(today, today + DAYS):
        start, stop = max(span[0], clock.midnight(day)), min(span[1], clock.midnight(day + 1))
        if start < stop:
            begins = clock.reading(start) - day * DAY_MINUTES
            reads = clock.reading(stop - 1) + 1 - day * DAY_MINUTES
            ends = min(max(reads, begins + min(LEAST_MINUTES, stop - start)), DAY_MINUTES)
            found.append(_Piece(day, kind, begins, ends, session, is_first=start == span[0]))
    return found


def _block(piece: _Piece, first_hour: int, zone: ZoneInfo) -> Block:
    top = (piece.start - first_hour * 60) * HOUR_PIXELS // 60
    height = (piece.stop - piece.start) * HOUR_PIXELS // 60
    if piece.session is None:
        return Block(piece.kind, top, height)
    # `6:30 pm` is `6:30` here: the column says which half of the day.
    label = format_time(piece.session.starts_at, zone).partition(" ")[0] if piece.is_first else ""
    # A line between two that follow each other.
    return Block(piece.kind, top, height - 1, label, piece.session.url)


def _words(hours: Sequence[Interval], sessions: Sequence[Session]) -> str:
    """`8 sessions, 1 request, 8 h 30 of 48 h booked`."""
    booked = [each for each in sessions if not each.is_asked]
    asked = len(sessions) - len(booked)
    taken = sum(epoch_minute(each.ends_at) - epoch_minute(each.starts_at) for each in booked)
    parts = [_count(len(booked), "session")] + [_count(asked, "request")] * bool(asked)
    if hours:
        parts.append(f"{_hours(taken)} of {_hours(sum(stop - start for start, stop in hours))} booked")
    else:
        parts.append("no open hours")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'s' * (number != 1)}"


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02}" if rest else f"{hours} h"
