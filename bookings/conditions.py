"""What the wizard's last step says of a session, which is what pressing its button agrees to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from bookings.policy import POLICIES, describe
from lib.clock import format_duration, format_moment, from_param, to_param
from lib.money import EXPONENTS, format_money

NOT_READ = "We can’t tell what your page showed. Please check what it says now, and press again."


@dataclass(frozen=True)
class Conditions:
    """`policy` is empty for a free session, which costs nothing to cancel under any of them."""

    type_slug: str
    type_name: str
    minutes: int
    starts_at: datetime
    price_minor: int
    fee_minor: int
    currency: str
    policy: str
    requires_approval: bool

    @property
    def amount_minor(self) -> int:
        return self.price_minor + self.fee_minor

    @property
    def token(self) -> str:
        """The facts as a form carries them, readable so that the next page can say what they were.

        Nothing is booked by what it says, so it is not signed: it is compared, and with other facts it is another.
        """
        return urlencode(
            {
                "type": self.type_slug,
                "name": self.type_name,
                "minutes": self.minutes,
                "start": to_param(self.starts_at),
                "price": self.price_minor,
                "fee": self.fee_minor,
                "currency": self.currency,
                "policy": self.policy,
                "approval": int(self.requires_approval),
            }
        )

    @classmethod
    def read(cls, token: str) -> Self | None:
        """What a token says; None when it is none."""
        try:
            said = dict(parse_qsl(token, keep_blank_values=True, strict_parsing=True, max_num_fields=9))
            found = cls(
                type_slug=said["type"],
                type_name=said["name"],
                minutes=_number(said["minutes"]),
                starts_at=_instant(said["start"]),
                price_minor=_number(said["price"]),
                fee_minor=_number(said["fee"]),
                currency=said["currency"],
                policy=said["policy"],
                requires_approval=said["approval"] == "1",
            )
        except (KeyError, ValueError):
            return None
        is_known = found.currency in EXPONENTS and found.policy in ("", *POLICIES)
        return found if is_known and found.minutes else None

    def changes_since(self, token: str, mentor_name: str, zone: ZoneInfo) -> list[str]:
        """What is another by now than that page said, old and new; empty when nothing is."""
        if token == self.token:
            return []
        seen = self.read(token)
        return (list(self._changes(seen, mentor_name, zone)) if seen else []) or [NOT_READ]

    def _changes(self, seen: Self, mentor_name: str, zone: ZoneInfo) -> Iterator[str]:
        if (self.type_slug, self.type_name) != (seen.type_slug, seen.type_name):
            yield f"This is now “{self.type_name}”; it was “{seen.type_name}” when you looked."
        if self.minutes != seen.minutes:
            now, was = format_duration(self.minutes), format_duration(seen.minutes)
            yield f"It now lasts {now}; it was {was} when you looked."
        if self.starts_at != seen.starts_at:
            now, was = format_moment(self.starts_at, zone), format_moment(seen.starts_at, zone)
            yield f"It now begins {now}; it was {was} when you looked."
        if (self.amount_minor, self.currency) != (seen.amount_minor, seen.currency):
            yield f"The price is now {self._price()}; it was {seen._price()} when you looked."
        elif self.fee_minor != seen.fee_minor:
            now, was = (format_money(each.fee_minor, each.currency) for each in (self, seen))
            yield f"Of the price {now} is now the platform fee; it was {was} when you looked."
        if self.policy and seen.policy and self.policy != seen.policy:
            yield f"If you cancel, it is now: {describe(self.policy)} It was: {describe(seen.policy)}"
        if self.requires_approval and not seen.requires_approval:
            yield f"{mentor_name} now answers each request before it counts; it was booked at once when you looked."
        if seen.requires_approval and not self.requires_approval:
            yield f"It is now booked at once; it waited for {mentor_name}’s answer when you looked."

    def _price(self) -> str:
        return format_money(self.amount_minor, self.currency) if self.amount_minor else "nothing"


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _instant(text: str) -> datetime:
    if (at := from_param(text)) is None:
        raise ValueError(text)
    return at
