"""What one subject costs on one database: statements, rows read, time. Needs Django to be set up."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction

# Part of no plan of the site: only a transaction within our own.
SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
# What the mock provider reads in its own books is not the site's.
COUNTERS = """
    SELECT relname, seq_tup_read + (
        SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes found WHERE found.relid = tables.relid
    )
    FROM pg_stat_user_tables tables WHERE relname NOT LIKE 'payments\\_mock%'
"""


@dataclass
class Figures:
    """`rows` are those that the database went through, by table, found by index or not.

    Times are milliseconds of a processor's work, which a busy machine hardly changes: the database's for us (Linux says
    it), and together with our own.
    """

    queries: int
    sql: float
    whole: float
    rows: dict[str, int] = field(default_factory=dict)
    slowest: str = ""

    @property
    def rows_read(self) -> int:
        return sum(self.rows.values())

    def divided_by(self, count: int) -> "Figures":
        """Of one of so many that were gone through, times a thousand."""
        part = count / 1000
        rows = {table: round(number / part) for table, number in self.rows.items()}
        return Figures(round(self.queries / part), self.sql / part, self.whole / part, rows, self.slowest)


@dataclass
class _Statements:
    """What goes to the database."""

    count: int = 0
    slowest: tuple[float, str] = (0, "")

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(SAVEPOINTS):
            return execute(sql, params, many, context)
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            taken = time.perf_counter() - began
            self.count += 1
            self.slowest = max(self.slowest, (taken, sql))


def measure(work: Callable[[], object]) -> Figures:
    """Do it once, in a transaction that is undone, with nothing cached before."""
    cache.clear()
    before = _counters()
    statements = _Statements()
    with transaction.atomic():
        backend = Path(f"/proc/{_backend()}/schedstat")
        theirs, ours = _worked(backend), time.process_time()
        with connection.execute_wrapper(statements):
            work()
        ours, theirs = time.process_time() - ours, _worked(backend) - theirs
        transaction.set_rollback(True)
    rows = {table: count - before.get(table, 0) for table, count in _counters().items()}
    return Figures(
        queries=statements.count,
        sql=theirs * 1000,
        whole=(ours + theirs) * 1000,
        rows={table: count for table, count in rows.items() if count},
        slowest=statements.slowest[1],
    )


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _worked(process: Path) -> float:
    """Seconds that it has had a processor. https://docs.kernel.org/scheduler/sched-stats.html"""
    return int(process.read_text().split()[0]) / 1e9


def _counters() -> dict[str, int]:
    """How many rows each table has been asked for since the server began."""
    with connection.cursor() as cursor:
        # What this connection has counted is handed in at the end of a statement.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(COUNTERS)
        return {table: int(count) for table, count in cursor.fetchall()}
