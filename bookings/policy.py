"""What cancelling gives back, by the mentor's policy: pure shares and deadlines, no money moves here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.money import step


@dataclass(frozen=True)
class Line:
    """Cancelling at least `before` ahead of the start gives back `percent` of the price.

    At 100 the platform fee comes back too; below that the fee stays.
    """

    before: timedelta
    percent: int


@dataclass(frozen=True)
class Quote:
    """What cancelling gives back up to and including the instant `until`, and what it gives `after` that.

    The last one has neither: it lasts.
    """

    refund_minor: int
    until: datetime | None = None
    after: "Quote | None" = None


POLICIES: dict[str, tuple[Line, ...]] = {
    "flexible": (Line(timedelta(hours=24), 100),),
    "moderate": (Line(timedelta(hours=48), 100), Line(timedelta(hours=24), 50)),
    "strict": (Line(timedelta(hours=72), 50),),
}


def moves_until(policy: str, starts_at: datetime) -> datetime:
    """Until when a student moves a session without asking: the policy's first line."""
    return starts_at - POLICIES[policy][0].before


def describe(policy: str) -> str:
    """The policy in a sentence, before anyone has booked."""
    parts = []
    for line in POLICIES[policy]:
        hours = int(line.before.total_seconds() // 3600)
        share = "all your money back" if line.percent == 100 else f"{line.percent}% of the price back"
        parts.append(f"{share} until {hours} hours before")
    return f"{', '.join(parts).capitalize()}; after that nothing comes back."


def percent_back(policy: str, before: timedelta) -> int:
    """Of the price, for who cancels that long before the start."""
    return next((line.percent for line in POLICIES[policy] if line.before <= before), 0)


def quote(
    policy: str, *, price_minor: int, fee_minor: int, currency: str, starts_at: datetime, now: datetime
) -> Quote:
    """What cancelling a paid session gives back by its policy, now and at each line that is still ahead."""
    lines = [line for line in POLICIES[policy] if starts_at - line.before >= now]
    found = Quote(0)
    for line in reversed(lines):
        amount = refund_share(price_minor, fee_minor, line.percent, currency)
        found = Quote(amount, until=starts_at - line.before, after=found)
    return found


def at_most(found: Quote, left_minor: int) -> Quote:
    """The same, when only so much of what was paid is left to give back; lines that then say the same are one."""
    after = at_most(found.after, left_minor) if found.after else None
    amount = min(found.refund_minor, left_minor)
    return after if after and after.refund_minor == amount else Quote(amount, found.until, after)


def refund_share(price_minor: int, fee_minor: int, percent: int, currency: str) -> int:
    """That share of the price, rounded half up once; the fee is a part of all, and of no less.

    It goes back, as it was paid, in whole steps of the currency.
    """
    if percent == 100:
        return price_minor + fee_minor
    unit = 100 * step(currency)
    return (2 * price_minor * percent + unit) // (2 * unit) * (unit // 100)
