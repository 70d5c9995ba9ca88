"""Looking for words within a text, on PostgreSQL: an index by groups of three letters (pg_trgm)."""

import logging
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

logger = logging.getLogger(__name__)


def add_trigram_index(name: str, *, table: str, text: str) -> RunPython:
    """A migration's step: index `text`, an expression over one row of the table.

    Does nothing on SQLite. Where the server has no pg_trgm, or this user may not create the extension, it warns and
    goes on: searching reads the whole table then, and finds the same.
    """

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql" and _has_trigrams(editor):
            editor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin (({text}) gin_trgm_ops)")

    def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP INDEX IF EXISTS {name}")

    return RunPython(create, drop)


def drop_trigram_index(name: str, *, table: str, text: str) -> RunPython:
    """A migration's step: the index of those words goes; backwards it comes again."""
    step = add_trigram_index(name, table=table, text=text)
    return RunPython(step.reverse_code, step.code)


def _has_trigrams(editor: BaseDatabaseSchemaEditor) -> bool:
    try:
        with transaction.atomic(editor.connection.alias):
            editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning("no trigram index: searching reads whole tables", extra={"reason": str(error)})
        return False
    return True
