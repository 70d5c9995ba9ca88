"""From rows to the plain values that the availability engine works on."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, NamedTuple

from django.db.models import DateField, Value

from lib.intervals import Span
from lib.wallclock import DAY_MINUTES
from mentors.availability import Schedule, without_day
from mentors.models import DateOverride, Mentor, WeeklyHours

DATED = "dated"  # beside the kinds of weekly hours


class Hours(NamedTuple):
    """An interval of the week; `ends` not after `starts` means the next day."""

    weekday: int
    kind: str
    starts: time
    ends: time
    is_active: bool = True


@dataclass(frozen=True)
class MentorHours:
    """A mentor with a schedule: the one that is saved, or one that is only tried."""

    mentor: Mentor
    schedule: Schedule

    @property
    def pk(self) -> int:
        return self.mentor.pk


def load_hours(mentor: Mentor) -> MentorHours:
    """By the mentor's rules as they are on the instance, and the hours that are saved: one query."""
    return MentorHours(mentor, load_schedules([mentor])[mentor.pk])


def with_week(schedule: Schedule, week: Iterable[Hours]) -> Schedule:
    """The same with another week: what `set_weekly_hours` would leave."""
    spans: dict[str, dict[int, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for hours in week:
        if hours.is_active:
            spans[hours.kind][hours.weekday].append(span(hours.starts, hours.ends))
    return replace(schedule, weekly=spans[WeeklyHours.Kind.OPEN], breaks=spans[WeeklyHours.Kind.BREAK])


def with_time_off(schedule: Schedule, first: date, last: date) -> Schedule:
    """The same without those dates, both included: what `block_dates` would leave."""
    kept = {day: spans for day, spans in schedule.overrides.items() if not first <= day <= last}
    return replace(schedule, overrides=kept, blocked=[*schedule.blocked, (first, last)])


def with_hours_on(schedule: Schedule, day: date, hours: Iterable[tuple[time, time]]) -> Schedule:
    """The same with hours of that date's own: what `set_date_hours` would leave."""
    own = {day: [span(starts, ends) for starts, ends in hours]}
    blocked = [part for first, last in schedule.blocked for part in without_day(first, last, day)]
    return replace(schedule, overrides={**schedule.overrides, **own}, blocked=blocked)


def load_schedules(mentors: Iterable[Mentor]) -> dict[int, Schedule]:
    """The schedule of each mentor by primary key: one query however many there are."""
    mentors = list(mentors)
    weekly: dict[tuple[int, str], dict[int, list[Span]]] = defaultdict(lambda: defaultdict(list))
    overrides: dict[int, dict[date, list[Span]]] = defaultdict(lambda: defaultdict(list))
    blocked: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for mentor_id, kind, weekday, starts, ends, first, last in _rows(mentors):
        if kind != DATED:
            weekly[mentor_id, kind][weekday].append(span(starts, ends))
        elif starts is None:
            blocked[mentor_id].append((first, last))
        else:
            overrides[mentor_id][first].append(span(starts, ends))
    return {
        mentor.pk: Schedule(
            zone=mentor.zone,
            weekly=weekly[mentor.pk, WeeklyHours.Kind.OPEN],
            breaks=weekly[mentor.pk, WeeklyHours.Kind.BREAK],
            overrides=overrides[mentor.pk],
            blocked=blocked[mentor.pk],
            interval_minutes=mentor.slot_interval_minutes,
            buffer_minutes=mentor.buffer_minutes,
            notice_minutes=mentor.minimum_notice_hours * 60,
            allows_same_day=mentor.allows_same_day,
            window_days=mentor.window_days,
            max_per_day=mentor.max_per_day,
            max_per_week=mentor.max_per_week,
        )
        for mentor in mentors
    }


def _rows(mentors: list[Mentor]) -> Iterable[tuple[Any, ...]]:
    """Weekly hours and dated ones together, each with nothing where only the other has something."""
    no_date = Value(None, output_field=DateField())
    weekly = WeeklyHours.objects.filter(mentor__in=mentors, is_active=True).order_by()
    dated = DateOverride.objects.filter(mentor__in=mentors).order_by()
    return weekly.values_list("mentor", "kind", "weekday", "starts", "ends", no_date, no_date).union(
        dated.values_list("mentor", Value(DATED), Value(0), "starts", "ends", "first_date", "last_date"),
        all=True,
    )


def span(starts: time, ends: time) -> Span:
    """Minutes of the day; an end that is not after the start is on the next day."""
    start, end = starts.hour * 60 + starts.minute, ends.hour * 60 + ends.minute
    return (start, end) if end > start else (start, end + DAY_MINUTES)
