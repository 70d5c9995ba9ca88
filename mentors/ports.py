"""What mentors' pages ask of upper apps, which answer from when they start: payments know what can be paid,
bookings what is open."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from lib.money import EXPONENTS

# What is open when, as a filter on mentors: the name of a time, the reader's zone, now.
WhenOpen = Callable[[str, ZoneInfo, datetime], Q]

_takers: list[Callable[[str], bool]] = []
_fees: list[Callable[[int, str], int]] = []
_when_open: list[WhenOpen] = []


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


def register_when_open(when_open: WhenOpen) -> None:
    """Registering the same function again changes nothing."""
    if when_open not in _when_open:
        _when_open.append(when_open)


def open_when(when: str, zone: ZoneInfo, now: datetime) -> Q:
    """A filter on mentors: who has something open then, be it "week" (the next seven days) or a part of its days."""
    found = Q()
    for when_open in _when_open:
        found &= when_open(when, zone, now)
    return found


def is_payable(currency: str) -> bool:
    """Whether a session can be paid in that currency."""
    return any(takes(currency) for takes in _takers)


def payable_currencies() -> list[str]:
    return [currency for currency in EXPONENTS if is_payable(currency)]
