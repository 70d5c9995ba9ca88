"""The rows of a site of a given size, set-wise in SQL: the same every time, and as the services leave them.

Keys are counted up from 1: users are the mentors, then the students, then one of the staff. Session `i` is the `k`th of
mentor `m`, and its rows have keys made from `i`. Patterns repeat every hundred mentors, so that one person's rows are
alike at every size. What a model has and no statement here names is the model's default.
"""

from collections.abc import Iterator

from benchmarks.scale.rows import messages, money, people, sessions
from benchmarks.scale.rows.people import COMMON_WORD, RARE_WORD
from benchmarks.scale.rows.sql import Insert
from benchmarks.scale.sizes import Size

__all__ = ["COMMON_WORD", "RARE_WORD", "Insert", "statements"]


def statements(size: Size) -> Iterator[str | Insert]:
    yield from people.people(size)
    yield from people.mentors(size)
    yield sessions.plan(size)
    yield from sessions.sessions()
    yield from money.money(size)
    yield from messages.messages()
    yield from messages.doings(size)
    yield from sessions.kept_sums()
    yield "DROP TABLE plan"
