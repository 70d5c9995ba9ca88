"""Our books beside the providers': what differs is repaired by asking again, or shown to staff."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings

from lib.sweeping import Row, each, row_of
from payments.gateways import gateway
from payments.gateways.base import (
    Gateway,
    GatewayError,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    PaymentState,
    PayStatus,
)
from payments.models import AT_PROVIDER, Payment, PaymentStatus
from payments.services.disputes import sync_disputes
from payments.services.refund_sync import sync_refunds
from payments.services.review import flag_for_review_once
from payments.services.second_payments import record_second_payments
from payments.services.settlement import STATUS_OF, settle
from payments.services.success import set_provider_fee

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Known = tuple[PaymentState, Payment | None]

DAYS = 3
NAME = "payments.reconcile"
# So many of our payments are asked for at once.
BATCH = 500
# With its bank, a payment that was over for us may still become money.
MAY_BE_MONEY = (PayStatus.PAID, PayStatus.PROCESSING, PayStatus.AUTHORIZED)


@dataclass
class Report:
    """In words for staff. What was reported before, or reviewed, is not reported again."""

    repaired: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    # Those that could not be compared, for a reason that is in the log.
    failed: list[str] = field(default_factory=list)


def reconcile(now: datetime, *, days: int = DAYS, seconds: float | None = None) -> Report:
    """Compare all payments begun in the last `days` with their providers. Safe to repeat: the second time is quiet.

    Paid or refunded there and not here is repaired through `settle` and its like; amounts that differ, and what
    has no counterpart, is flagged for review. A provider that doesn't answer is named, and holds up no other; nor does
    a payment that can't be compared. With `seconds` no more are begun after so many.
    """
    report, since = Report(), now - timedelta(days=days)
    begun = Payment.objects.filter(created_at__gte=since).exclude(provider_ref="")
    # Not ordered as the model is: each name once.
    names = {*settings.PAYMENT_GATEWAYS, *begun.order_by().values_list("gateway", flat=True).distinct()}
    ends = None if seconds is None else time.monotonic() + seconds

    def compare(name: str) -> None:
        try:
            _Comparison(gateway(name), report, now, ends).run(since)
        except GatewayError as error:
            report.unreachable.append(f"{name}: {error}")

    swept = each(NAME, sorted(names), compare, called=Row, seconds=seconds)
    report.failed += [row.label for row in swept.failed]
    for words in report.repaired:
        logger.warning("reconciliation repaired", extra={"finding": words})
    for words in (*report.reported, *report.unreachable):
        logger.error("reconciliation found", extra={"finding": words})
    return report


@dataclass
class _Comparison:
    provider: Gateway
    report: Report
    now: datetime
    # On the monotonic clock.
    ends: float | None = None
    seen: set[str] = field(default_factory=set)

    def run(self, since: datetime) -> None:
        self._each(self._with_payments(self.provider.list_payments(since)), self._look_up, self._named)
        ours = Payment.objects.filter(
            gateway=self.provider.name,
            created_at__gte=since,
            status__in=[*AT_PROVIDER, PaymentStatus.SUCCEEDED],
        ).exclude(provider_ref="")
        self._each(
            (payment for payment in ours.iterator() if payment.provider_ref not in self.seen),
            self._look_for_counterpart,
            lambda payment: row_of(Payment, payment.pk, payment.reference),
        )

    def _each(
        self, items: Iterable[Item], work: Callable[[Item], None], called: Callable[[Item], Row]
    ) -> None:
        left = None if self.ends is None else self.ends - time.monotonic()
        # With these there is no use in asking for the next one.
        hopeless = (GatewayUnavailable, GatewayMisconfigured)
        swept = each(NAME, items, work, called=called, seconds=left, stops_at=hopeless)
        self.report.failed += [row.label for row in swept.failed]

    def _with_payments(self, states: Iterable[PaymentState]) -> Iterator[Known]:
        """Each with our payment for it, of which many are asked for at once; all before the provider failed."""
        batch: list[PaymentState] = []
        try:
            for state in states:
                batch.append(state)
                if len(batch) == BATCH:
                    yield from self._known(batch)
                    batch = []
        except GatewayError:
            yield from self._known(batch)
            raise
        yield from self._known(batch)

    def _known(self, states: Sequence[PaymentState]) -> list[Known]:
        refs = [state.provider_ref for state in states if state.provider_ref]
        # That none is empty PostgreSQL can't see in a long list, and the index of checkouts has those only.
        ours = Payment.objects.filter(gateway=self.provider.name, provider_ref__in=refs).exclude(
            provider_ref=""
        )
        by_ref = {payment.provider_ref: payment for payment in ours.prefetch_related("second_payments")}
        return [(state, by_ref.get(state.provider_ref)) for state in states]

    def _named(self, known: Known) -> Row:
        return Row(f"{self.provider.label} {known[0].provider_ref}")

    def _look_up(self, known: Known) -> None:
        state, payment = known
        self.seen.add(state.provider_ref)
        if payment is not None:
            self._compare(payment, state)
        elif state.status is PayStatus.PAID:
            self._look_for_order(state)

    def _compare(self, payment: Payment, state: PaymentState) -> None:
        if payment.status == PaymentStatus.SUCCEEDED:
            self._compare_checkout(payment, state)
            return
        differs = STATUS_OF[state.status] != payment.status
        matters = payment.status in AT_PROVIDER or state.status in MAY_BE_MONEY
        if differs and matters and not payment.review_reason:
            self._settle(payment)

    def _settle(self, payment: Payment) -> None:
        settled = settle(payment.pk, source="reconciliation", now=self.now)
        if settled.status != payment.status:
            before = payment.get_status_display().lower()
            self._repaired(payment, f"was {before} here, is {settled.get_status_display().lower()} now")
        if settled.needs_review and not payment.needs_review:
            self.report.reported.append(f"{payment.reference}: {settled.review_reason}")

    def _compare_checkout(self, payment: Payment, state: PaymentState) -> None:
        """The payment that paid it, and whatever came in besides."""
        if state.received and payment.payment_id not in [paid.payment_id for paid in state.received]:
            state = self.provider.fetch(payment.provider_ref)  # it is older than the list
        ours = {row.payment_id: row for row in (payment, *payment.second_payments.all())}
        if not state.received:
            self._compare_paid(payment, state)
        for paid in state.received:
            if paid.payment_id in ours:
                self._compare_paid(ours[paid.payment_id], paid)
        if all(paid.payment_id in ours for paid in state.received):
            return
        for surplus in record_second_payments(payment.pk, state, now=self.now):
            self._repaired(surplus, f"came in besides {payment.reference}, and goes back")

    def _compare_paid(self, payment: Payment, state: PaymentState) -> None:
        if state.status is not PayStatus.PAID:
            self._report(payment, f"Paid here, {state.status} at {self.provider.label}.")
            return
        if state.amount != Money(payment.amount_minor, payment.currency):
            there = f"{state.amount.minor} {state.amount.currency}" if state.amount else "unknown"
            self._report(
                payment, f"{payment.amount_minor} {payment.currency} here (minor units), {there} there."
            )
        if state.fee and payment.provider_fee_minor is None:
            set_provider_fee(payment, state)
            payment.save(update_fields=["provider_fee_minor", "provider_fee_currency"])
        went_back = state.refunded.minor if state.refunded else 0
        if went_back != payment.refunded_minor:
            self._compare_refunds(payment, went_back)
        if state.disputed or payment.is_disputed:
            self._compare_disputes(payment)

    def _compare_refunds(self, payment: Payment, went_back: int) -> None:
        before = payment.refunded_minor
        sync_refunds(payment.pk, now=self.now)
        payment.refresh_from_db()
        if payment.refunded_minor != before:
            self._repaired(
                payment, f"{before} refunded here before, {payment.refunded_minor} now (minor units)"
            )
        # Some providers count what is still on its way.
        if not payment.refunded_minor <= went_back <= payment.refunded_minor + payment.reserved_minor:
            here = f"{payment.refunded_minor} refunded here"
            self._report(payment, f"{here} (minor units), {went_back} at {self.provider.label}.")

    def _compare_disputes(self, payment: Payment) -> None:
        before = (payment.is_disputed, payment.lost_minor)
        sync_disputes(payment.pk, now=self.now)
        payment.refresh_from_db()
        if (payment.is_disputed, payment.lost_minor) != before:
            self._repaired(payment, "its disputes are up to date now")

    def _look_for_counterpart(self, payment: Payment) -> None:
        """It may be older than the list, or not begun by its payer; only the provider knows whether it has it."""
        try:
            if payment.status == PaymentStatus.SUCCEEDED:
                self._compare(payment, self.provider.fetch(payment.provider_ref))
            elif payment.review_reason == "":
                self._settle(payment)
        except GatewayRejected:
            self._report(payment, f"{self.provider.label} doesn't know {payment.provider_ref}.")

    def _look_for_order(self, state: PaymentState) -> None:
        """Paid, and no checkout of ours: another app's, unless it names one of our orders."""
        order = Payment.objects.filter(reference=state.our_ref).first() if state.our_ref else None
        if order is not None:
            self._report(
                order, f"{state.provider_ref} at {self.provider.label} was paid, and is not on record."
            )

    def _repaired(self, payment: Payment, words: str) -> None:
        self.report.repaired.append(f"{payment.reference}: {words}")

    def _report(self, payment: Payment, reason: str) -> None:
        if flag_for_review_once(payment.pk, reason):
            self.report.reported.append(f"{payment.reference}: {reason}")
