"""What cancelling a session would mean for the money, before anybody presses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import TextChoices

from bookings.models import Booking, Status
from bookings.policy import Quote, at_most, quote
from bookings.ports import left_of
from lib.clock import format_short_moment
from lib.money import format_money


class RefundChoice(TextChoices):
    """How staff decide."""

    ALL = "all", "Everything"
    POLICY = "policy", "What the policy gives"
    PART = "part", "Another part"
    NONE = "none", "Nothing"


@dataclass(frozen=True)
class Step:
    """What cancelling gives back from that instant on, or from now."""

    since: datetime | None
    refund_minor: int


@dataclass(frozen=True)
class Terms:
    """`left_minor` is what can still go back of what was paid, and `went_back_minor` what did so before;
    `refusal` says why nothing can at the moment."""

    status: Status
    quote: Quote
    left_minor: int = 0
    went_back_minor: int = 0
    is_paid: bool = False
    refusal: str = ""

    @property
    def token(self) -> str:
        """What a page says it has shown: with other terms it is another."""
        return f"{self.status}:{self.left_minor}:{self.quote.refund_minor}"

    def change_since(self, token: str, currency: str) -> str:
        """What is another by now than a page with that token said, old and new; empty when nothing is."""
        if token == self.token:
            return ""
        words = "What comes back has changed since you looked"
        seen = re.fullmatch(r"[a-z_]+:\d+:(\d{1,10})", token, re.ASCII)
        if self.is_paid and seen and int(seen[1]) != self.quote.refund_minor:
            was, now = (format_money(minor, currency) for minor in (int(seen[1]), self.quote.refund_minor))
            words += f": it was {was}, and it is now {now}"
        return f"{words}. Please look again."

    def steps(self) -> Iterator[Step]:
        """What comes back now, and after each line of the policy."""
        since, found = None, self.quote
        yield Step(None, found.refund_minor)
        while found.after is not None:
            since, found = found.until, found.after
            yield Step(since, found.refund_minor)

    def chosen(self, choice: RefundChoice, part_minor: int = 0) -> int:
        return {
            RefundChoice.ALL: self.left_minor,
            RefundChoice.POLICY: self.quote.refund_minor,
            RefundChoice.PART: part_minor,
            RefundChoice.NONE: 0,
        }[choice]


def terms_of(booking: Booking, now: datetime) -> Terms:
    """A session that nobody has paid for costs nothing to cancel, nor does one that its mentor asks to move."""
    status = Status(booking.status)
    if status is not Status.SCHEDULED or booking.is_free:
        return Terms(status, Quote(0))
    left = left_of(booking)
    asked = booking.move_requests.open_at(now).exclude(asked_by=booking.student_id).first()
    by_policy = quote(
        booking.cancellation_policy,
        price_minor=booking.price_minor,
        fee_minor=booking.fee_minor,
        currency=booking.currency,
        starts_at=booking.starts_at,
        now=asked.answer_by if asked else now,
    )
    found = Quote(booking.amount_minor, until=asked.answer_by, after=by_policy) if asked else by_policy
    return Terms(
        status,
        at_most(found, left.minor),
        left.minor,
        went_back_minor=left.went_back_minor,
        is_paid=True,
        refusal=left.refusal,
    )


def describe_quote(found: Quote, currency: str, zone: ZoneInfo) -> str:
    """`Cancel before Tue 8 Dec, 6:00 pm and ₹1,050 comes back; after that ₹500.`"""
    if found.until is None:
        return f"{_amount(found, currency).capitalize()} comes back if you cancel now."
    return f"Cancel before {format_short_moment(found.until, zone)} and {_and_then(found, currency, zone)}"


def describe_ahead(found: Quote, currency: str, zone: ZoneInfo) -> str:
    """`before Tue 8 Dec, 6:00 pm ₹1,050 comes back; after that ₹500.`, of a session that is not booked yet."""
    if found.until is None:
        return f"{_amount(found, currency)} comes back."
    return f"before {format_short_moment(found.until, zone)} {_and_then(found, currency, zone)}"


def _and_then(found: Quote, currency: str, zone: ZoneInfo) -> str:
    words = f"{_amount(found, currency)} comes back"
    joint = "; after that "
    while found.after is not None:
        found = found.after
        words += joint + _amount(found, currency)
        if found.until is not None:
            words += f" until {format_short_moment(found.until, zone)}"
            joint = ", then "
    return words + "."


def _amount(found: Quote, currency: str) -> str:
    return format_money(found.refund_minor, currency) if found.refund_minor else "nothing"
