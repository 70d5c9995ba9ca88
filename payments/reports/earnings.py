"""What a mentor earned: each payment's share waits, can be paid out, and was. Reads only; payouts are services.

At any time pending + available + paid out is the mentor's share of all that came in.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from mentors.models import Mentor
from payments.models import FormerPayee, Payment, PaymentQuerySet, PayoutLine
from payments.shares import shares_of

# After the session's end, for whoever has something to say about it.
WAIT = timedelta(hours=48)


class State(StrEnum):
    PENDING = "pending"
    AVAILABLE = "available"
    PAID_OUT = "paid_out"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Earning:
    """A mentor's share of one payment, in minor units. `paid` went out in payouts, corrections included."""

    payment: Payment
    mentor_pk: int
    ends_at: datetime
    paid: int
    has_share_paid: bool
    now: datetime

    @cached_property
    def share(self) -> int:
        return shares_of(self.payment).mentor

    @property
    def fee(self) -> int:
        return shares_of(self.payment).fee

    @property
    def back(self) -> int:
        """What went back to the student, is on its way, or was lost to a chargeback."""
        found = shares_of(self.payment)
        return found.refunded + found.on_its_way + found.lost

    @property
    def available_at(self) -> datetime:
        return self.ends_at + WAIT

    @property
    def due(self) -> int:
        """Not paid out yet; below nothing when too much was."""
        return self.share - self.paid

    @property
    def is_held(self) -> bool:
        """Nothing is paid out yet; what has to come back is taken from the next payout at once."""
        return self.due > 0 and (self.payment.is_disputed or self.available_at > self.now)

    @property
    def pending(self) -> int:
        return self.due if self.is_held else 0

    @property
    def available(self) -> int:
        return 0 if self.is_held else self.due

    @property
    def state(self) -> State:
        if self.is_held:
            return State.PENDING
        if self.due > 0:
            return State.AVAILABLE
        return State.PAID_OUT if self.paid else State.NOTHING


@dataclass(frozen=True)
class Totals:
    currency: str
    pending: int = 0
    available: int = 0
    paid_out: int = 0


@dataclass(frozen=True)
class Month:
    """`first` is its first day. A session counts in the month in which it ends, by the mentor's clock."""

    first: date
    sessions: int
    share: int


@dataclass(frozen=True)
class Payee:
    name: str
    email: str
    is_former: bool = False


@dataclass(frozen=True)
class PayoutDue:
    """What can be paid out to a mentor now, in one currency."""

    mentor: Mentor
    currency: str
    amount_minor: int

    @property
    def payee(self) -> Payee:
        """Whom to pay: by the name that is kept for it when the mentor's account is closed."""
        former: FormerPayee | None = getattr(self.mentor, "former_payee", None)
        if former is not None:
            return Payee(former.name, former.email, is_former=True)
        return Payee(self.mentor.user.name, self.mentor.user.email)


def earnings_of(mentor: Mentor, now: datetime) -> list[Earning]:
    """All of a mentor's, the latest session first, in one query."""
    rows = _with_paid(Payment.objects.counted().filter(booking__mentor=mentor))
    return _earnings(rows.order_by("-booking__ends_at", "-pk"), now)


def payouts_due(now: datetime) -> list[PayoutDue]:
    """Every mentor with something to be paid out, by name, in two queries."""
    rows = _with_paid(Payment.objects.counted())
    # Nothing happened to these since they were paid out, and most payments are such.
    settled = Q(
        paid=F("amount_minor") - F("platform_fee_minor"), refunded_minor=0, reserved_minor=0, lost_minor=0
    )
    over = Q(ends_at__lte=now - WAIT) | ~Q(paid=0)
    found: dict[tuple[int, str], int] = defaultdict(int)
    for earning in _earnings(rows.exclude(settled).filter(over), now):
        found[earning.mentor_pk, earning.payment.currency] += earning.available
    mentors = Mentor.objects.select_related("user", "former_payee").in_bulk({mentor for mentor, _ in found})
    due = [PayoutDue(mentors[pk], currency, amount) for (pk, currency), amount in found.items() if amount > 0]
    return sorted(due, key=lambda each: (each.payee.name, each.mentor.pk, each.currency))


def totals_of(user: User, now: datetime) -> list[Totals]:
    """What a person earned as a mentor; nothing for somebody who is none."""
    mentor = Mentor.objects.filter(user=user).first()
    return totals(earnings_of(mentor, now)) if mentor else []


def totals(earnings: Iterable[Earning]) -> list[Totals]:
    """By currency, the one with the most sessions first."""
    by_currency = _by_currency(earnings)
    return [
        Totals(
            currency=currency,
            pending=sum(each.pending for each in rows),
            available=sum(each.available for each in rows),
            paid_out=sum(each.paid for each in rows),
        )
        for currency, rows in sorted(by_currency.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def months(earnings: Iterable[Earning], currency: str, zone: ZoneInfo, now: datetime) -> list[Month]:
    """The last twelve by the mentor's calendar, the oldest first, those without a session too."""
    found: dict[date, list[int]] = defaultdict(list)
    for each in earnings:
        if each.payment.currency == currency and each.ends_at <= now and each.share:
            found[each.ends_at.astimezone(zone).date().replace(day=1)].append(each.share)
    return [Month(first, len(found[first]), sum(found[first])) for first in _last_twelve(now, zone)]


def _last_twelve(now: datetime, zone: ZoneInfo) -> list[date]:
    today = now.astimezone(zone).date()
    count = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(count - 11, count + 1)]


def _by_currency(earnings: Iterable[Earning]) -> dict[str, list[Earning]]:
    found: dict[str, list[Earning]] = defaultdict(list)
    for each in earnings:
        found[each.payment.currency].append(each)
    return found


def _with_paid(payments: PaymentQuerySet) -> PaymentQuerySet:
    lines = PayoutLine.objects.standing().filter(payment=OuterRef("pk"))
    paid = lines.order_by().values("payment").annotate(total=Sum("amount_minor")).values("total")
    return payments.annotate(
        ends_at=F("booking__ends_at"),
        mentor_pk=F("booking__mentor"),
        paid=Coalesce(Subquery(paid), 0),
        has_share_paid=Exists(lines.filter(kind=PayoutLine.Kind.SHARE)),
    ).defer("request", "checkout_url")


def _earnings(rows: Iterable[Any], now: datetime) -> list[Earning]:
    return [
        Earning(
            payment=row,
            mentor_pk=row.mentor_pk,
            ends_at=row.ends_at,
            paid=row.paid,
            has_share_paid=row.has_share_paid,
            now=now,
        )
        for row in rows
    ]
