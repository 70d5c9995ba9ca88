"""Razorpay: an order made at its API, paid in its widget on a page of ours.

An order can be tried again as often as one likes, and can't be closed. https://razorpay.com/docs/api/orders/
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import razorpay
import requests
from django.conf import settings
from django.utils import timezone
from razorpay.utility import Utility

from lib.money import EXPONENTS, step
from lib.redaction import redacted
from payments.gateways import calls
from payments.gateways.base import (
    Checkout,
    CheckoutRequest,
    DisputeState,
    DisputeStatus,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    Money,
    PaymentState,
    PayStatus,
    RefundResult,
    RefundState,
    WebhookEvent,
)

Entity = dict[str, Any]

TIMEOUT = (5.0, 20.0)  # to connect, to read
PAGE = 100  # the most that a list gives at once
LEAST = {"INR": 100}
# How long Razorpay is left to capture a payment by itself, as each order asks it to, before we do.
CAPTURE_GRACE = timedelta(minutes=1)
RETURNED_LATE = "The bank confirmed the payment too late, so it was returned to you."

REFUND_RESULT = {
    "pending": RefundResult.PENDING,
    "processed": RefundResult.SUCCEEDED,
    "failed": RefundResult.FAILED,
}
# A closed dispute is one that ended without a deduction. https://razorpay.com/docs/api/disputes/entity/
DISPUTE_STATUS = {
    "open": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "closed": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
INQUIRIES = ("fraud", "retrieval")


class Conflict(GatewayUnavailable):
    """Another request under the same idempotency key is on its way, or was another one."""


class Session(calls.Session):
    """Waits only so long, and turns whatever is no success into our errors.

    The SDK itself prints to stdout, has no timeout, and tells neither a wrong key nor a busy hour from a
    wrong parameter.
    """

    status_code = 0

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = super().request(*args, **{"timeout": calls.timeouts(TIMEOUT), **kwargs})
        except requests.RequestException as error:
            raise GatewayUnavailable(f"Razorpay did not answer: {type(error).__name__}") from None
        self.status_code = response.status_code
        try:
            answer = response.json()
        except ValueError:
            answer = None
        self._refuse(answer)
        return response

    def _refuse(self, answer: object) -> None:
        status = self.status_code
        if not isinstance(answer, dict):
            raise GatewayUnavailable(f"Razorpay answered {status}, and not in JSON")
        if 200 <= status < 300:
            return
        error = answer.get("error")
        error = error if isinstance(error, dict) else {}
        words = f"Razorpay answered {status}: {redacted(str(error.get('description', '')))[:200]}"
        if status in (401, 403):
            raise GatewayMisconfigured(words)
        if status == 409:
            raise Conflict(words)
        # Besides BAD_REQUEST_ERROR there are GATEWAY_ERROR and SERVER_ERROR, and 429 comes as the first of them.
        if 400 <= status < 500 and status != 429 and error.get("code") == "BAD_REQUEST_ERROR":
            raise GatewayRejected(words)
        raise GatewayUnavailable(words)


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
        with _client() as client:
            # The list also has receipts that only contain this one.
            found = [each for each in _pages(client.order.all, receipt=receipt) if each["receipt"] == receipt]
            order = min(found, key=_age) if found else client.order.create(data=_order(request, receipt))
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
        with _client() as client:
            order = client.order.fetch(provider_ref)
            payments = client.order.payments(provider_ref)["items"]
            if late := _left_authorized(order, payments):
                # Refused when it was captured or returned at this very moment; what is true is read again.
                with suppress(GatewayRejected):
                    client.payment.capture(late["id"], late["amount"], {"currency": late["currency"]})
                payments = client.order.payments(provider_ref)["items"]
        return _state(provider_ref, payments, order)

    def verify_return(self, provider_ref: str, data: Mapping[str, str]) -> None:
        """`provider_ref` is the order that we stored, whatever order the browser names."""
        returned = {
            "razorpay_order_id": provider_ref,
            "razorpay_payment_id": data.get("razorpay_payment_id") or "",
            "razorpay_signature": data.get("razorpay_signature") or "",
        }
        if not all(returned.values()):
            raise InvalidSignature("The payment or its signature is missing")
        with _client() as client, _verifying("The signature is not of this order and payment"):
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
            with _client() as client:
                headers = {"X-Refund-Idempotency": _refund_key(key)}
                return _refund_state(client.payment.refund(payment_id, data, headers=headers))
        except Conflict:
            # The same 409 says that the first request still runs, and that it was another one.
            earlier = [each for each in self.list_refunds(payment_id) if each.our_ref == ref]
            if earlier and earlier[0].amount != amount:
                raise GatewayRejected(f"{ref} was refunded before with another amount") from None
            if earlier:
                return earlier[0]
            raise

    def fetch_refund(self, refund_id: str, payment_id: str) -> RefundState:
        with _client() as client:
            return _refund_state(client.payment.fetch_refund_id(payment_id, refund_id))

    def list_refunds(self, payment_id: str) -> list[RefundState]:
        def page(data: Mapping[str, Any]) -> Any:
            return client.payment.fetch_multiple_refund(payment_id, data)

        if not payment_id:
            return []
        with _client() as client, suppress(GatewayRejected):
            return [_refund_state(each) for each in sorted(_pages(page), key=_age)]
        return []  # of a payment that Razorpay does not know

    def list_disputes(self, payment_id: str) -> list[DisputeState]:
        """Razorpay lists all of an account's disputes only; there are few."""
        with _client() as client:
            found = [each for each in _pages(client.dispute.all) if each["payment_id"] == payment_id]
        return [_dispute_state(each) for each in sorted(found, key=_age)]

    def list_payments(self, since: datetime) -> Iterator[PaymentState]:
        tries: dict[str, list[Entity]] = defaultdict(list)
        window = {"from": int(since.timestamp()), "to": int(timezone.now().timestamp())}
        with _client() as client:
            for payment in _pages(client.payment.all, **window):
                if payment["order_id"]:  # others were not begun here
                    tries[payment["order_id"]].append(payment)
            disputed = {dispute["payment_id"] for dispute in _pages(client.dispute.all)}
        for order_id, payments in tries.items():
            state = _state(order_id, payments)
            second = (replace(each, disputed=each.payment_id in disputed) for each in state.second_payments)
            yield replace(state, disputed=state.payment_id in disputed, second_payments=tuple(second))

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """The signature covers the body only: the same event sent again is known by its id."""
        sent = {name.lower(): value for name, value in headers.items()}
        event = _read_signed(body, sent.get("x-razorpay-signature", ""))
        event_id = sent.get("x-razorpay-event-id", "")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", event_id):
            event_id = hashlib.sha256(body).hexdigest()
        payment, order, refund, dispute = (
            _entity(event, name) for name in ("payment", "order", "refund", "dispute")
        )
        kind = _kind(event["event"], payment)
        return WebhookEvent(
            event_id=event_id,
            type=event["event"],
            kind=kind,
            provider_ref=order.get("id") or payment.get("order_id"),
            payment_id=payment.get("id") or refund.get("payment_id") or dispute.get("payment_id"),
            refund_id=refund.get("id") if kind == "refund" else None,
            our_ref=_note(payment or order, "payment"),
            created=_moment(event.get("created_at")),
            raw=event,
        )

    def _refuse_unpayable(self, amount: Money) -> None:
        if amount.currency not in self.currencies or amount.minor < LEAST.get(amount.currency, 1):
            raise GatewayRejected(f"{amount} can't be paid")
        if amount.minor % step(amount.currency):
            raise GatewayRejected(f"{amount} can't be paid: the last digit has to be 0")


@contextmanager
def _client() -> Iterator[Any]:
    """A session for each conversation: nothing is shared between threads, and nothing stays open."""
    keys = (settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET)
    if not all(keys):
        raise GatewayMisconfigured("RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET are not set")
    with Session() as session:
        yield razorpay.Client(session=session, auth=keys, base_url=settings.RAZORPAY_API_BASE)


@contextmanager
def _verifying(complaint: str) -> Iterator[None]:
    """The SDK trips over signatures that are not ASCII (TypeError) and over lone surrogates (ValueError)."""
    try:
        yield
    except (razorpay.errors.SignatureVerificationError, TypeError, ValueError):
        raise InvalidSignature(complaint) from None


def _pages(ask: Callable[[Mapping[str, Any]], Any], **filters: Any) -> Iterator[Entity]:
    skip = 0
    while True:
        items = ask({**filters, "count": PAGE, "skip": skip})["items"]
        yield from items
        if len(items) < PAGE:
            return
        skip += PAGE


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


def _state(order_id: str, payments: Sequence[Entity], order: Entity | None = None) -> PaymentState:
    """Of all the tries on an order: money that came in counts most, then money that may, then the last try.

    Where a bank settles with the merchant directly, Razorpay captures whatever comes in, also for an order that is
    paid: https://razorpay.com/docs/payments/payments/capture-settings
    """
    tries = sorted(payments, key=_age)
    status, failure, shown = PayStatus.OPEN, "", None
    if came_in := [each for each in tries if _came_in(each)]:
        status, shown = PayStatus.PAID, came_in[0]
    elif authorized := [each for each in tries if each["status"] == "authorized"]:
        status, shown = PayStatus.AUTHORIZED, authorized[0]
    elif order and order["status"] == "paid":
        status = PayStatus.PROCESSING  # its payment is not listed yet
    elif tries and tries[-1]["status"] == "refunded":
        status, failure = PayStatus.FAILED, RETURNED_LATE
    elif tries and tries[-1]["status"] == "failed":
        failure = redacted(tries[-1]["error_description"] or "The payment failed.")
    return PaymentState(
        provider_ref=order_id,
        status=status,
        amount=Money(shown["amount"], shown["currency"]) if shown else None,
        payment_id=shown["id"] if shown else "",
        failure=failure[:300],
        fee=_fee(shown) if shown else None,
        refunded=Money(shown["amount_refunded"] or 0, shown["currency"]) if shown else None,
        created=_moment((order or tries[0])["created_at"]),
        attempts=order["attempts"] if order else len(tries),
        our_ref=_note(order or tries[0], "payment"),
        second_payments=tuple(_state(order_id, [each], order) for each in came_in[1:]),
        raw={"order": order, "payments": tries},
    )


def _came_in(payment: Entity) -> bool:
    """What was refunded had come in before, unless it never was captured and Razorpay returned it by itself."""
    return payment["status"] == "captured" or (payment["status"] == "refunded" and bool(payment["captured"]))


def _left_authorized(order: Entity, payments: Sequence[Entity]) -> Entity | None:
    """The payment of an unpaid order that Razorpay should have captured by now."""
    if order["status"] == "paid" or any(_came_in(each) for each in payments):
        return None
    before = (timezone.now() - CAPTURE_GRACE).timestamp()
    for each in sorted(payments, key=_age):
        in_full = (each["amount"], each["currency"]) == (order["amount"], order["currency"])
        if each["status"] == "authorized" and in_full and each["created_at"] <= before:
            return each
    return None


def _fee(payment: Entity) -> Money | None:
    """With its tax; in rupees also when the payment was not. https://razorpay.com/docs/api/payments/entity/"""
    if payment["fee"] is None:
        return None
    return Money(payment["fee"], payment.get("base_currency") or payment["currency"])


def _refund_key(key: str) -> str:
    """https://razorpay.com/docs/api/refunds/normal-refunds-idempotent/"""
    return key if re.fullmatch(r"[A-Za-z0-9_-]{10,}", key) else hashlib.sha256(key.encode()).hexdigest()


def _refund_state(refund: Entity) -> RefundState:
    status = REFUND_RESULT.get(refund["status"], RefundResult.PENDING)
    return RefundState(
        refund_id=refund["id"],
        payment_id=refund["payment_id"],
        status=status,
        amount=Money(refund["amount"], refund["currency"]),
        our_ref=refund["receipt"] or "",
        failure="Razorpay could not make the refund." if status is RefundResult.FAILED else "",
    )


def _dispute_state(dispute: Entity) -> DisputeState:
    deducted = dispute["amount_deducted"] or 0
    return DisputeState(
        dispute_id=dispute["id"],
        payment_id=dispute["payment_id"],
        status=DISPUTE_STATUS.get(dispute["status"], DisputeStatus.OPEN),
        amount=Money(deducted or dispute["amount"], dispute["currency"]),
        reason=dispute.get("reason_description") or dispute["reason_code"] or "",
        is_inquiry=dispute["phase"] in INQUIRIES and not deducted,
        created=_moment(dispute["created_at"]),
    )


def _read_signed(body: bytes, signature: str) -> Entity:
    """During a rotation the old secret still signs what is sent again."""
    with _verifying("The body is not UTF-8"):
        text = body.decode()
    if not any(_is_signed(text, signature, secret) for secret in settings.RAZORPAY_WEBHOOK_SECRETS):
        raise InvalidSignature("Signed by none of RAZORPAY_WEBHOOK_SECRET")
    with _verifying("The body is not JSON"):
        event = json.loads(text)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise InvalidSignature("The body is no event")
    return event


def _is_signed(text: str, signature: str, secret: str) -> bool:
    with suppress(InvalidSignature), _verifying("Not by this secret"):
        return bool(Utility().verify_webhook_signature(text, signature, secret))
    return False


def _kind(type_: str, payment: Entity) -> Literal["payment", "refund", "dispute", "ignored"]:
    if type_.startswith("payment.dispute."):
        return "dispute"
    if type_.startswith("refund."):
        # Razorpay returns what was never captured by itself: no refund of ours, but an end of the payment.
        return "payment" if payment.get("captured") is False else "refund"
    return "payment" if type_ == "order.paid" or type_.startswith("payment.") else "ignored"


def _entity(event: Entity, name: str) -> Entity:
    """What an event carries; empty whatever else is there instead."""
    found: Any = event
    for key in ("payload", name, "entity"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _note(entity: Entity, name: str) -> str:
    """Notes that are empty come as a list."""
    notes = entity.get("notes")
    return str(notes.get(name, "")) if isinstance(notes, dict) else ""


def _age(entity: Entity) -> tuple[int, str]:
    """Of those made in the same second the ids tell: they grow with time."""
    return entity["created_at"], entity["id"]


def _moment(stamp: Any) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int) else None
