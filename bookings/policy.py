"""What cancelling gives back, by the mentor's policy: pure shares and deadlines, no money moves here."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Line:
    """Cancelling at least `before` ahead of the start gives back `percent` of the price.

    At 100 the platform fee comes back too; below that the fee stays.
    """

    before: timedelta
    percent: int


POLICIES: dict[str, tuple[Line, ...]] = {
    "flexible": (Line(timedelta(hours=24), 100),),
    "moderate": (Line(timedelta(hours=48), 100), Line(timedelta(hours=24), 50)),
    "strict": (Line(timedelta(hours=72), 50),),
}


def describe(policy: str) -> str:
    """The policy in a sentence, before anyone has booked."""
    parts = []
    for line in POLICIES[policy]:
        hours = int(line.before.total_seconds() // 3600)
        share = "all your money back" if line.percent == 100 else f"{line.percent}% of the price back"
        parts.append(f"{share} until {hours} hours before")
    return f"{', '.join(parts).capitalize()}; after that nothing comes back."
