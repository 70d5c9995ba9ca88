"""What the larger site costs next to the smaller one, and whether that is too much more."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.scale.measuring import Figures

MOST, MOST_EVERY_MINUTE = 1.5, 1.2
# Differences up to these say nothing: a plan that turns from reading a small table to reading its index, and the clock.
ROWS_FLOOR, QUERIES_FLOOR, SQL_FLOOR, WHOLE_FLOOR = 1_000, 3, 2.0, 5.0


@dataclass(frozen=True)
class Cost:
    """Statements and rows of one time, and the least time of several: whatever else a machine does only adds to it."""

    queries: int
    rows: int
    sql: float
    whole: float
    tables: dict[str, int]
    slowest: str

    @classmethod
    def of(cls, figures: Sequence[Figures]) -> "Cost":
        last = figures[-1]
        return cls(
            queries=last.queries,
            rows=last.rows_read,
            sql=min(each.sql for each in figures),
            whole=min(each.whole for each in figures),
            tables=last.rows,
            slowest=last.slowest,
        )


@dataclass(frozen=True)
class Line:
    name: str
    is_every_minute: bool
    small: Cost | None
    large: Cost | None
    trouble: str = ""

    @property
    def most(self) -> float:
        return MOST_EVERY_MINUTE if self.is_every_minute else MOST

    @property
    def grown(self) -> list[str]:
        """What grew by more than it may, beyond what says nothing."""
        if self.small is None or self.large is None:
            return []
        facts = (
            ("rows", self.small.rows, self.large.rows, ROWS_FLOOR),
            ("queries", self.small.queries, self.large.queries, QUERIES_FLOOR),
            ("SQL", self.small.sql, self.large.sql, SQL_FLOOR),
            ("time", self.small.whole, self.large.whole, WHOLE_FLOOR),
        )
        return [
            name for name, small, large, floor in facts if large > small * self.most and large - small > floor
        ]

    @property
    def is_well(self) -> bool:
        return not self.trouble and not self.grown

    @property
    def verdict(self) -> str:
        if self.trouble:
            return f"FAILED: {self.trouble}"
        if not self.grown:
            return "met"
        words = f"GROWS ({', '.join(self.grown)})"
        if self.large and "rows" in self.grown:
            table, count = max(self.large.tables.items(), key=lambda item: item[1])
            words += f", most of {table}: {count:,}"
        return words

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "is_every_minute": self.is_every_minute,
            "small": self.small and asdict(self.small),
            "large": self.large and asdict(self.large),
            "verdict": self.verdict,
        }


def headline(small: str, large: str | None) -> str:
    if large is None:
        return f"{'':<62}{'queries':>8}{'rows read':>11}{'SQL ms':>9}{'ms':>9}"
    sizes = f"({large} ÷ {small})"
    return (
        f"{sizes:<62}{'queries':>10}{'rows read':>22}{'ratio':>7}"
        f"{'SQL ms':>18}{'ratio':>7}{'ms':>18}{'ratio':>7}"
    )


def row(line: Line) -> str:
    small, large = line.small, line.large
    if small is None or (large is None and line.trouble):
        return f"{line.name:<62} {line.verdict}"
    if large is None:
        return f"{line.name:<62}{small.queries:>8}{small.rows:>11,}{small.sql:>9.1f}{small.whole:>9.1f}"
    return (
        f"{line.name:<62}{small.queries:>4}{large.queries:>6}"
        f"{small.rows:>10,}{large.rows:>12,}{_ratio(small.rows, large.rows)}"
        f"{small.sql:>9.1f}{large.sql:>9.1f}{_ratio(small.sql, large.sql)}"
        f"{small.whole:>9.1f}{large.whole:>9.1f}{_ratio(small.whole, large.whole)}  {line.verdict}"
    )


def _ratio(small: float, large: float) -> str:
    return f"{large / small:>7.2f}" if small else f"{'-':>7}"
