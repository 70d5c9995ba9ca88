"""Whether the money adds up, proved from the rows beneath the sums. Reads only."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from bookings.models import ENDED, HOLDING, Booking, Status
from lib.sweeping import each, row_of
from payments.models import (
    OWED,
    Dispute,
    DisputeQuerySet,
    Payment,
    PaymentQuerySet,
    PaymentStatus,
    Payout,
    PayoutLine,
    Refund,
    RefundStatus,
)
from payments.shares import AMOUNTS, Amounts, Shares, overdrawn, shares_of

logger = logging.getLogger(__name__)

HAPPENS = (Status.SCHEDULED, Status.COMPLETED, Status.NO_SHOW)


@dataclass
class Total:
    """Of one currency, in its minor unit."""

    came_in: int = 0
    fee: int = 0
    mentor: int = 0
    refunded: int = 0
    on_its_way: int = 0
    lost: int = 0

    def add(self, amount: int, part: Shares, count: int) -> None:
        """So many payments of this amount, each divided like this."""
        self.came_in += amount * count
        self.fee += part.fee * count
        self.mentor += part.mentor * count
        self.refunded += part.refunded * count
        self.on_its_way += part.on_its_way * count
        self.lost += part.lost * count

    @property
    def is_balanced(self) -> bool:
        return self.came_in == self.fee + self.mentor + self.refunded + self.on_its_way + self.lost


@dataclass
class Audit:
    totals: dict[str, Total] = field(default_factory=lambda: defaultdict(Total))
    problems: list[str] = field(default_factory=list)


def audit() -> Audit:
    """Every unit that came in is fee, mentor's share, refunded, on its way back, or lost to a chargeback.

    What is off is off twice: money moves while it is counted, so what looks wrong is looked at again.
    """
    found = _audit()
    if found.problems:
        again = _audit()
        again.problems = [words for words in again.problems if words in found.problems]
        return again
    return found


def report() -> Audit:
    """For the schedule: the result in the log, as an error when something is off."""
    found = audit()
    for currency, total in sorted(found.totals.items()):
        logger.info("money adds up", extra={"currency": currency, **vars(total)})
    for words in found.problems:
        logger.error("money does not add up", extra={"finding": words})
    return found


def _audit() -> Audit:
    found = Audit()

    def name(payment: Any) -> None:
        wrong = _wrong(payment, payment.went_back, payment.owed, payment.lost)
        found.problems += [f"{payment.booking.reference} {payment.reference}: {words}" for words in wrong]

    looked_at = each(
        "payments.reports.audit",
        _with_sums().exclude(_is_right()).select_related("booking").order_by("pk").iterator(),
        name,
        called=lambda payment: row_of(Payment, payment.pk, payment.reference),
        seconds=None,
    )
    found.problems += [f"{row.label}: it could not be counted" for row in looked_at.failed]
    found.totals = _totals(without=[row.label for row in looked_at.failed])
    found.problems += [
        f"{currency}: {total.came_in} came in, and the parts are another sum"
        for currency, total in found.totals.items()
        if not total.is_balanced
    ]
    found.problems += [f"{reference}: it takes place, and nothing was paid for it" for reference in _unpaid()]
    found.problems += _wrong_payouts()
    return found


def _totals(*, without: list[str]) -> dict[str, Total]:
    """By currency, without the orders so named. Payments that are divided alike are divided once."""
    totals: dict[str, Total] = defaultdict(Total)
    came_in = Payment.objects.filter(status=PaymentStatus.SUCCEEDED).exclude(reference__in=without)
    alike = came_in.order_by().values_list("currency", *AMOUNTS)
    for currency, *amounts, count in alike.annotate(count=Count("pk")).iterator():
        of_one = Amounts(*amounts)
        totals[currency].add(of_one.amount_minor, shares_of(of_one), count)
    return totals


def _with_sums() -> PaymentQuerySet:
    """With what the rows beneath each payment add up to."""
    refunds = Refund.objects.filter(payment=OuterRef("pk"))
    return Payment.objects.annotate(
        went_back=_sum(refunds.filter(status=RefundStatus.SUCCEEDED)),
        owed=_sum(refunds.filter(status__in=OWED)),
        lost=_sum(_chargebacks()),
        gone=F("refunded_minor") + F("reserved_minor") + F("lost_minor"),
    )


def _chargebacks() -> DisputeQuerySet:
    return Dispute.objects.chargebacks().filter(payment=OuterRef("pk"), status=Dispute.Status.LOST)


def _sum(rows: QuerySet[Refund] | QuerySet[Dispute]) -> Coalesce:
    summed = rows.order_by().values("payment").annotate(total=Sum("amount_minor")).values("total")
    return Coalesce(Subquery(summed), 0)


def _is_right() -> Q:
    """Of almost all payments: what `_wrong` has nothing to say about. It looks at every other one.

    The database adds up what is beneath a payment only where there is something.
    """
    refunds = Refund.objects.filter(payment=OuterRef("pk")).exclude(status=RefundStatus.DROPPED)
    untouched = Q(gone=0) & ~Q(Exists(refunds)) & ~Q(Exists(_chargebacks()))
    as_noted = Q(refunded_minor=F("went_back"), reserved_minor=F("owed"), lost_minor=F("lost"))
    nothing_came_in = (
        ~Q(status=PaymentStatus.SUCCEEDED) & Q(gone=0) & (Q(payment_id="") | Q(needs_review=False))
    )
    as_agreed = Q(
        is_surplus=False,
        amount_minor=F("booking__price_minor") + F("booking__fee_minor"),
        platform_fee_minor=F("booking__fee_minor"),
        currency=F("booking__currency"),
        booking__status__in=[*HAPPENS, Status.CANCELLED],
        gone__lte=F("amount_minor"),
    )
    came_in = Q(status=PaymentStatus.SUCCEEDED) & as_agreed
    return (nothing_came_in | came_in) & (untouched | as_noted)


def _wrong(payment: Payment, went_back: int, owed: int, lost: int) -> Iterator[str]:
    for words, noted, summed in (
        ("refunded", payment.refunded_minor, went_back),
        ("on its way back", payment.reserved_minor, owed),
        ("lost to chargebacks", payment.lost_minor, lost),
    ):
        if noted != summed:
            yield f"{noted} {words} by the payment, {summed} by its rows"
    if payment.status != PaymentStatus.SUCCEEDED:
        if went_back or owed or lost:
            yield "money left it that never came in"
        if payment.payment_id and payment.needs_review:
            yield "money came in that was not asked for, and staff have not decided"
        return
    if excess := overdrawn(payment):
        yield f"{excess} more went out than came in"
    if shares_of(payment).total != payment.amount_minor:
        yield "its parts are another sum than what came in"
    booking, remains = payment.booking, payment.refundable_minor
    if payment.is_surplus:
        if remains > 0:
            yield f"paid twice, and {remains} of it is not on its way back"
        return
    agreed = (booking.amount_minor, booking.fee_minor, booking.currency)
    if (payment.amount_minor, payment.platform_fee_minor, payment.currency) != agreed:
        yield "another amount than was agreed"
    if booking.status in HOLDING and remains > 0:
        yield f"paid, and the session is {booking.get_status_display().lower()}"
    if booking.status in ENDED and booking.status != Status.CANCELLED and remains > 0:
        yield f"the session {booking.get_status_display().lower()}, and {remains} is not on its way back"


def _unpaid() -> Iterator[str]:
    paid = Payment.objects.counted().filter(booking=OuterRef("pk"))
    charged = Booking.objects.filter(status__in=HAPPENS).exclude(price_minor=0, fee_minor=0)
    unpaid = charged.filter(~Exists(paid)).order_by("pk")
    yield from unpaid.values_list("reference", flat=True).iterator()


def _wrong_payouts() -> Iterator[str]:
    payouts = Payout.objects.annotate(summed=Coalesce(Sum("lines__amount_minor"), 0))
    off = payouts.exclude(amount_minor=F("summed"))
    for reference, sent, summed in off.values_list("reference", "amount_minor", "summed").iterator():
        yield f"{reference}: {sent} was sent, and its lines are {summed}"
    yield from _wrongly_noted()
    came_back = Q(payout__returned_at__isnull=False)
    strange = (
        ~Q(payment__currency=F("payout__currency"))
        | ~Q(payment__booking__mentor=F("payout__mentor"))
        | ~Q(payment__mentor=F("payout__mentor"))
        | (came_back & Q(is_returned=False))
        | (~came_back & Q(is_returned=True))
    )
    for line in PayoutLine.objects.filter(strange).select_related("payout", "payment").iterator():
        yield f"{line.payout}: its line for {line.payment} is not of its mentor, currency or state"


def _wrongly_noted() -> Iterator[str]:
    """What a payment says was paid out for it, beside the lines of payouts."""
    lines = PayoutLine.objects.standing()
    summed = lines.order_by().values("payment").annotate(total=Sum("amount_minor"))
    off = summed.exclude(total=F("payment__paid_out_minor")).order_by("payment")
    wrong = list(off.values_list("payment__reference", "payment__paid_out_minor", "total"))
    without = Payment.objects.exclude(paid_out_minor=0).exclude(Exists(lines.filter(payment=OuterRef("pk"))))
    wrong += [(*found, 0) for found in without.order_by("pk").values_list("reference", "paid_out_minor")]
    for reference, noted, total in wrong:
        yield f"{reference}: {noted} paid out by the payment, {total} by the lines of payouts"
