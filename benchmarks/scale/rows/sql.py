"""How rows are made in SQL."""

from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection

from benchmarks.scale.sizes import NOW


@dataclass(frozen=True)
class Insert:
    model: str
    source: str
    columns: dict[str, str] = field(default_factory=dict)

    def run(self, cursor: Any) -> None:
        fields = [each for each in apps.get_model(self.model)._meta.concrete_fields if not each.generated]
        given = {each: self.columns.get(each.attname) for each in fields}
        assert self.columns.keys() <= {each.attname for each in fields}, (self.model, self.columns)
        kept = {each: sql for each, sql in given.items() if sql is not None or not each.primary_key}
        values = [
            each.get_db_prep_save(each.get_default(), connection) for each, sql in kept.items() if sql is None
        ]
        names = ", ".join(f'"{each.column}"' for each in kept)
        expressions = ", ".join("%s" if sql is None else sql.replace("%", "%%") for sql in kept.values())
        table = apps.get_model(self.model)._meta.db_table
        source = self.source.replace("%", "%%")
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {source}", values)


def now(words: str = "") -> str:
    """An instant, some time after (or with a minus before) the present."""
    return f"(timestamptz '{NOW.isoformat()}' + interval '{words or '0'}')"


def one_of(words: str, number: str) -> str:
    choices = words.split()
    quoted = ", ".join(f"'{word}'" for word in choices)
    return f"(ARRAY[{quoted}])[1 + mod({number}, {len(choices)})]"


def code(number: str, salt: int) -> str:
    """Ten characters of a reference: another for every number."""
    return f"upper(lpad(to_hex(mod({number}::bigint * 387420489 + {salt}, 1099511627776)), 10, '0'))"
