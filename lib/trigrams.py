"""Looking for words within a text, on PostgreSQL: an index by groups of three letters (pg_trgm)."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

Step = Callable[[Any, BaseDatabaseSchemaEditor], None]

logger = logging.getLogger(__name__)


def add_trigram_index(name: str, *, table: str, text: str) -> RunPython:
    """A migration's step: index `text`, an expression over one row of the table.

    Does nothing on SQLite. Where the server has no pg_trgm, or this user may not create the extension, it warns and
    goes on: searching reads the whole table then, and finds the same.
    """
    return RunPython(_create(name, table, text), _drop(name))


def drop_trigram_index(name: str, *, table: str, text: str) -> RunPython:
    """A migration's step: that index goes; backwards it comes again."""
    return RunPython(_drop(name), _create(name, table, text))


def _create(name: str, table: str, text: str) -> Step:
    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql" and _has_trigrams(editor):
            editor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} USING gin (({text}) gin_trgm_ops)")

    return create


def _drop(name: str) -> Step:
    def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP INDEX IF EXISTS {name}")

    return drop


def _has_trigrams(editor: BaseDatabaseSchemaEditor) -> bool:
    try:
        with transaction.atomic(editor.connection.alias):
            editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning("no trigram index: searching reads whole tables", extra={"reason": str(error)})
        return False
    return True
