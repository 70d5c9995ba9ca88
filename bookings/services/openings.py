"""The next openings of mentors, kept for pages that show many: the only writers of them.

What changes a mentor's time says so in its own transaction (`mark_changed`); a worker finds the openings afterwards,
and also those that the clock has overtaken. No page waits for it, and none computes them.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from bookings.engine.openings import openings_of
from bookings.models import KeptOpenings, KeptOpeningsQuerySet, NextOpening
from lib.sweeping import MOST_ROWS, SECONDS, each, row_of
from lib.wallclock import from_epoch_minute
from mentors.models import Mentor

logger = logging.getLogger(__name__)

REFRESH = "bookings.refresh_openings"
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
SOONEST, PUT_OFF = timedelta(minutes=1), timedelta(hours=1)
BATCH = 50


def mark_changed(people: Iterable[int]) -> None:
    """Something changed about the time of these people, of whom some may be mentors. In the change's transaction."""
    _mark(KeptOpenings.objects.filter(mentor__in=Mentor.objects.filter(user__in=list(people))))


def keep_openings_of(mentor: Mentor) -> None:
    """The mentor's openings are kept from now on, and are to be found anew. In the change's transaction."""
    if not _mark(KeptOpenings.objects.filter(mentor=mentor)):
        KeptOpenings.objects.bulk_create([KeptOpenings(mentor=mentor, due_at=AT_ONCE)], ignore_conflicts=True)


def _mark(kept: KeptOpeningsQuerySet) -> int:
    return kept.update(due_at=AT_ONCE, changes=F("changes") + 1)


def refresh_openings(now: datetime, *, most: int = MOST_ROWS, seconds: float = SECONDS) -> int:
    """Find anew what is due, some mentors at a time, those first that wait longest; returns for how many.

    Begins no more after so many seconds. Any number of workers may do so at once: they leave each other's rows alone.
    Safe to repeat.
    """
    refreshed, ends = 0, time.monotonic() + seconds
    while refreshed < most and time.monotonic() < ends:
        due = list(KeptOpenings.objects.due(now).order_by("due_at")[:BATCH])
        done = _refresh_each(due, now)
        if not done:  # nothing is due, or others are at it
            break
        refreshed += done
    return refreshed


def _refresh_each(due: Sequence[KeptOpenings], now: datetime) -> int:
    """Together; when that fails one by one, so that one of whom it can't be done is put off and holds up no other."""
    try:
        return _refresh(due, now)
    except Exception:
        logger.exception("openings of some mentors not found, each is tried by itself")
    rows = {kept.pk: row_of(KeptOpenings, kept.pk, kept.pk) for kept in due}
    swept = each(REFRESH, due, lambda kept: _refresh([kept], now), called=lambda kept: rows[kept.pk])
    failed = [row.pk for row in swept.failed if row.pk is not None]
    return len(swept.done) + KeptOpenings.objects.filter(pk__in=failed).update(due_at=now + PUT_OFF)


def _refresh(due: Sequence[KeptOpenings], now: datetime) -> int:
    """Locks the rows to write. One that has changed since it was read is left for the next time."""
    mentors = Mentor.objects.filter(pk__in=[kept.mentor_id for kept in due]).select_related("user")
    found = openings_of(list(mentors), now)
    unchanged = {kept.pk: kept.changes for kept in due}
    with transaction.atomic():
        locked = KeptOpenings.objects.select_for_update(skip_locked=True).filter(pk__in=unchanged)
        mine = [kept for kept in locked if kept.changes == unchanged[kept.pk]]
        for kept in mine:
            openings = found[kept.mentor_id]
            kept.half_hours = openings.half_hours
            kept.due_at = max(from_epoch_minute(openings.lasts_until), now + SOONEST)
        KeptOpenings.objects.bulk_update(mine, ["due_at", "half_hours"])
        NextOpening.objects.filter(mentor__in=[kept.mentor_id for kept in mine]).delete()
        NextOpening.objects.bulk_create(
            NextOpening(
                mentor_id=kept.mentor_id,
                session_type_id=session_type,
                starts_at=from_epoch_minute(start),
                closes_at=from_epoch_minute(closes),
            )
            for kept in mine
            for session_type, start, closes in found[kept.mentor_id].starts
        )
    return len(mine)


def rebuild_openings(now: datetime) -> None:
    """Those of every mentor, whatever was kept: for a database that was filled in another way. Safe to repeat."""
    missing = Mentor.objects.filter(kept_openings=None).values_list("pk", flat=True)
    KeptOpenings.objects.bulk_create(
        [KeptOpenings(mentor_id=pk, due_at=AT_ONCE) for pk in missing], ignore_conflicts=True
    )
    _mark(KeptOpenings.objects.all())
    while refresh_openings(now):
        pass
