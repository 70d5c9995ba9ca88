"""What a session costs: pure, integers in the currency's minor unit, rounded half up once."""

from collections.abc import Mapping
from dataclasses import dataclass

from lib.money import step


@dataclass(frozen=True)
class Price:
    """`amount` is what the student pays: the mentor's price and the platform's fee."""

    price_minor: int
    fee_minor: int
    currency: str

    @property
    def amount_minor(self) -> int:
        return self.price_minor + self.fee_minor


def price_for(
    *,
    rate_minor: int,
    hourly: bool,
    duration_minutes: int,
    currency: str,
    fee_basis_points: int,
    fee_minimums: Mapping[str, int],
) -> Price:
    """Price and fee, each a whole step of the currency; a free session has no fee."""
    unit = step(currency)
    price = (
        _round_half_up(rate_minor * duration_minutes, 60, unit)
        if hourly
        else _round_half_up(rate_minor, 1, unit)
    )
    if price == 0:
        return Price(0, 0, currency)
    fee = _round_half_up(price * fee_basis_points, 10_000, unit)
    return Price(price, max(fee, fee_minimums.get(currency, 0)), currency)


def _round_half_up(numerator: int, denominator: int, unit: int) -> int:
    """A multiple of `unit`."""
    whole = denominator * unit
    return (2 * numerator + whole) // (2 * whole) * unit
