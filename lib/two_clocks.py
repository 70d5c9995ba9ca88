"""A session drawn on the clocks of its two people: where the figure's parts lie, in per cent of the reader's day.

Pure. Both strips run from the reader's midnight to their next one, which on the night of a clock change are 23 or 25
hours; what is drawn of either clock is what it really reads then.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lib.clock import format_axis_hour, format_offset, format_weekday_and_day
from lib.intervals import Interval, merge
from lib.wallclock import DAY_MINUTES, WallClock, date_of, epoch_minute, wall_clock

NIGHT_BEGINS, NIGHT_ENDS = 22 * 60, 6 * 60  # minutes of a wall clock's day
TICK_MINUTES = 6 * 60
LABEL_MARGIN = 80  # minutes around the session that its block needs for itself
EDGE = 7  # per cent of a strip in which a centred label would stand out of it


@dataclass(frozen=True)
class Stretch:
    x: float
    width: float


@dataclass(frozen=True)
class Tick:
    """`label` is empty where the session's block stands in its way."""

    x: float
    label: str
    anchor: str  # SVG's text-anchor


@dataclass(frozen=True)
class TwoClocks:
    session: Stretch
    my_nights: list[Stretch]
    my_ticks: list[Tick]
    their_nights: list[Stretch]
    their_ticks: list[Tick]


def draw(starts_at: datetime, ends_at: datetime, mine: ZoneInfo, theirs: ZoneInfo) -> TwoClocks:
    """The figure of a session; one that runs past the reader's midnight ends with the strip."""
    start, end = epoch_minute(starts_at), epoch_minute(ends_at)
    my_clock, their_clock = wall_clock(mine, start, end), wall_clock(theirs, start, end)
    today = my_clock.day(start)
    day = my_clock.midnight(today), my_clock.midnight(today + 1)
    session = start, min(end, day[1])
    return TwoClocks(
        session=_stretch(session, day),
        my_nights=[_stretch(night, day) for night in nights(my_clock, day)],
        my_ticks=_ticks(my_clock, day, session, names_midnight=False),
        their_nights=[_stretch(night, day) for night in nights(their_clock, day)],
        their_ticks=_ticks(their_clock, day, session, names_midnight=True),
    )


def nights(clock: WallClock, window: Interval) -> list[Interval]:
    """When that clock reads 22:00 to 6:00 within the window."""
    found = []
    at, until = window
    while at < until:
        steady = int(min(clock.steady_until(at), until))
        offset = clock.reading(at) - at
        for day in range((at + offset) // DAY_MINUTES - 1, (steady + offset) // DAY_MINUTES + 1):
            begins = day * DAY_MINUTES + NIGHT_BEGINS - offset
            ends = (day + 1) * DAY_MINUTES + NIGHT_ENDS - offset
            found.append((max(begins, at), min(ends, steady)))
        at = steady
    return merge((begins, ends) for begins, ends in found if begins < ends)


def is_night(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> bool:
    """Whether a part of the session is at night on that clock."""
    session = epoch_minute(starts_at), epoch_minute(ends_at)
    return bool(nights(wall_clock(zone, *session), session))


def differ(mine: ZoneInfo, theirs: ZoneInfo, *moments: datetime) -> bool:
    """Whether the two clocks read differently at any of these moments."""
    return any(format_offset(at, mine) != format_offset(at, theirs) for at in moments)


def _ticks(clock: WallClock, day: Interval, session: Interval, *, names_midnight: bool) -> list[Tick]:
    """Four a day; a reading that comes twice is marked the first time, one that is skipped where the clock jumps."""
    begins, ends = day
    first, last = clock.reading(begins) // TICK_MINUTES, clock.reading(ends) // TICK_MINUTES
    minutes = {clock.minute(number * TICK_MINUTES): number % 4 == 0 for number in range(first, last + 1)}
    ticks = []
    for minute, is_midnight in sorted(minutes.items()):
        if begins <= minute <= ends:
            x = _per_cent(minute - begins, day)
            anchor = "start" if x < EDGE else "end" if x > 100 - EDGE else "middle"
            if session[0] - LABEL_MARGIN < minute < session[1] + LABEL_MARGIN:
                label = ""
            elif is_midnight and names_midnight:
                label = format_weekday_and_day(date_of(clock.day(minute)))
            else:
                label = format_axis_hour(clock.reading(minute) % DAY_MINUTES // 60)
            ticks.append(Tick(x, label, anchor))
    return ticks


def _stretch(interval: Interval, day: Interval) -> Stretch:
    return Stretch(_per_cent(interval[0] - day[0], day), _per_cent(interval[1] - interval[0], day))


def _per_cent(minutes: int, day: Interval) -> float:
    return round(100 * minutes / (day[1] - day[0]), 2)
