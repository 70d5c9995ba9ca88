"""Which currencies a session can be paid in: payments know, and say so here when they start."""

from collections.abc import Callable

from lib.money import EXPONENTS

_takers: list[Callable[[str], bool]] = []


def register(takes: Callable[[str], bool]) -> None:
    _takers.append(takes)


def is_payable(currency: str) -> bool:
    return any(takes(currency) for takes in _takers)


def payable_currencies() -> list[str]:
    return [currency for currency in EXPONENTS if is_payable(currency)]
