"""The least that an answer can cost: the same free times without any of the rules, and ready strings in HTML."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mentors.availability import DAY_MINUTES, Interval, Span

EPOCH_DAY = date(1970, 1, 1).toordinal()
LABELS = [
    f"{minute // 60 % 12 or 12}:{minute % 60:02} {'ap'[minute // 720]}m" for minute in range(DAY_MINUTES)
]


def sweep(
    zone: ZoneInfo,
    hours: dict[date, list[Span]],
    busy: list[Interval],
    duration: int,
    step: int,
) -> list[int]:
    """Free starts on those dates: one pass over sorted busy time, the zone's offset asked once a day."""
    free: list[int] = []
    at, count = 0, len(busy)
    for day, spans in hours.items():
        midnight = (day.toordinal() - EPOCH_DAY) * DAY_MINUTES - _offset(zone, day)
        for start, stop in spans:
            for minute in range(midnight + start, midnight + stop - duration + 1, step):
                while at < count and busy[at][1] <= minute:
                    at += 1
                if at == count or busy[at][0] >= minute + duration:
                    free.append(minute)
    return free


def by_date(minutes: list[int], zone: ZoneInfo) -> dict[int, list[str]]:
    """Under the viewer's days since the epoch as the viewer's clock reads them, the offset asked once a day."""
    days: dict[int, list[str]] = {}
    asked = offset = -1
    for minute in minutes:
        if minute // DAY_MINUTES != asked:
            asked = minute // DAY_MINUTES
            offset = _offset(zone, date.fromordinal(asked + EPOCH_DAY))
        day, reading = divmod(minute + offset, DAY_MINUTES)
        if day in days:
            days[day].append(LABELS[reading])
        else:
            days[day] = [LABELS[reading]]
    return days


def _offset(zone: ZoneInfo, day: date) -> int:
    noon = datetime.combine(day, time(12), zone).utcoffset() or timedelta()
    return noon.days * DAY_MINUTES + noon.seconds // 60
