from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django import template

from lib import clock

register = template.Library()
register.filter("clock_time", clock.format_time)
register.filter("clock_moment", clock.format_moment)
register.filter("clock_short_moment", clock.format_short_moment)
register.filter("clock_duration", clock.format_duration)
register.filter("clock_month_of_year", clock.format_month_of_year)
register.filter("clock_zone_name", clock.format_zone_name)
register.filter("clock_city", clock.format_city)


@register.filter
def clock_date(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_date(_day(at, zone))


@register.filter
def clock_date_of_year(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_date_of_year(_day(at, zone))


@register.filter
def clock_short_date(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_short_date(_day(at, zone))


@register.filter
def clock_day(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_day(_day(at, zone))


@register.filter
def clock_month(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_month(_day(at, zone))


@register.filter
def clock_weekday(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_weekday(_day(at, zone))


@register.filter
def clock_short_month(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_short_month(_day(at, zone))


@register.filter
def clock_day_number(at: datetime, zone: ZoneInfo) -> int:
    return _day(at, zone).day


@register.filter
def clock_hour(wall: time) -> str:
    """Of a rule on somebody's wall clock, which is no instant."""
    return clock.format_minute(wall.hour * 60 + wall.minute)


@register.filter
def clock_zone(at: datetime, zone: ZoneInfo) -> str:
    return clock.format_zone(zone, at)


def _day(at: datetime | date, zone: ZoneInfo | None) -> date:
    return at.astimezone(zone).date() if isinstance(at, datetime) else at
