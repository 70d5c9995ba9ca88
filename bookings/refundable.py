"""How much of what was paid for a session can still go back: payments know, and say so here when they start."""

from collections.abc import Callable
from dataclasses import dataclass

from bookings.models import Booking


@dataclass(frozen=True)
class Refundable:
    """`refusal` says why nothing can go back at the moment, whatever was agreed; empty when it can.

    `went_back_minor` is with whoever paid already, or on its way there.
    """

    minor: int
    refusal: str = ""
    went_back_minor: int = 0


_knowing: list[Callable[[Booking], Refundable]] = []


def register(left_of: Callable[[Booking], Refundable]) -> None:
    if left_of not in _knowing:
        _knowing.append(left_of)


def left_of(booking: Booking) -> Refundable:
    """Of a session that was never paid nothing is left."""
    found = [left_of(booking) for left_of in _knowing]
    return Refundable(
        minor=sum(each.minor for each in found),
        went_back_minor=sum(each.went_back_minor for each in found),
        refusal=" ".join(each.refusal for each in found if each.refusal),
    )
