"""The least that the same answer costs: a bare sweep without any of the rules, and ready strings in HTML."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib.intervals import Interval, Span
from lib.wallclock import DAY_MINUTES

EPOCH_DAY = date(1970, 1, 1).toordinal()


def sweep(
    zone: ZoneInfo,
    weekly: Mapping[int, Sequence[Span]],
    overrides: Mapping[date, Sequence[Span]],
    first: date,
    days: int,
    busy: Sequence[Interval],
    duration: int,
    step: int,
) -> list[tuple[int, bool]]:
    """Every start with whether it is free: one pass over sorted busy time, the zone's offset asked once a day."""
    starts: list[tuple[int, bool]] = []
    at, count = 0, len(busy)
    for n in range(days):
        day = first + timedelta(days=n)
        spans = overrides[day] if day in overrides else weekly.get(day.weekday())
        if not spans:
            continue
        midnight = (day.toordinal() - EPOCH_DAY) * DAY_MINUTES - _offset(zone, day)
        for start, stop in spans:
            for minute in range(midnight + start, midnight + stop - duration + 1, step):
                while at < count and busy[at][1] <= minute:
                    at += 1
                starts.append((minute, at == count or busy[at][0] >= minute + duration))
    return starts


def by_date(starts: Sequence[tuple[int, bool]], zone: ZoneInfo) -> dict[date, list[tuple[int, bool, str]]]:
    """Under the viewer's dates as the viewer's clock reads them, the zone's offset asked once a day."""
    days: dict[date, list[tuple[int, bool, str]]] = {}
    asked = offset = at = -1
    for minute, is_free in starts:
        if minute // DAY_MINUTES != asked:
            asked = minute // DAY_MINUTES
            offset = _offset(zone, date.fromordinal(asked + EPOCH_DAY))
        day, reading = divmod(minute + offset, DAY_MINUTES)
        if day != at:
            at = day
            slots = days.setdefault(date.fromordinal(day + EPOCH_DAY), [])
        hour, rest = divmod(reading, 60)
        slots.append((minute, is_free, f"{hour % 12 or 12}:{rest:02} {'am' if hour < 12 else 'pm'}"))
    return days


def _offset(zone: ZoneInfo, day: date) -> int:
    noon = datetime.combine(day, time(12), zone).utcoffset() or timedelta()
    return noon.days * DAY_MINUTES + noon.seconds // 60


# A month and its days' times with nothing decided: the plainest HTML that has the same links and choices.
MONTH = """<table>
{% for week in weeks %}<tr>
{% for cell in week %}<td><a href="{{ cell.url }}">{{ cell.number }} {{ cell.name }} {{ cell.mark }}</a></td>
{% endfor %}</tr>
{% endfor %}</table>
"""
TIMES = """{% for slot in slots %}
<label><input type="radio" name="start" value="{{ slot.value }}">{{ slot.label }} {{ slot.note }}</label>
{% endfor %}"""
