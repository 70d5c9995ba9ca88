"""What sessions ask of upper apps, which register their answers when they start: payments know what money has done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.models import Booking

# What their students are told meanwhile, by primary key.
Checked = Mapping[int, str]


@dataclass(frozen=True)
class Refundable:
    """`refusal` says why nothing can go back at the moment, whatever was agreed; empty when it can.

    `went_back_minor` is with whoever paid already, or on its way there.
    """

    minor: int
    refusal: str = ""
    went_back_minor: int = 0


_left_of: list[Callable[[Booking], Refundable]] = []
_being_checked: list[Callable[[Sequence[Booking], datetime], Checked]] = []


def register(
    *,
    left_of: Callable[[Booking], Refundable],
    being_checked: Callable[[Sequence[Booking], datetime], Checked],
) -> None:
    """Registering the same functions again changes nothing."""
    if left_of not in _left_of:
        _left_of.append(left_of)
    if being_checked not in _being_checked:
        _being_checked.append(being_checked)


def left_of(booking: Booking) -> Refundable:
    """How much of what was paid can still go back: of a session that was never paid nothing."""
    found = [answer(booking) for answer in _left_of]
    return Refundable(
        minor=sum(each.minor for each in found),
        went_back_minor=sum(each.went_back_minor for each in found),
        refusal=" ".join(each.refusal for each in found if each.refusal),
    )


def being_checked(bookings: Sequence[Booking], now: datetime) -> dict[int, str]:
    """Those whose money a bank or staff are checking, for which nobody should pay again.

    All the page's rows at once, at the cost of one query, or of none when nothing costs money.
    """
    charged = [booking for booking in bookings if not booking.is_free]
    found: dict[int, str] = {}
    for answer in _being_checked:
        found |= answer(charged, now) if charged else {}
    return found
