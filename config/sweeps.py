"""The books of the sweeps: each runs once at a time, and what fails in one is noted until it succeeds."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.dispatch import receiver
from django.utils import timezone

from config.models import FailingRow, Sweep
from lib.redaction import redacted
from lib.sweeping import Row, Swept, delete_in_batches, part_swept

logger = logging.getLogger(__name__)

# A sweep in which everything fails has one cause: the first ones name it, and the log has them all.
MOST_NOTED = 100
# Longer than anything waits for its next try: what was not met again is over.
NOT_MET_FOR = timedelta(days=2)
KEPT_FOR = timedelta(days=90)
# What stands for the sweep itself.
WHOLE = "all of it"


def run_alone(name: str, work: Callable[[], Any], *, holder: str, lasts: timedelta) -> Any:
    """Do the work unless another holder is at it. `lasts` is longer than the work may take: the hold of one who was
    killed lapses then. A holder who comes again has it at once. What the work raises is noted, and raised."""
    now = timezone.now()
    if not Sweep.objects.take(name, holder=holder, now=now, until=now + lasts):
        logger.info("sweep left out, the one before it is still at work", extra={"sweep": name})
        return None
    finished = {}
    try:
        result = work()
        finished["finished_at"] = timezone.now()
    except Exception as error:
        note(Swept(name, failed={Row(WHOLE): error}), now=timezone.now())
        raise
    finally:
        Sweep.objects.filter(name=name, holder=holder).update(
            holder="", held_until=timezone.now(), **finished
        )
    note(Swept(name, done=[Row(WHOLE)]), now=timezone.now())
    return result


@receiver(part_swept, dispatch_uid="config.note_part")
def note_part(swept: Swept, **kwargs: Any) -> None:
    note(swept, now=timezone.now())


def note(swept: Swept, *, now: datetime) -> None:
    """Count what failed, and resolve what went well."""
    of_sweep = FailingRow.objects.filter(sweep=swept.name)
    if swept.done and (failing := set(of_sweep.open().values_list("row", flat=True))):
        well = failing & {row.label for row in swept.done}
        of_sweep.filter(row__in=well).update(resolved_at=now)
    for row, error in list(swept.failed.items())[:MOST_NOTED]:
        _note_failure(swept.name, row, redacted(f"{type(error).__name__}: {error}")[:300], now)


def _note_failure(sweep: str, row: Row, error: str, now: datetime) -> None:
    found, is_new = FailingRow.objects.get_or_create(
        sweep=sweep,
        row=row.label[:120],
        defaults={
            "model": row.model,
            "object_id": row.pk,
            "error": error,
            "first_at": now,
            "last_at": now,
        },
    )
    if is_new:
        return
    count, first_at = (F("count") + 1, found.first_at) if found.resolved_at is None else (1, now)
    FailingRow.objects.filter(pk=found.pk).update(
        count=count, error=error, first_at=first_at, last_at=now, resolved_at=None
    )


def tidy(now: datetime) -> None:
    """Resolve what was not met again, and forget what was resolved long ago."""
    FailingRow.objects.open().filter(last_at__lte=now - NOT_MET_FOR).update(resolved_at=now)
    delete_in_batches(FailingRow.objects.filter(resolved_at__lte=now - KEPT_FOR))
