"""What all sweeps have in common: a row's trouble is its own, nothing goes on for ever, and failures are counted.

A sweep is work that nobody waits for: the schedule asks for it, and it takes up whatever rows are due.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

from celery import Task, shared_task
from django.db import connection
from django.db.models import Model, QuerySet
from django.dispatch import Signal

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Given = ParamSpec("Given")

# Sent once a part of a sweep, with `swept`, a `Swept`. Whoever keeps the books of failures listens.
part_swept = Signal()

SECONDS = 45.0
BATCH = 1_000
# More than one sweep gets through in its time.
MOST_ROWS = 20 * BATCH


@dataclass(frozen=True)
class Row:
    """What is taken up, as staff know it: a reference, or a name. `model` and `pk` when it is a row of ours."""

    label: str
    model: str = ""
    pk: int | None = None


@dataclass
class Swept:
    """What became of one part of a sweep, which is told from all others by its name."""

    name: str
    done: list[Row] = field(default_factory=list)
    failed: dict[Row, Exception] = field(default_factory=dict)


def alone(*, time_limit: int | None = None) -> Callable[[Callable[Given, None]], "Task[Given, None]"]:
    """A task that never runs twice at once, and of which it is noted when it went through: see `config.celery`.

    `time_limit`, in seconds, ends it, and is how long a worker that is killed in the middle keeps others away.
    """
    options: dict[str, Any] = {"alone": True, "time_limit": time_limit}
    task: Callable[[Callable[Given, None]], Task[Given, None]] = shared_task(**options)
    return task


def each(
    name: str,
    items: Iterable[Item],
    work: Callable[[Item], object],
    *,
    called: Callable[[Item], Row],
    seconds: float | None = SECONDS,
    stops_at: tuple[type[Exception], ...] = (),
) -> Swept:
    """Do the work for one after another; whatever it raises for one is logged and counted, and holds up no other.

    Begins no more after so many seconds: the next sweep goes on. What `stops_at` names is raised, since it is
    everybody's trouble. Each item's work keeps its own transaction.
    """
    swept = Swept(name)
    ends = None if seconds is None else time.monotonic() + seconds
    try:
        for item in items:
            if ends is not None and time.monotonic() >= ends:
                logger.warning("sweep stopped in the middle, the next one goes on", extra={"sweep": name})
                break
            row = called(item)
            error = attempt(name, row, partial(work, item), stops_at=stops_at)
            if error is None:
                swept.done.append(row)
            else:
                swept.failed[row] = error
    finally:
        part_swept.send_robust(each, swept=swept)
    return swept


def each_row(
    name: str, rows: QuerySet[Any], work: Callable[[int], object], *, seconds: float | None = SECONDS
) -> Swept:
    """`each` for rows of a table, by their primary keys; at most `MOST_ROWS` of them, and the next sweep goes on."""
    model = rows.model
    words = "reference" if any(column.name == "reference" for column in model._meta.fields) else "pk"
    return each(
        name,
        rows.values_list("pk", words)[:MOST_ROWS],
        lambda found: work(found[0]),
        called=lambda found: row_of(model, *found),
        seconds=seconds,
    )


def row_of(model: type[Model], pk: int, words: object) -> Row:
    label = f"{model._meta.verbose_name} {words}" if words == pk else str(words)
    return Row(label, model._meta.label_lower, pk)


def attempt(
    name: str, row: Row, work: Callable[[], object], *, stops_at: tuple[type[Exception], ...] = ()
) -> Exception | None:
    """Do one row's work; what it raised, logged, or None. Within a transaction the work must keep a savepoint."""
    try:
        work()
    except stops_at:
        raise
    except Exception as error:
        logger.exception("sweep failed on one", extra={"sweep": name, "row": row.label})
        if not connection.in_atomic_block:
            # A connection that broke under this row is not left to the next one.
            connection.close_if_unusable_or_obsolete()
        return error
    return None


def delete_in_batches(rows: QuerySet[Any], *, most: int = MOST_ROWS) -> int:
    """Delete at most so many rows, some at a time, so that nobody waits long for a lock; returns how many."""
    deleted = 0
    while deleted < most:
        batch = list(rows.order_by().values_list("pk", flat=True)[: min(BATCH, most - deleted)])
        if not batch:
            break
        rows.model._default_manager.filter(pk__in=batch).delete()
        deleted += len(batch)
    return deleted
