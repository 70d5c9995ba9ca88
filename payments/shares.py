"""Whose is the money that came in for a session. The one place that divides it.

What goes back to the student, or is lost to a chargeback, comes out of the mentor's price first; the platform's
fee is touched only by what exceeds the price. So a part that is refunded leaves the fee with the platform, a
full refund returns everything, and nobody's share is ever below nothing. For the database, which sums what
mentors earn, `Payment.due_minor` says the same in SQL, and a test holds the two together.
"""

from dataclasses import dataclass, fields
from typing import Protocol


class Facts(Protocol):
    """A payment whose money came in, in minor units of one currency; the fee is a part of the amount."""

    @property
    def amount_minor(self) -> int: ...

    @property
    def platform_fee_minor(self) -> int: ...

    @property
    def refunded_minor(self) -> int: ...

    @property
    def reserved_minor(self) -> int: ...

    @property
    def lost_minor(self) -> int: ...


@dataclass(frozen=True)
class Amounts:
    """`Facts` of any number of payments that are alike."""

    amount_minor: int
    platform_fee_minor: int
    refunded_minor: int
    reserved_minor: int
    lost_minor: int


AMOUNTS = tuple(each.name for each in fields(Amounts))


@dataclass(frozen=True)
class Shares:
    """Where each unit is. Together they are what came in, and none is negative."""

    fee: int
    mentor: int
    refunded: int
    on_its_way: int
    lost: int

    @property
    def total(self) -> int:
        return self.fee + self.mentor + self.refunded + self.on_its_way + self.lost


def shares_of(payment: Facts) -> Shares:
    """Of a payment that succeeded; before that nothing came in. A chargeback of money that went back already
    takes more than came in: only what was still there counts as `lost`, see `overdrawn`."""
    refunded, on_its_way = payment.refunded_minor, payment.reserved_minor
    left = payment.amount_minor - refunded - on_its_way
    lost = min(payment.lost_minor, left)
    left -= lost
    price = payment.amount_minor - payment.platform_fee_minor
    mentor = max(price - refunded - on_its_way - lost, 0)
    return Shares(fee=left - mentor, mentor=mentor, refunded=refunded, on_its_way=on_its_way, lost=lost)


def overdrawn(payment: Facts) -> int:
    """What left beyond all that came in: refunded, and charged back as well."""
    gone = payment.refunded_minor + payment.reserved_minor + payment.lost_minor
    return max(gone - payment.amount_minor, 0)
