"""A bar for each month, as the numbers of an SVG: pure, whole units of its view box."""

from collections.abc import Sequence
from dataclasses import dataclass

from lib.clock import format_month, format_month_of_year
from lib.money import format_money
from payments.reports.earnings import Month

WIDTH, HEIGHT = 880, 400
LEFT, TOP, BASE = 150, 30, 340
GRID_LINES = 4


@dataclass(frozen=True)
class Bar:
    """`words` are what a pointer that rests on it reads."""

    x: int
    y: int
    width: int
    height: int
    middle: int
    label: str
    words: str


@dataclass(frozen=True)
class GridLine:
    y: int
    label: str


@dataclass(frozen=True)
class Plot:
    bars: list[Bar]
    grid: list[GridLine]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = BASE
    label_y: int = HEIGHT - 16


def plot_months(months: Sequence[Month], currency: str) -> Plot | None:
    """Nothing to see, nothing to draw."""
    highest = max((month.share for month in months), default=0)
    if not highest:
        return None
    step = grid_step(highest)
    top = -(-highest // step) * step
    lines = [
        GridLine(_height_at(amount, top), format_money(amount, currency))
        for amount in range(0, top + 1, step)
    ]
    return Plot(
        bars=[_bar(month, place, len(months), top, currency) for place, month in enumerate(months)],
        grid=lines,
    )


def grid_step(highest: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … of which at most `GRID_LINES` cover the highest bar."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power * GRID_LINES >= highest:
                return digit * power
        power *= 10


def _bar(month: Month, place: int, count: int, top: int, currency: str) -> Bar:
    slot = (WIDTH - LEFT) // count
    width = slot * 3 // 5
    x = LEFT + place * slot + (slot - width) // 2
    y = min(_height_at(month.share, top), BASE - 3) if month.share else BASE
    amount = format_money(month.share, currency)
    return Bar(
        x=x,
        y=y,
        width=width,
        height=BASE - y,
        middle=x + width // 2,
        label=format_month_of_year(month.first),
        words=f"{format_month(month.first)}: {amount}",
    )


def _height_at(amount: int, top: int) -> int:
    return BASE - amount * (BASE - TOP) // top
