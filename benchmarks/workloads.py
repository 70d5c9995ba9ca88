"""The workloads of `slots.json`: one mentor in New York, a viewer in Berlin, sixty days with both clock changes."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bookings.engine.slots import Busy
from lib.intervals import Interval, Span
from lib.wallclock import day_start, epoch_minute
from mentors.availability import Schedule

DATA = json.loads(Path(__file__).with_name("slots.json").read_text())
MENTOR_ZONE, VIEWER_ZONE = ZoneInfo(DATA["mentor_tz"]), ZoneInfo(DATA["viewer_tz"])
FIRST, ONE_DAY = date.fromisoformat(DATA["date_from"]), date.fromisoformat(DATA["one_day"])
DAYS, DURATION, STEP = DATA["days"], DATA["dur"], DATA["step"]
# The sixty days begin tomorrow: the eve at noon, in the mentor's zone.
NOW = datetime.combine(FIRST - timedelta(days=1), time(12), MENTOR_ZONE)


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _spans(hours: list[list[str]]) -> list[Span]:
    return [(_minute(start), _minute(end)) for start, end in hours]


OVERRIDES = {date.fromisoformat(day): _spans(hours) for day, hours in DATA["overrides"].items()}
WEEKLY = {
    day: [(_minute(each["start"]), _minute(each["end"])) for each in DATA["weekly"] if day in each["days"]]
    for day in range(7)
}


@dataclass(frozen=True)
class Workload:
    name: str
    sessions: list[tuple[datetime, datetime]]
    first: date
    days: int

    @property
    def window(self) -> Interval:
        first, last = self.first, self.first + timedelta(days=self.days)
        return day_start(MENTOR_ZONE, first), day_start(MENTOR_ZONE, last)

    @property
    def taken(self) -> list[Interval]:
        return [(epoch_minute(start), epoch_minute(end)) for start, end in self.sessions]

    @property
    def busy(self) -> Busy:
        taken = self.taken
        return Busy(mentor=taken, sessions=[start for start, _ in taken])


def schedule() -> Schedule:
    """Every rule at work: a lunch break, overrides and blocked dates, notice, window, and caps that aren't reached."""
    return Schedule(
        zone=MENTOR_ZONE,
        weekly={day: [(9 * 60, 17 * 60)] for day in range(5)},
        breaks={day: [(12 * 60, 13 * 60)] for day in range(5)},
        overrides={day: spans for day, spans in OVERRIDES.items() if spans},
        blocked=[(day, day) for day, spans in OVERRIDES.items() if not spans],
        interval_minutes=STEP,
        notice_minutes=120,
        window_days=DAYS,
        max_per_day=50,
        max_per_week=300,
    )


def _sessions(name: str) -> list[tuple[datetime, datetime]]:
    return [(_instant(start), _instant(end)) for start, end in DATA[name]]


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _around(sessions: list[tuple[datetime, datetime]], day: date) -> list[tuple[datetime, datetime]]:
    """What is loaded to show one day."""
    noon = datetime.combine(day, time(12), MENTOR_ZONE)
    return [each for each in sessions if abs(each[0] - noon) < timedelta(days=2)]


W1 = Workload("W1", _sessions("w1"), FIRST, DAYS)
W2 = Workload("W2", _sessions("w2"), FIRST, DAYS)
W3 = Workload("W3", _around(W1.sessions, ONE_DAY), ONE_DAY, 1)
