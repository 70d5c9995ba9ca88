"""A database that fails at what a test names."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def failing_statements(pattern: str, error: Exception, *, times: int = 10_000) -> Iterator[None]:
    """The next `times` statements of this thread in which the pattern is found raise, and are not sent."""
    left = times

    def send(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        if left and re.search(pattern, sql):
            left -= 1
            raise error
        return execute(sql, params, many, context)

    with connection.execute_wrapper(send):
        yield
