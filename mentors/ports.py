"""What mentors' pages ask of upper apps, which answer from when they start: payments know what can be paid."""

from collections.abc import Callable

from lib.money import EXPONENTS

_takers: list[Callable[[str], bool]] = []


def register(*, takes: Callable[[str], bool]) -> None:
    """Registering the same function again changes nothing."""
    if takes not in _takers:
        _takers.append(takes)


def is_payable(currency: str) -> bool:
    """Whether a session can be paid in that currency."""
    return any(takes(currency) for takes in _takers)


def payable_currencies() -> list[str]:
    return [currency for currency in EXPONENTS if is_payable(currency)]
