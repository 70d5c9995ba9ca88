"""What is bookable, the slow and obvious way: walk the real minutes, read the wall clock, ask each rule.

Nothing here knows an offset, a gap or a fold: what the wall clock does is found by looking at it.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from bookings.engine.slots import State
from mentors.availability import Schedule

MINUTE = timedelta(minutes=1)
DAYS_WALKED = 14  # before the middle and after it


@cache
class WallClock:
    """What the clock on the wall reads at each minute around noon (UTC) of a date."""

    def __init__(self, zone: str, around: date) -> None:
        noon = int(datetime.combine(around, time(12), UTC).timestamp()) // 60
        self.minutes = range(noon - DAYS_WALKED * 1440, noon + DAYS_WALKED * 1440)
        tz = ZoneInfo(zone)
        self.readings = [datetime.fromtimestamp(m * 60, tz).replace(tzinfo=None) for m in self.minutes]
        self.dates = [reading.date() for reading in self.readings]
        self.first_at = dict(zip(reversed(self.readings), reversed(self.minutes), strict=True))

    def date_at(self, minute: int) -> date:
        return self.dates[minute - self.minutes.start]

    def minute_of(self, day: date, minute_of_day: int) -> int:
        """When the clock first reads that; what it skips is later by as much as it jumps there."""
        wanted = datetime.combine(day, time()) + minute_of_day * MINUTE
        if wanted in self.first_at:
            return self.first_at[wanted]
        after = next(at for at, reading in enumerate(self.readings) if reading > wanted)
        gap = self.readings[after] - self.readings[after - 1] - MINUTE
        return self.first_at[wanted + gap]

    def minutes_of(self, day: date) -> list[int]:
        return [minute for minute, each in zip(self.minutes, self.dates, strict=True) if each == day]

    def dates_between(self, first: int, last: int) -> list[date]:
        """Those that the clock really shows from one minute to another."""
        return sorted(set(self.dates[first - self.minutes.start : last - self.minutes.start + 1]))


def open_runs(schedule: Schedule, clock: WallClock, first: int, last: int) -> list[range]:
    """For each date its stretches of open minutes without a break, each of which starts the steps anew,
    but for those wholly within another's."""
    dates = clock.dates_between(first - 3 * 1440, last + 3 * 1440)
    closed: set[int] = set()
    for day in dates:
        if day not in schedule.overrides:
            closed.update(*_minutes(clock, day, schedule.breaks.get(day.weekday(), ())))
        if _is_off(schedule, day):
            closed.update(clock.minutes_of(day))
    runs = []
    for day in dates:
        if _is_off(schedule, day):
            continue  # no shift begins, so none runs on into the next day
        hours = schedule.overrides.get(day, schedule.weekly.get(day.weekday(), ()))
        runs += _runs(set().union(*_minutes(clock, day, hours)) - closed)
    return [run for run in runs if not any(_within(run, other) for other in runs)]


def _is_off(schedule: Schedule, day: date) -> bool:
    return any(since <= day <= until for since, until in schedule.blocked)


def _runs(minutes: set[int]) -> list[range]:
    begins = sorted(minute for minute in minutes if minute - 1 not in minutes)
    ends = sorted(minute + 1 for minute in minutes if minute + 1 not in minutes)
    return [range(begin, end) for begin, end in zip(begins, ends, strict=True)]


def _minutes(clock: WallClock, day: date, spans) -> list[range]:
    return [range(clock.minute_of(day, start), clock.minute_of(day, stop)) for start, stop in spans]


def bookable(schedule, busy, window, duration, now, *, clock, lead_minutes=0, recheck=False):
    """The same answer as `bookings.engine.slots.free_starts`."""
    runs = open_runs(schedule, clock, *window)
    opened = set().union(*runs)
    today = now.astimezone(schedule.zone).date()
    days = Counter(clock.date_at(minute) for minute in busy.sessions)
    weeks = Counter(clock.date_at(minute).isocalendar()[:2] for minute in busy.sessions)
    mentor_busy = set().union(*(range(*interval) for interval in busy.mentor))
    student_busy = set().union(*(range(*interval) for interval in busy.student))

    def is_step(minute):
        """Of the run that rules there: where the hours of two dates overlap, the one that began last."""
        begins = [run[0] for run in runs if minute in run]
        return bool(begins) and (minute - max(begins)) % schedule.interval_minutes == 0

    def is_in_time(minute):
        ahead = minute * 60 - now.timestamp()
        if recheck or ahead <= 0:
            return ahead > 0
        day = clock.date_at(minute)
        return (
            ahead >= 60 * max(schedule.notice_minutes, lead_minutes)
            and (schedule.allows_same_day or day > today)
            and day <= today + timedelta(days=schedule.window_days)
        )

    def is_full(minute):
        day = clock.date_at(minute)
        return (schedule.max_per_day is not None and days[day] >= schedule.max_per_day) or (
            schedule.max_per_week is not None and weeks[day.isocalendar()[:2]] >= schedule.max_per_week
        )

    def state(minute):
        session = range(minute, minute + duration)
        with_buffer = range(minute, minute + duration + schedule.buffer_minutes)
        if not student_busy.isdisjoint(session) or not mentor_busy.isdisjoint(with_buffer):
            return State.TAKEN
        return State.HELD if minute in busy.held else State.FREE

    return [
        (minute, state(minute))
        for minute in range(*window)
        if is_step(minute)
        and opened.issuperset(range(minute, minute + duration))
        and is_in_time(minute)
        and not is_full(minute)
    ]


def _within(run: range, other: range) -> bool:
    """An equal one is not within."""
    return run != other and other[0] <= run[0] and run[-1] <= other[-1]
