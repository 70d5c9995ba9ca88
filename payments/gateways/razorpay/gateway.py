"""Razorpay behind the site's gateway protocol."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from lib.money import EXPONENTS, step
from payments.gateways.base import (
    Checkout,
    CheckoutRequest,
    DisputeState,
    GatewayRejected,
    InvalidSignature,
    Money,
    PaymentState,
    RefundState,
    WebhookEvent,
)
from payments.gateways.razorpay.client import Conflict, Entity, connection, pages
from payments.gateways.razorpay.states import age, dispute_state, left_authorized, payment_state, refund_state
from payments.gateways.razorpay.webhooks import read_event, verifying

LEAST = {"INR": 100}


class RazorpayGateway:
    name = "razorpay"
    label = "Razorpay"
    # All of ours are among https://razorpay.com/docs/payments/international-payments/#supported-currencies
    currencies = frozenset(EXPONENTS)
    hosted = False
    can_expire = False
    partial_refunds = True
    shortest_checkout = timedelta()

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """Orders have no idempotency key. An earlier try's answer may be lost, so its receipt is looked up first."""
        self._refuse_unpayable(request.amount)
        receipt = request.ref if request.attempt == 1 else f"{request.ref}-{request.attempt}"
        with connection() as client:
            # The list also has receipts that only contain this one.
            found = [each for each in pages(client.order.all, receipt=receipt) if each["receipt"] == receipt]
            order = min(found, key=age) if found else client.order.create(data=_order(request, receipt))
        if Money(order["amount"], order["currency"]) != request.amount:
            raise GatewayRejected(f"{receipt} was ordered before with another amount")
        return Checkout(
            order["id"], request.expires_at, client_options=self.client_options(order["id"], request.amount)
        )

    def client_options(self, provider_ref: str, amount: Money) -> Mapping[str, Any]:
        """What the widget can't do without; the rest is decoration."""
        return {
            "key": settings.RAZORPAY_KEY_ID,
            "order_id": provider_ref,
            "amount": amount.minor,
            "currency": amount.currency,
        }

    def fetch(self, provider_ref: str) -> PaymentState:
        """Captures what is only authorized, when Razorpay should have done so and did not."""
        with connection() as client:
            order = client.order.fetch(provider_ref)
            payments = client.order.payments(provider_ref)["items"]
            if late := left_authorized(order, payments):
                # Refused when it was captured or returned at this very moment; what is true is read again.
                with suppress(GatewayRejected):
                    client.payment.capture(late["id"], late["amount"], {"currency": late["currency"]})
                payments = client.order.payments(provider_ref)["items"]
        return payment_state(provider_ref, payments, order)

    def verify_return(self, provider_ref: str, data: Mapping[str, str]) -> None:
        """`provider_ref` is the order that we stored, whatever order the browser names."""
        returned = {
            "razorpay_order_id": provider_ref,
            "razorpay_payment_id": data.get("razorpay_payment_id") or "",
            "razorpay_signature": data.get("razorpay_signature") or "",
        }
        if not all(returned.values()):
            raise InvalidSignature("The payment or its signature is missing")
        with connection() as client, verifying("The signature is not of this order and payment"):
            client.utility.verify_payment_signature(returned)

    def expire(self, provider_ref: str) -> PaymentState:
        """There is no closing an order: only what has become of it can be said."""
        return self.fetch(provider_ref)

    def refund(self, payment_id: str, amount: Money, *, key: str, ref: str, reason: str) -> RefundState:
        # An amount that Razorpay takes for none would give everything back.
        if not payment_id or amount.minor <= 0:
            raise GatewayRejected(f"{amount} of {payment_id or 'no payment'} can't be refunded")
        data = {
            "amount": amount.minor,
            "speed": "normal",
            "receipt": ref,
            "notes": {"refund": ref, "reason": reason},
        }
        try:
            with connection() as client:
                headers = {"X-Refund-Idempotency": _refund_key(key)}
                return refund_state(client.payment.refund(payment_id, data, headers=headers))
        except Conflict:
            # The same 409 says that the first request still runs, and that it was another one.
            earlier = [each for each in self.list_refunds(payment_id) if each.our_ref == ref]
            if earlier and earlier[0].amount != amount:
                raise GatewayRejected(f"{ref} was refunded before with another amount") from None
            if earlier:
                return earlier[0]
            raise

    def fetch_refund(self, refund_id: str, payment_id: str) -> RefundState:
        with connection() as client:
            return refund_state(client.payment.fetch_refund_id(payment_id, refund_id))

    def list_refunds(self, payment_id: str) -> list[RefundState]:
        def page(data: Mapping[str, Any]) -> Any:
            return client.payment.fetch_multiple_refund(payment_id, data)

        if not payment_id:
            return []
        with connection() as client, suppress(GatewayRejected):
            return [refund_state(each) for each in sorted(pages(page), key=age)]
        return []  # of a payment that Razorpay does not know

    def list_disputes(self, payment_id: str) -> list[DisputeState]:
        """Razorpay lists all of an account's disputes only; there are few."""
        with connection() as client:
            found = [each for each in pages(client.dispute.all) if each["payment_id"] == payment_id]
        return [dispute_state(each) for each in sorted(found, key=age)]

    def list_payments(self, since: datetime) -> Iterator[PaymentState]:
        tries: dict[str, list[Entity]] = defaultdict(list)
        window = {"from": int(since.timestamp()), "to": int(timezone.now().timestamp())}
        with connection() as client:
            for payment in pages(client.payment.all, **window):
                if payment["order_id"]:  # others were not begun here
                    tries[payment["order_id"]].append(payment)
            disputed = {dispute["payment_id"] for dispute in pages(client.dispute.all)}
        for order_id, payments in tries.items():
            state = payment_state(order_id, payments)
            second = (replace(each, disputed=each.payment_id in disputed) for each in state.second_payments)
            yield replace(state, disputed=state.payment_id in disputed, second_payments=tuple(second))

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        return read_event(body, headers)

    def _refuse_unpayable(self, amount: Money) -> None:
        if amount.currency not in self.currencies or amount.minor < LEAST.get(amount.currency, 1):
            raise GatewayRejected(f"{amount} can't be paid")
        if amount.minor % step(amount.currency):
            raise GatewayRejected(f"{amount} can't be paid: the last digit has to be 0")


def _order(request: CheckoutRequest, receipt: str) -> Entity:
    return {
        "amount": request.amount.minor,
        "currency": request.amount.currency,
        "receipt": receipt,
        "notes": {name: value[:256] for name, value in request.metadata.items()},
        "payment": {
            "capture": "automatic",
            "capture_options": {"automatic_expiry_period": 30, "refund_speed": "normal"},
        },
    }


def _refund_key(key: str) -> str:
    """https://razorpay.com/docs/api/refunds/normal-refunds-idempotent/"""
    return key if re.fullmatch(r"[A-Za-z0-9_-]{10,}", key) else hashlib.sha256(key.encode()).hexdigest()
