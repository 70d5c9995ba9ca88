"""A provider that exists only here: its payment page is ours, and its books are two tables."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from lib.money import EXPONENTS
from lib.references import new_reference
from payments.gateways.base import (
    Checkout,
    CheckoutRequest,
    DisputeState,
    GatewayRejected,
    InvalidSignature,
    Money,
    PaymentState,
    PayStatus,
    RefundResult,
    RefundState,
    WebhookEvent,
)
from payments.models import MockCheckout, MockRefund


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"


class MockGateway:
    name = "mock"
    label = "Mock payment"
    currencies = frozenset(EXPONENTS)
    hosted = False
    can_expire = True
    partial_refunds = True
    shortest_checkout = timedelta()

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        asked = request.to_json()
        if request.amount.minor <= 0 or request.amount.currency not in self.currencies:
            raise GatewayRejected(f"{request.amount} can't be paid")
        if request.expires_at <= _now():
            raise GatewayRejected("expires_at is in the past")
        row, _ = MockCheckout.objects.get_or_create(
            key=request.idempotency_key,
            defaults={
                "provider_ref": new_reference("MOCK"),
                "request": asked,
                "amount_minor": request.amount.minor,
                "currency": request.amount.currency,
                "status": PayStatus.OPEN,
                "expires_at": request.expires_at,
            },
        )
        if row.request != asked:
            raise GatewayRejected("The key was used before with another request")
        return Checkout(row.provider_ref, row.expires_at)

    def fetch(self, provider_ref: str) -> PaymentState:
        return _state(_checkout(provider_ref))

    def verify_return(self, provider_ref: str, data: Mapping[str, str]) -> None:
        """Nobody leaves the site, so nothing comes back in somebody's name."""

    def expire(self, provider_ref: str) -> PaymentState:
        MockCheckout.objects.filter(provider_ref=provider_ref, status=PayStatus.OPEN).update(
            status=PayStatus.EXPIRED
        )
        return self.fetch(provider_ref)

    def refund(self, payment_id: str, amount: Money, *, key: str, ref: str, reason: str) -> RefundState:
        with transaction.atomic():
            checkout = MockCheckout.objects.select_for_update().filter(payment_id=payment_id).first()
            if checkout is None or not payment_id:
                raise GatewayRejected(f"No such payment: {payment_id}")
            row = MockRefund.objects.filter(key=key).first()
            if row is None:
                row = self._new_refund(checkout, amount, key, ref)
        if (row.checkout_id, row.amount_minor, row.our_ref) != (checkout.pk, amount.minor, ref):
            raise GatewayRejected("The key was used before with another request")
        return _refund_state(row, checkout)

    def _new_refund(self, checkout: MockCheckout, amount: Money, key: str, ref: str) -> MockRefund:
        went_back = checkout.refunds.exclude(status=RefundResult.FAILED)
        left = checkout.amount_minor - sum(went_back.values_list("amount_minor", flat=True))
        if amount.currency != checkout.currency or not 0 < amount.minor <= left:
            raise GatewayRejected(f"{amount} can't be refunded: {left} left")
        return MockRefund.objects.create(
            refund_id=new_reference("MOCKREFUND"),
            key=key,
            checkout=checkout,
            amount_minor=amount.minor,
            our_ref=ref,
            status=RefundResult.SUCCEEDED,
        )

    def fetch_refund(self, refund_id: str, payment_id: str) -> RefundState:
        for state in self.list_refunds(payment_id):
            if state.refund_id == refund_id:
                return state
        raise GatewayRejected(f"No such refund: {refund_id}")

    def list_refunds(self, payment_id: str) -> list[RefundState]:
        rows = MockRefund.objects.filter(checkout__payment_id=payment_id).exclude(checkout__payment_id="")
        return [_refund_state(row, row.checkout) for row in rows.select_related("checkout").order_by("pk")]

    def list_disputes(self, payment_id: str) -> list[DisputeState]:
        """Nobody argues about money that does not exist."""
        return []

    def list_payments(self, since: datetime) -> Iterator[PaymentState]:
        for row in MockCheckout.objects.filter(expires_at__gte=since).prefetch_related("refunds"):
            yield _state(row)

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        raise InvalidSignature("The mock provider sends nothing")


def simulate(provider_ref: str, outcome: Outcome) -> None:
    """What the payer does on the payment page. A checkout that is over stays as it is."""
    open_checkout = MockCheckout.objects.filter(
        provider_ref=provider_ref, status=PayStatus.OPEN, expires_at__gt=_now()
    )
    if outcome is Outcome.SUCCESS:
        open_checkout.update(status=PayStatus.PAID, payment_id=new_reference("PAY"), failure="")
    else:
        open_checkout.update(failure="The card was declined.")


def _now() -> datetime:
    """A provider goes by its own clock."""
    return timezone.now()


def _checkout(provider_ref: str) -> MockCheckout:
    row = MockCheckout.objects.filter(provider_ref=provider_ref).first()
    if row is None:
        raise GatewayRejected(f"No such checkout: {provider_ref}")
    return row


def _state(row: MockCheckout) -> PaymentState:
    lapsed = row.status == PayStatus.OPEN and row.expires_at <= _now()
    refunded = sum(refund.amount_minor for refund in row.refunds.all())
    return PaymentState(
        provider_ref=row.provider_ref,
        status=PayStatus.EXPIRED if lapsed else PayStatus(row.status),
        amount=Money(row.amount_minor, row.currency) if row.payment_id else None,
        payment_id=row.payment_id,
        failure=row.failure,
        fee=Money(0, row.currency) if row.payment_id else None,
        refunded=Money(refunded, row.currency) if row.payment_id else None,
        our_ref=row.request["ref"],
    )


def _refund_state(row: MockRefund, checkout: MockCheckout) -> RefundState:
    return RefundState(
        refund_id=row.refund_id,
        payment_id=checkout.payment_id,
        status=RefundResult(row.status),
        amount=Money(row.amount_minor, checkout.currency),
        our_ref=row.our_ref,
    )
