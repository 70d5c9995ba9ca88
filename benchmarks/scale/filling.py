"""The databases that are measured: one for each size, filled once and kept between runs.

Needs Django to be set up with the database of that size.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from benchmarks.scale.rows import Insert, statements
from benchmarks.scale.sizes import NOW, Size
from bookings.services import rebuild_openings
from mentors.models import Facet, Field, Mentor, Skill
from mentors.services import keep_figures, keep_prices, keep_words

HERE = Path(__file__).parent
SOURCES = [HERE / "sizes.py", *sorted((HERE / "rows").glob("*.py"))]
# What a database was filled by stands in its comment, so that other rows are filled anew.
FILLED_BY = sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()[:16]
# In the order in which they can be dropped; they are made again the other way round.
KINDS = "fxup"


def prepare(size: Size) -> float:
    """Migrate, and fill what is empty. The seconds that filling took, none when it had been."""
    before = len(MigrationRecorder(connection).applied_migrations())
    with connection.cursor() as cursor:
        # Migrating, and filling, takes what it takes.
        cursor.execute("SET statement_timeout = 0")
        call_command("migrate", verbosity=0)
        cursor.execute("RESET statement_timeout")
        if comment(cursor) == FILLED_BY:
            keep_values()
            if len(MigrationRecorder(connection).applied_migrations()) > before:
                cursor.execute("ANALYZE")
            return 0
        began = time.monotonic()
        _fill(cursor, size)
        keep_values()
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute(f"COMMENT ON DATABASE {_name()} IS '{FILLED_BY}'")
    return time.monotonic() - began


def keep_values() -> None:
    """What services keep beside the rows that they write, once."""
    if Facet.objects.exists():
        return
    for number, skill in enumerate(Skill.objects.order_by("pk")[:6], 1):
        field, _ = Field.objects.get_or_create(
            slug=f"field-{number}", defaults={"name": f"Field {number}", "position": number}
        )
        field.skills.add(skill)
    keep_words(Mentor.objects.all())
    keep_prices(Mentor.objects.all())
    keep_figures(NOW)
    rebuild_openings(NOW)


def comment(cursor: Any) -> str | None:
    cursor.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    )
    words: str | None = cursor.fetchone()[0]
    return words


def _name() -> str:
    return connection.ops.quote_name(connection.settings_dict["NAME"])


def _fill(cursor: Any, size: Size) -> None:
    """Indexes and constraints are made once the rows are there, which is faster and checks every one of them."""
    cursor.execute("SET statement_timeout = 0")
    cursor.execute("SET maintenance_work_mem = '512MB'")
    cursor.execute("SET work_mem = '256MB'")
    cursor.execute("SET synchronous_commit = off")
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    # What migrating fills.
    kept = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions", "django_site"}
    cursor.execute(f"TRUNCATE {', '.join(sorted(set(tables) - kept))} RESTART IDENTITY")
    cursor.execute("DROP TABLE IF EXISTS plan")
    with _without_indexes(cursor):
        for statement in statements(size):
            if isinstance(statement, Insert):
                statement.run(cursor)
            else:
                cursor.execute(statement)
    for sql in connection.ops.sequence_reset_sql(no_style(), apps.get_models(include_auto_created=True)):
        cursor.execute(sql)
    cursor.execute("VACUUM (ANALYZE)")
    cursor.execute("CHECKPOINT")
    for name in ("statement_timeout", "maintenance_work_mem", "work_mem", "synchronous_commit"):
        cursor.execute(f"RESET {name}")


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    cursor.execute(
        """
        SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid), contype::text
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'x', 'u', 'p')
        """
    )
    constraints = sorted(cursor.fetchall(), key=lambda row: KINDS.index(row[3]))
    for table, name, _, _ in constraints:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute("SELECT quote_ident(indexname), indexdef FROM pg_indexes WHERE schemaname = 'public'")
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition, _ in reversed(constraints):
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
