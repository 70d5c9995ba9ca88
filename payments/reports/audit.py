"""Whether the money adds up, proved from the rows beneath the sums. Reads only."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from bookings.models import ENDED, HOLDING, Booking, Status
from lib.sweeping import each, row_of
from payments.models import OWED, Dispute, Payment, PaymentStatus, Payout, PayoutLine, Refund, RefundStatus
from payments.shares import Shares, overdrawn, shares_of

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

    def add(self, amount: int, part: Shares) -> None:
        self.came_in += amount
        self.fee += part.fee
        self.mentor += part.mentor
        self.refunded += part.refunded
        self.on_its_way += part.on_its_way
        self.lost += part.lost

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
    went_back = _sums(Refund.objects.filter(status=RefundStatus.SUCCEEDED))
    owed = _sums(Refund.objects.filter(status__in=OWED))
    lost = _sums(Dispute.objects.chargebacks().filter(status=Dispute.Status.LOST))

    def count(payment: Payment) -> None:
        below = (went_back[payment.pk], owed[payment.pk], lost[payment.pk])
        wrong = [
            f"{payment.booking.reference} {payment.reference}: {words}" for words in _wrong(payment, *below)
        ]
        if payment.status == PaymentStatus.SUCCEEDED:
            found.totals[payment.currency].add(payment.amount_minor, shares_of(payment))
        found.problems += wrong

    swept = each(
        "payments.reports.audit",
        Payment.objects.select_related("booking").order_by("pk").iterator(),
        count,
        called=lambda payment: row_of(Payment, payment.pk, payment.reference),
        seconds=None,
    )
    found.problems += [f"{row.label}: it could not be counted" for row in swept.failed]
    found.problems += [
        f"{currency}: {total.came_in} came in, and the parts are another sum"
        for currency, total in found.totals.items()
        if not total.is_balanced
    ]
    found.problems += [f"{reference}: it takes place, and nothing was paid for it" for reference in _unpaid()]
    found.problems += _wrong_payouts()
    return found


def _sums(rows: QuerySet[Refund] | QuerySet[Dispute]) -> dict[int, int]:
    """By payment."""
    grouped = rows.order_by().values_list("payment_id").annotate(total=Sum("amount_minor"))
    return defaultdict(int, dict(grouped))


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
    paid = Q(payments__status=PaymentStatus.SUCCEEDED, payments__is_surplus=False)
    charged = Booking.objects.filter(status__in=HAPPENS).exclude(price_minor=0, fee_minor=0)
    yield from charged.exclude(pk__in=Booking.objects.filter(paid)).values_list("reference", flat=True)


def _wrong_payouts() -> Iterator[str]:
    payouts = Payout.objects.annotate(summed=Coalesce(Sum("lines__amount_minor"), 0))
    off = payouts.exclude(amount_minor=F("summed"))
    for reference, sent, summed in off.values_list("reference", "amount_minor", "summed"):
        yield f"{reference}: {sent} was sent, and its lines are {summed}"
    came_back = Q(payout__returned_at__isnull=False)
    strange = (
        ~Q(payment__currency=F("payout__currency"))
        | ~Q(payment__booking__mentor=F("payout__mentor"))
        | (came_back & Q(is_returned=False))
        | (~came_back & Q(is_returned=True))
    )
    for line in PayoutLine.objects.filter(strange).select_related("payout", "payment"):
        yield f"{line.payout}: its line for {line.payment} is not of its mentor, currency or state"
