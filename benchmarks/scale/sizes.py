"""How large the measured sites are, and the instant at which all of them are looked at."""

from dataclasses import dataclass
from datetime import UTC, datetime

# A Wednesday, far from any clock change. Measuring takes place at it, so that what is kept never ages.
NOW = datetime(2026, 12, 2, 6, 30, tzinfo=UTC)
# Of each thing that a sweep takes up so many are due, on a small site and on a large one.
DUE = 10
SESSIONS_A_MENTOR, STUDENTS_A_MENTOR = 200, 20


@dataclass(frozen=True)
class Size:
    """Every mentor has 200 sessions and every student 10, whatever the size: one person's pages show the same."""

    name: str
    mentors: int

    @property
    def students(self) -> int:
        return self.mentors * STUDENTS_A_MENTOR

    @property
    def sessions(self) -> int:
        return self.mentors * SESSIONS_A_MENTOR

    @property
    def looked_at(self) -> int:
        """The mentor whose pages are measured: in the middle, and alike at every size: rows repeat by hundreds."""
        return min(self.mentors, self.mentors // 200 * 100 + 50)


SIZES = {size.name: size for size in (Size("small", 100), Size("tenth", 1_000), Size("full", 10_000))}
