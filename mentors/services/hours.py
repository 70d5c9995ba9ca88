"""When a mentor is open. Sessions that are booked stay where they are, whatever changes here."""

from collections.abc import Iterable
from datetime import date, time
from typing import Any

from django.db import transaction

from mentors.availability import without_day
from mentors.models import DateOverride, Mentor, WeeklyHours
from mentors.schedules import Hours
from mentors.services.keeping import keep


@transaction.atomic
def set_weekly_hours(*, mentor: Mentor, week: Iterable[Hours]) -> None:
    """The whole week at once, replacing what was."""
    _lock(mentor)
    mentor.weekly_hours.all().delete()
    WeeklyHours.objects.bulk_create(WeeklyHours(mentor=mentor, **at._asdict()) for at in week)
    keep(mentor)


@transaction.atomic
def set_rules(*, mentor: Mentor, **rules: Any) -> None:
    """Interval, buffer, notice, window and caps: the fields of `RulesForm`."""
    for name, value in rules.items():
        setattr(mentor, name, value)
    mentor.save(update_fields=list(rules))
    keep(mentor)


@transaction.atomic
def block_dates(*, mentor: Mentor, first_date: date, last_date: date, note: str = "") -> None:
    """Time off, both days included. Hours that single dates had of their own go; other time off may overlap."""
    _lock(mentor)
    mentor.date_overrides.filter(
        starts__isnull=False, first_date__gte=first_date, first_date__lte=last_date
    ).delete()
    blocks = mentor.date_overrides.filter(starts__isnull=True)
    if not blocks.filter(first_date__lte=first_date, last_date__gte=last_date).exists():
        mentor.date_overrides.create(first_date=first_date, last_date=last_date, note=note)
    keep(mentor)


@transaction.atomic
def set_date_hours(*, mentor: Mentor, day: date, hours: Iterable[tuple[time, time]]) -> None:
    """Hours of one date instead of its weekday's; a block of that date ends."""
    _lock(mentor)
    _clear(mentor, day)
    DateOverride.objects.bulk_create(
        DateOverride(mentor=mentor, first_date=day, last_date=day, starts=starts, ends=ends)
        for starts, ends in hours
    )
    keep(mentor)


@transaction.atomic
def clear_date(*, mentor: Mentor, day: date) -> None:
    """Back to the usual week on that date; the rest of a longer time off stays."""
    _lock(mentor)
    _clear(mentor, day)
    keep(mentor)


@transaction.atomic
def remove_override(*, mentor: Mentor, override_pk: int) -> bool:
    """False when it was gone already, or is somebody else's."""
    _lock(mentor)
    if not mentor.date_overrides.filter(pk=override_pk).delete()[0]:
        return False
    keep(mentor)
    return True


def _clear(mentor: Mentor, day: date) -> None:
    for found in mentor.date_overrides.filter(first_date__lte=day, last_date__gte=day):
        mentor.date_overrides.bulk_create(
            DateOverride(mentor=mentor, first_date=first, last_date=last, note=found.note)
            for first, last in without_day(found.first_date, found.last_date, day)
        )
        found.delete()


def _lock(mentor: Mentor) -> None:
    Mentor.objects.select_for_update(no_key=True).get(pk=mentor.pk)
