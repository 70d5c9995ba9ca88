"""What mentors' pages ask of upper apps, which answer from when they start: payments know what can be paid."""

from collections.abc import Callable

from lib.money import EXPONENTS

_takers: list[Callable[[str], bool]] = []
_fees: list[Callable[[int, str], int]] = []


def register(*, takes: Callable[[str], bool]) -> None:
    """Registering the same function again changes nothing."""
    if takes not in _takers:
        _takers.append(takes)


def register_fee(fee: Callable[[int, str], int]) -> None:
    """Registering the same function again changes nothing."""
    if fee not in _fees:
        _fees.append(fee)


def fee_on(price_minor: int, currency: str) -> int:
    """What the platform adds to a price, in minor units, as it is quoted beside it."""
    return sum(fee(price_minor, currency) for fee in _fees)


def is_payable(currency: str) -> bool:
    """Whether a session can be paid in that currency."""
    return any(takes(currency) for takes in _takers)


def payable_currencies() -> list[str]:
    return [currency for currency in EXPONENTS if is_payable(currency)]
