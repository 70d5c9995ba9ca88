"""When a mentor is open."""

from collections.abc import Iterable
from datetime import time
from typing import NamedTuple

from django.db import transaction

from mentors.models import Mentor, WeeklyHours


class Hours(NamedTuple):
    """An interval of the week; `ends` not after `starts` means the next day."""

    weekday: int
    kind: str
    starts: time
    ends: time


@transaction.atomic
def set_weekly_hours(*, mentor: Mentor, week: Iterable[Hours]) -> None:
    """The whole week at once, replacing what was. Sessions that are booked stay where they are."""
    Mentor.objects.select_for_update(no_key=True).get(pk=mentor.pk)
    mentor.weekly_hours.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(mentor=mentor, weekday=at.weekday, kind=at.kind, starts=at.starts, ends=at.ends)
        for at in week
    )
