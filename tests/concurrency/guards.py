"""Guards that are taken away at the SQL, to show that a race is real.

They are away on connections that are opened meanwhile: each thread of a race opens its own.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.signals import connection_created

LOCK = re.compile(r' FOR (NO KEY )?UPDATE( OF "\w+"(, "\w+")*)?$')

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]
Wrapper = Callable[[Execute, str, Any, bool, dict[str, Any]], Any]


@contextmanager
def on_new_connections(wrapper: Wrapper) -> Iterator[None]:
    """Every statement of theirs goes through `wrapper`, as by `connection.execute_wrapper`."""
    wrapped: list[Any] = []

    def wrap(connection: Any, **_: Any) -> None:
        if wrapper not in connection.execute_wrappers:
            connection.execute_wrappers.append(wrapper)
            wrapped.append(connection)

    connection_created.connect(wrap)
    try:
        yield
    finally:
        connection_created.disconnect(wrap)
        for connection in wrapped:
            connection.execute_wrappers.remove(wrapper)


@contextmanager
def without_row_locks(*tables: str, after_read: Callable[[], Any] | None = None) -> Iterator[None]:
    """Rows of these tables are read where they would be locked. `after_read` is called after each such read of the
    last of them."""

    def read(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        lock = LOCK.search(sql)
        table = next((each for each in tables if lock and f'FROM "{each}"' in sql), None)
        found = execute(LOCK.sub("", sql) if table else sql, params, many, context)
        if table == tables[-1] and after_read:
            after_read()
        return found

    with on_new_connections(read):
        yield


@contextmanager
def meeting_after_reading(table: str, count: int) -> Iterator[None]:
    """Each of `count` threads waits for the others when it has read that table for the first time."""
    meet = meeting(count)

    def read(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and f'FROM "{table}"' in sql:
            meet()
        return found

    with on_new_connections(read):
        yield


def meeting(count: int) -> Callable[[], None]:
    """What `count` threads call: each waits for all the others, the first time that it comes by."""
    barrier, been = threading.Barrier(count), threading.local()

    def meet() -> None:
        if not getattr(been, "here", False):
            been.here = True
            barrier.wait(30)

    return meet
