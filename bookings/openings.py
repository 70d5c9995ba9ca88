"""The next openings of mentors, read for pages that show many: what is kept, filtered by the clock."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Q, prefetch_related_objects

from accounts.models import User
from bookings.booker.calendar import PARTS_OF_DAY
from bookings.engine.openings import HALF_HOUR, SHOWN
from bookings.models import KeptOpenings, NextOpening, NextOpeningQuerySet, TimeClaim
from lib.counting import CountOf
from lib.wallclock import DAY_MINUTES, epoch_minute, local_date, wall_minute
from mentors.models import Field, Mentor

SOON, WEEK = timedelta(hours=48), timedelta(days=7)
FEW = 4
MOST_COUNTED = 100
SIMILAR_SHOWN = 3
DAY_PARTS = {name.lower(): (begin, end) for name, begin, end in PARTS_OF_DAY}


@dataclass(frozen=True)
class Upcoming:
    """The soonest `openings` in order of time, within so many `days`; `total` of them are there, counted to 100."""

    openings: list[NextOpening]
    total: int
    days: int

    @property
    def has_more(self) -> bool:
        """More than were counted."""
        return self.total > MOST_COUNTED


def upcoming_openings(
    now: datetime, *, limit: int = 7, field: Field | None = None, free_only: bool = False
) -> Upcoming:
    """The soonest opening of each type of session, in the next two days; in the next seven when those are few.

    One query, at any number of mentors. Each mentor once as long as there are others.
    """
    soonest = _soonest(now, field=field, free_only=free_only)
    counts = {"soon": _counted(soonest, now + SOON), "week": _counted(soonest, now + WEEK)}
    rows = soonest.filter(starts_at__lte=now + WEEK).select_related("mentor__user", "session_type")
    found: list[Any] = list(rows.annotate(**counts).order_by("starts_at", "pk")[: 4 * limit])
    soon = [opening for opening in found if opening.starts_at <= now + SOON]
    is_soon = len(soon) >= FEW
    total = (found[0].soon if is_soon else found[0].week) if found else 0
    return Upcoming(
        _of_many_mentors(soon if is_soon else found, limit), total, (SOON if is_soon else WEEK).days
    )


def open_by_field(now: datetime, *, days: int = 2) -> list[tuple[Field, int]]:
    """The fields with something open in so many days, and how much, counted to a hundred: one query."""
    inside = _soonest(now, field=OuterRef(OuterRef("pk")))
    fields = Field.objects.annotate(open_count=_counted(inside, now + timedelta(days=days)))
    return [(field, field.open_count) for field in fields if field.open_count]


def next_openings(
    mentors: Sequence[Mentor], student: User | None, now: datetime
) -> dict[int, list[NextOpening]]:
    """By each mentor's primary key the next three times, in order, each with the first session type that is open then.

    One query, one more for a student, whose own sessions are left out, and one when session types are not prefetched.
    Needs the mentors' users loaded.
    """
    prefetch_related_objects(mentors, "session_types")
    bookable = [mentor for mentor in mentors if mentor.is_bookable]
    offers = [offer for mentor in bookable for offer in mentor.session_types.all()]
    types = {offer.pk: offer for offer in offers if offer.is_active and offer.is_payable}
    place = {pk: number for number, pk in enumerate(types)}
    kept = NextOpening.objects.ahead(now).filter(mentor__in=[mentor.pk for mentor in bookable])
    in_order = sorted(
        (row for row in kept if row.session_type_id in types),
        key=lambda row: (row.starts_at, place[row.session_type_id]),
    )
    found: dict[int, dict[datetime, NextOpening]] = defaultdict(dict)
    busy = _busy(student, now, in_order[-1].starts_at + timedelta(days=1)) if student and in_order else []
    for row in in_order:
        of_mentor = found[row.mentor_id]
        session_type = types[row.session_type_id]
        ends_at = row.starts_at + timedelta(minutes=session_type.durations[0])
        if any(begin < ends_at and row.starts_at < end for begin, end in busy):
            continue
        if row.starts_at not in of_mentor and len(of_mentor) < SHOWN:
            row.session_type = session_type
            of_mentor[row.starts_at] = row
    return {pk: list(of_mentor.values()) for pk, of_mentor in found.items()}


def similar_mentors(
    mentor: Mentor, student: User | None, now: datetime
) -> list[tuple[Mentor, list[NextOpening]]]:
    """Mentors with open times who share skills with that one, those who share most first: three queries, or four for
    a student."""
    others = (
        Mentor.objects.listed(now)
        .filter(skills__in=mentor.skills.all())
        .exclude(pk=mentor.pk)
        .annotate(shared=Count("skills"))
        .order_by("-shared", F("rating_mean").desc(nulls_last=True), "pk")
        .select_related("user")
    )
    if student is not None:
        others = others.exclude(user=student)
    candidates = list(others[: 3 * SIMILAR_SHOWN])
    found = next_openings(candidates, student, now) if candidates else {}
    return [(each, found[each.pk]) for each in candidates if found.get(each.pk)][:SIMILAR_SHOWN]


def open_when(when: str, zone: ZoneInfo, now: datetime) -> Q:
    """A filter on mentors: with something open in the next seven days, be it in that part of the day by that zone's
    clock, as far as is kept: to the half hour, and by the clock of today."""
    ahead = NextOpening.objects.open(now).filter(mentor=OuterRef("pk"), starts_at__lte=now + WEEK)
    if when not in DAY_PARTS:
        return Q(Exists(ahead))
    hours = half_hours_of(when, zone, local_date(zone, epoch_minute(now)))
    kept = KeptOpenings.objects.filter(mentor=OuterRef("pk"))
    kept = kept.annotate(shared=F("half_hours").bitand(hours)).filter(shared__gt=0)
    return Q(Exists(ahead)) & Q(Exists(kept))


def half_hours_of(part: str, zone: ZoneInfo, day: date) -> int:
    """The half hours of a day in UTC, as in `KeptOpenings.half_hours`, that are in that part of this zone's day."""
    begin, end = (wall_minute(zone, day, minute) for minute in DAY_PARTS[part])
    bits = {minute % DAY_MINUTES // HALF_HOUR for minute in range(begin, end, HALF_HOUR)}
    return sum(1 << bit for bit in bits)


def _soonest(now: datetime, *, field: Any = None, free_only: bool = False) -> NextOpeningQuerySet:
    """Of each type of session the first that is open."""
    earlier = NextOpening.objects.filter(
        session_type=OuterRef("session_type"), closes_at__gt=now, starts_at__lt=OuterRef("starts_at")
    )
    found = NextOpening.objects.open(now).filter(~Exists(earlier))
    if field is not None:
        skilled = Mentor.skills.through.objects.filter(mentor=OuterRef("mentor"), skill__fields=field)
        found = found.filter(Exists(skilled))
    return found.filter(session_type__price_minor=0) if free_only else found


def _counted(soonest: NextOpeningQuerySet, until: datetime) -> CountOf:
    return CountOf(soonest.filter(starts_at__lte=until).order_by().values("pk")[: MOST_COUNTED + 1])


def _of_many_mentors(found: Iterable[NextOpening], limit: int) -> list[NextOpening]:
    """Each mentor's soonest first, and then their others, in order of time."""
    first: dict[int, NextOpening] = {}
    others = []
    for opening in found:
        if opening.mentor_id in first:
            others.append(opening)
        else:
            first[opening.mentor_id] = opening
    return sorted([*first.values(), *others][:limit], key=lambda opening: opening.starts_at)


def _busy(student: User, now: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    claims = TimeClaim.objects.live(now).filter(person=student).reaching_into(now, until)
    return list(claims.values_list("starts_at", "ends_at"))
