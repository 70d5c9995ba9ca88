"""SQLite's counterpart of the exclusion constraint on time claims.

Django rebuilds a SQLite table when a migration alters it, and its triggers are lost without a word;
so they are installed after every migrate, and a system check insists that they are there. No claim is longer than
`bookings.models.LONGEST_CLAIM`, which bounds how many of a person's claims are looked at.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db import connections

NAMES = ("time_claim_never_overlaps_insert", "time_claim_never_overlaps_update")
_EVENTS = ("INSERT", "UPDATE OF booking_id, person_id, starts_at, ends_at")
_BODY = """
CREATE TRIGGER {name} BEFORE {event} ON bookings_timeclaim
WHEN EXISTS (
    SELECT 1 FROM bookings_timeclaim
    WHERE person_id = NEW.person_id AND booking_id <> NEW.booking_id
      AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at
      AND starts_at >= datetime(NEW.starts_at, '-24 hours')
)
BEGIN SELECT RAISE(ABORT, 'time_claim_never_overlaps'); END
"""


def install(*, using: str = "default", **_: Any) -> None:
    """Safe to repeat; does nothing on another database, or before the table exists."""
    connection = connections[using]
    if connection.vendor != "sqlite" or "bookings_timeclaim" not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for name, event in zip(NAMES, _EVENTS, strict=True):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(_BODY.format(name=name, event=event))


def missing(using: str = "default") -> list[str]:
    """The triggers that should be there and are not."""
    connection = connections[using]
    if connection.vendor != "sqlite" or "bookings_timeclaim" not in connection.introspection.table_names():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'bookings_timeclaim'"
        )
        present = {row[0] for row in cursor.fetchall()}
    return [name for name in NAMES if name not in present]


def check_triggers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"The trigger {name} is missing, so sessions could overlap.",
            hint="Run `python manage.py migrate`: it installs the triggers.",
            id="bookings.E001",
        )
        for using in databases or ()
        for name in missing(using)
    ]
