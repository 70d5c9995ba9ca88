from datetime import date, datetime
from zoneinfo import ZoneInfo

from django import template

from accounts import clock

register = template.Library()


@register.filter
def clock_time(at: datetime, zone: ZoneInfo) -> str:
    return clock.format_time(at, zone)


@register.filter
def clock_date(at: datetime | date, zone: ZoneInfo | None = None) -> str:
    return clock.format_date(_day(at, zone))


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
def clock_moment(at: datetime, zone: ZoneInfo) -> str:
    return clock.format_moment(at, zone)


@register.filter
def clock_zone(at: datetime, zone: ZoneInfo) -> str:
    return clock.format_zone(zone, at)


@register.filter
def clock_duration(minutes: int) -> str:
    return clock.format_duration(minutes)


def _day(at: datetime | date, zone: ZoneInfo | None) -> date:
    return at.astimezone(zone).date() if isinstance(at, datetime) else at
