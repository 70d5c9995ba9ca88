"""How an instant reads: the only place that turns times into words, for pages, mail and calendars.

Pure: instants are aware datetimes, zones are given, nothing reads the present time by itself. Only whether hours run
to 12 or to 24 is said once around what is written for a reader: `with hours_of_day(24): …`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

HOURS = (12, 24)
_hours = ContextVar("hours", default=12)
# What a clock reads at each minute of the day.
_LABELS = {
    12: [
        f"{hour % 12 or 12}:{minute:02} {'am' if hour < 12 else 'pm'}"
        for hour in range(24)
        for minute in range(60)
    ],
    24: [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)],
}


@contextmanager
def hours_of_day(hours: int) -> Iterator[None]:
    """What is written within is for a reader whose clock runs to 12 or to 24."""
    token = _hours.set(hours)
    try:
        yield
    finally:
        _hours.reset(token)


def current_hours() -> int:
    """12 or 24."""
    return _hours.get()


def hours_in_languages(languages: Iterable[str]) -> int | None:
    """12 or 24, as the first of these language tags that is known writes times (CLDR); None when none is."""
    return next((hours for each in languages if (hours := _hours_in(each))), None)


@lru_cache(256)
def _hours_in(language: str) -> int | None:
    try:
        pattern = Locale.parse(language, sep="-").time_formats["short"].pattern
    except (UnknownLocaleError, ValueError):
        return None
    return 24 if "H" in pattern else 12


def format_time(at: datetime, zone: ZoneInfo) -> str:
    """`9:05 am` or `09:05`, on the wall clock of that zone."""
    return format_minute(local_minute(at, zone))


def format_minute(minute: int) -> str:
    """`9:05 am` or `09:05` for a minute of the day, 0 to 1439."""
    return _LABELS[_hours.get()][minute]


def minute_labels() -> list[str]:
    """What `format_minute` says of each minute of the day, for whoever words many."""
    return _LABELS[_hours.get()]


def format_axis_hour(hour: int) -> str:
    """`6 am` or `06:00`, and `noon` or `12:00`, below a strip of hours."""
    if _hours.get() == 24:
        return format_minute(hour * 60)
    return "noon" if hour == 12 else f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}"


def local_minute(at: datetime, zone: ZoneInfo) -> int:
    local = at.astimezone(zone)
    return local.hour * 60 + local.minute


def format_date(day: date) -> str:
    """`Wednesday 9 December 2026`."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def format_short_date(day: date) -> str:
    """`Wed 9 Dec`."""
    return f"{day:%a} {day.day} {day:%b}"


def format_date_of_year(day: date) -> str:
    """`Wednesday 9 December`, where the year is plain."""
    return f"{day:%A} {day.day} {day:%B}"


def format_dates(first: date, last: date) -> str:
    """`on Wednesday 9 December 2026`, or `from … to …` when there are several."""
    return (
        f"on {format_date(first)}" if first == last else f"from {format_date(first)} to {format_date(last)}"
    )


def format_day(day: date) -> str:
    """`9 Dec 2026`, in a column of dates."""
    return f"{day.day} {day:%b %Y}"


def format_month(day: date) -> str:
    """`December 2026`."""
    return f"{day:%B %Y}"


def format_short_month(day: date) -> str:
    """`Dec 2026`, below a large number of the day."""
    return f"{day:%b %Y}"


def format_months(first: date, last: date) -> str:
    """`November and December`, `January to March`; with the year where it is another at the end."""
    year = f" {last.year}" if first.year != last.year else ""
    apart = (last.year - first.year) * 12 + last.month - first.month
    return f"{first:%B} {'and' if apart == 1 else 'to'} {last:%B}{year}" if apart else f"{first:%B}"


def format_month_of_year(day: date) -> str:
    """`Dec`, on an axis."""
    return f"{day:%b}"


def format_below_day(day: date, today: date) -> str:
    """`Wed`, below a large number of the day; `Dec, Wed` in another month, `Dec 2026` in another year."""
    if day.year != today.year:
        return format_short_month(day)
    return f"{day:%a}" if day.month == today.month else f"{day:%b}, {day:%a}"


def format_weekday(day: date) -> str:
    """`Wednesday`."""
    return f"{day:%A}"


def format_short_weekday(day: date) -> str:
    """`Wed`, above a column."""
    return f"{day:%a}"


def format_weekday_and_day(day: date) -> str:
    """`Wed 9`, where a day begins on an axis."""
    return f"{day:%a} {day.day}"


def format_offset(at: datetime, zone: ZoneInfo) -> str:
    """`GMT+5:30`, `GMT-3`, `GMT`, at that instant."""
    offset = at.astimezone(zone).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "GMT"
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def format_zone_name(zone: ZoneInfo) -> str:
    """`America/New York`."""
    return zone.key.replace("_", " ")


def format_city(zone: ZoneInfo) -> str:
    """`New York`, as people name a zone."""
    return format_zone_name(zone).rpartition("/")[2]


def format_zone(zone: ZoneInfo, at: datetime) -> str:
    """`Asia/Kolkata (GMT+5:30)`."""
    return f"{format_zone_name(zone)} ({format_offset(at, zone)})"


def format_moment(at: datetime, zone: ZoneInfo) -> str:
    """`Wednesday 9 December 2026, 11:00 am`."""
    return f"{format_date(at.astimezone(zone).date())}, {format_time(at, zone)}"


def format_short_moment(at: datetime, zone: ZoneInfo) -> str:
    """`Wed 9 Dec, 11:00 am`."""
    return f"{format_short_date(at.astimezone(zone).date())}, {format_time(at, zone)}"


def format_range(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """`11:00 am to 12:00 pm`."""
    return f"{format_time(starts_at, zone)} to {format_time(ends_at, zone)}"


def format_other_clock(starts_at: datetime, mine: ZoneInfo, theirs: ZoneInfo) -> str:
    """The start on the other person's clock: `6:30 am`, with `Tue 8 Dec` when it is another date there."""
    there, here = starts_at.astimezone(theirs), starts_at.astimezone(mine)
    clock = format_time(starts_at, theirs)
    return clock if there.date() == here.date() else f"{clock} on {format_short_date(there.date())}"


def format_duration(minutes: int) -> str:
    """`45 minutes`, `1 hour`, `1 hour 30 minutes`."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} hour{'s' * (hours > 1)}"] * bool(hours) + [f"{rest} minutes"] * bool(rest)
    return " ".join(parts) if (minutes > 60 and minutes % 30 == 0) or not rest else f"{minutes} minutes"


def clock_change_note(zone: ZoneInfo, now: datetime, starts_at: datetime) -> str:
    """What to tell a reader whose clocks change between now and the session; empty when they don't."""
    before, after = now.astimezone(zone).utcoffset(), starts_at.astimezone(zone).utcoffset()
    if before is None or after is None or before == after:
        return ""
    minutes = round((after - before).total_seconds() / 60)
    direction = "forward" if minutes > 0 else "back"
    return (
        f"Clocks in {format_zone_name(zone)} go {direction} by {format_duration(abs(minutes))} "
        "before this session. The time shown is the one your clock will read on the day."
    )


def to_param(at: datetime) -> str:
    """`2026-12-09T05:30Z`, an instant as it stands in a URL."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def from_param(text: str) -> datetime | None:
    """The instant of `to_param`; None for anything else."""
    if not text.isascii():  # strptime takes any script's digits
        return None
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if 1 < at.year < 9999 else None  # at the calendar's ends some zones have no date for it
