"""Which sessions' money is being checked, by a bank or by staff: payments know, and say so here when they start."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bookings.models import Booking

Checked = Mapping[int, str]
_knowing: list[Callable[[Sequence[Booking], datetime], Checked]] = []


def register(checked: Callable[[Sequence[Booking], datetime], Checked]) -> None:
    if checked not in _knowing:
        _knowing.append(checked)


def being_checked(bookings: Sequence[Booking], now: datetime) -> dict[int, str]:
    """Those for which nobody should pay again: what their student is told meanwhile, by primary key.

    All the page's rows at once, at the cost of one query, or of none when nothing costs money.
    """
    charged = [booking for booking in bookings if not booking.is_free]
    found: dict[int, str] = {}
    for checked in _knowing:
        found |= checked(charged, now) if charged else {}
    return found
