"""What a mentor earned: each payment's share waits, can be paid out, and was. Reads only; payouts are services.

At any time pending + available + paid out is the mentor's share of all that came in. Sums are the database's, by the
same rule as `payments.shares` and `Earning`, of which only the rows of a page, or of a payout, are made.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Greatest, Least, TruncMonth
from django.utils.functional import cached_property

from accounts.models import User
from mentors.models import Mentor
from payments.models import FormerPayee, Payment, PaymentQuerySet, PayoutLine
from payments.models.payment import WIDE
from payments.shares import shares_of

# After the session's end, for whoever has something to say about it.
WAIT = timedelta(hours=48)
# Mentors, by currency, on a page of what can be paid out.
DUE_AT_ONCE = 100


class State(StrEnum):
    PENDING = "pending"
    AVAILABLE = "available"
    PAID_OUT = "paid_out"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Earning:
    """A mentor's share of one payment, in minor units. `paid` went out in payouts, corrections included."""

    payment: Payment
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
    """Of one mentor in one currency, in its minor unit."""

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


@dataclass(frozen=True)
class DuePage:
    """`following` is the mentor after whom the next page begins; None on the last one."""

    rows: list[PayoutDue]
    following: int | None = None


def earnings_of(mentor: Mentor, now: datetime) -> PaymentQuerySet:
    """The payments that earn a mentor something, the latest session first, for `make_earnings`."""
    counted = Payment.objects.counted().filter(booking__mentor=mentor)
    return _for_earnings(counted, now).order_by("-booking__ends_at", "-pk")


def available_earnings(mentor: Mentor, currency: str, now: datetime) -> list[Earning]:
    """What a payout to this mentor in this currency is made of now, what it takes back included."""
    due = Payment.objects.with_mentor_due().filter(mentor=mentor, currency=currency)
    rows = _for_earnings(due, now).exclude(Q(available=0))
    return make_earnings(rows.order_by("-booking__ends_at", "-pk"), now)


def _for_earnings(payments: PaymentQuerySet, now: datetime) -> PaymentQuerySet:
    shares = PayoutLine.objects.standing().filter(payment=OuterRef("pk"), kind=PayoutLine.Kind.SHARE)
    rows = _with_sums(payments, now).annotate(has_share_paid=Exists(shares))
    return rows.select_related("booking").defer("request", "checkout_url")


def make_earnings(rows: Iterable[Any], now: datetime) -> list[Earning]:
    """`rows` are payments as `earnings_of` has them, or a page of these."""
    return [
        Earning(
            payment=row,
            ends_at=row.booking.ends_at,
            paid=row.paid_out_minor,
            has_share_paid=row.has_share_paid,
            now=now,
        )
        for row in rows
    ]


def payouts_due(
    now: datetime, *, after: int = 0, mentors: Collection[int] | None = None, limit: int = DUE_AT_ONCE
) -> DuePage:
    """Mentors with something to be paid out, by name, in two queries: those that follow the mentor `after`.

    `mentors` are the primary keys of those who are looked for, if not everybody.
    """
    owed = Payment.objects.with_mentor_due().filter(mentor__gt=after)
    if mentors is not None:
        owed = owed.filter(mentor__in=mentors)
    grouped = (
        _with_sums(owed, now)
        .order_by()
        .values_list("mentor", "currency")
        .annotate(amount=Sum("available"))
        .filter(amount__gt=0)
        .order_by("mentor", "currency")
    )
    found = list(grouped[: limit + 1])
    following = None
    if len(found) > limit:
        # Whoever is last may go on in another currency, and comes first on the next page.
        *_, (last, _, _) = found
        found = [row for row in found if row[0] != last]
        following = found[-1][0]
    people = Mentor.objects.select_related("user", "former_payee").in_bulk({pk for pk, *_ in found})
    due = [PayoutDue(people[pk], currency, amount) for pk, currency, amount in found]
    due.sort(key=lambda each: (each.payee.name, each.mentor.pk, each.currency))
    return DuePage(due, following)


def totals_of(user: User, now: datetime) -> list[Totals]:
    """What a person earned as a mentor by currency, the one with the most sessions first, in one query.

    Nothing for somebody who is no mentor.
    """
    rows = _with_sums(Payment.objects.counted().filter(booking__mentor__user=user), now)
    grouped = (
        rows.order_by()
        .values("currency")
        .annotate(
            sessions=Count("pk"),
            total_pending=Sum("pending"),
            total_available=Sum("available"),
            total_paid=Sum("paid_out_minor"),
        )
        .order_by("-sessions", "currency")
    )
    return [
        Totals(
            currency=row["currency"],
            pending=row["total_pending"],
            available=row["total_available"],
            paid_out=row["total_paid"],
        )
        for row in grouped
    ]


def months_of(
    mentor: Mentor, currencies: Iterable[str], zone: ZoneInfo, now: datetime
) -> dict[str, list[Month]]:
    """The last twelve by the calendar of that zone, the oldest first, those without a session too.

    By currency, in one query.
    """
    firsts = _last_twelve(now, zone)
    rows = _with_sums(Payment.objects.counted().filter(booking__mentor=mentor), now).filter(
        Q(share__gt=0),
        booking__ends_at__gte=datetime.combine(firsts[0], time(), zone),
        booking__ends_at__lte=now,
    )
    month = TruncMonth("booking__ends_at", tzinfo=zone, output_field=DateField())
    grouped = (
        rows.order_by()
        .annotate(month=month)
        .values_list("currency", "month")
        .annotate(sessions=Count("pk"), total=Sum("share"))
    )
    found = {(currency, first): (sessions, share) for currency, first, sessions, share in grouped}
    return {
        currency: [Month(first, *found.get((currency, first), (0, 0))) for first in firsts]
        for currency in currencies
    }


def _last_twelve(now: datetime, zone: ZoneInfo) -> list[date]:
    today = now.astimezone(zone).date()
    count = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(count - 11, count + 1)]


def _with_sums(payments: PaymentQuerySet, now: datetime) -> PaymentQuerySet:
    """What `Earning` says of one payment, for the database to sum: `share`, and what of it is not paid out yet as
    either `pending` or `available`."""
    waits = Q(is_disputed=True) | Q(booking__ends_at__gt=now - WAIT)
    nothing, due = Value(0, output_field=WIDE), F("due_minor")
    more = Greatest(due, nothing, output_field=WIDE)
    less = Least(due, nothing, output_field=WIDE)
    return payments.annotate(
        share=ExpressionWrapper(due + F("paid_out_minor"), output_field=WIDE),
        pending=Case(When(waits, then=more), default=nothing, output_field=WIDE),
        available=Case(When(waits, then=less), default=due, output_field=WIDE),
    )
