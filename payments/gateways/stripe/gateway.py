"""Stripe: hosted Checkout, saved cards, refunds and events, in the API version that the SDK pins."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import stripe
from django.conf import settings

from lib import deadline
from lib.money import EXPONENTS, step
from lib.redaction import redacted
from payments.gateways import calls
from payments.gateways.base import (
    AlreadyRefunded,
    CardCharge,
    CardDeclined,
    Checkout,
    CheckoutRequest,
    CustomerNotFound,
    DisputeState,
    DisputeStatus,
    GatewayError,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    IdempotencyKeyUnusable,
    InvalidSignature,
    Money,
    NotExpirable,
    PaymentMethod,
    PaymentState,
    PayStatus,
    RefundResult,
    RefundState,
    WebhookEvent,
)

# Nobody but the owner learns how long requests took.
stripe.enable_telemetry = False

# Seconds to connect and to be answered, for each of three tries: the SDK's own would wait 80 s and try once.
TIMEOUT = (5, 20)
RETRIES = 2
LIVE_KEYS = ("sk_live_", "rk_live_")
SIGNATURE_TOLERANCE = 300

CHARGE = "latest_charge.balance_transaction"
CHARGE_OF_SESSION = f"payment_intent.{CHARGE}"
# Marks the intents that are not a Checkout session's.
SAVED_CARD = "saved_card"

# What Stripe may add to these is neither done nor failed, and asked after again.
INTENT_STATUS = {
    "requires_payment_method": PayStatus.OPEN,
    "requires_confirmation": PayStatus.OPEN,
    "requires_action": PayStatus.OPEN,
    "processing": PayStatus.PROCESSING,
    "requires_capture": PayStatus.AUTHORIZED,
    "succeeded": PayStatus.PAID,
    "canceled": PayStatus.CANCELED,
}
REFUND_STATUS = {
    "pending": RefundResult.PENDING,
    "requires_action": RefundResult.PENDING,
    "succeeded": RefundResult.SUCCEEDED,
    "failed": RefundResult.FAILED,
    "canceled": RefundResult.FAILED,
}
BRANDS = {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "diners": "Diners Club"}
DISPUTE_STATUS = {
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
PAYMENT_EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
    }
)
REFUND_EVENTS = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated", "charge.refunded"}
)

SECRET = re.compile(r"\b(?:sk|rk|pk|whsec|ek)_\w+|\b\w+_secret_\w+")


class StripeGateway:
    name = "stripe"
    label = "Stripe"
    currencies = frozenset(EXPONENTS)
    hosted = True
    can_expire = True
    partial_refunds = True
    # Stripe's least is 30 minutes by its own clock.
    shortest_checkout = timedelta(minutes=31)

    @property
    def _client(self) -> stripe.StripeClient:
        if not settings.STRIPE_SECRET_KEY:
            raise GatewayMisconfigured("STRIPE_SECRET_KEY is not set")
        key, base = settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE
        if deadline.in_hurry():
            timeout = calls.timeouts(TIMEOUT)
            return _client(key, base, timeout=timeout, retries=0, session=calls.Session())
        return _connect(key, base)

    # Checkout

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """A Checkout session, or for a saved card an intent."""
        if request.by_saved_card:
            return self._create_intent(request)
        amount, currency = self._wire(request.amount)
        metadata = dict(request.metadata)
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": request.ref,
            "success_url": _with_session_id(request.success_url),
            "cancel_url": request.cancel_url,
            "expires_at": int(request.expires_at.timestamp()),
            "locale": "auto",
            "submit_type": "book",
            "adaptive_pricing": {"enabled": False},
            "metadata": metadata,
            "payment_intent_data": {"description": request.description, "metadata": metadata},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": currency,
                        "unit_amount": amount,
                        "product_data": {"name": request.description},
                    },
                }
            ],
        }
        if request.customer_ref:
            params["customer"] = request.customer_ref
            params["saved_payment_method_options"] = {"payment_method_save": "enabled"}
        else:
            params["customer_email"] = request.email
        with self._errors(failure_spends_key=True):
            session = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": request.idempotency_key}
            )
        plain = session.to_dict()
        return Checkout(plain["id"], _moment(plain["expires_at"]), redirect_url=plain["url"])

    def _create_intent(self, request: CheckoutRequest) -> Checkout:
        if not request.customer_ref:
            raise GatewayRejected("A saved card is somebody's, and whose is not said")
        amount, currency = self._wire(request.amount)
        with self._errors(failure_spends_key=True):
            intent = self._client.v1.payment_intents.create(
                {
                    "amount": amount,
                    "currency": currency,
                    "customer": request.customer_ref,
                    "description": request.description,
                    "metadata": {**request.metadata, SAVED_CARD: "yes"},
                    "allowed_payment_method_types": ["card"],
                },
                {"idempotency_key": request.idempotency_key},
            )
        return Checkout(intent.id, request.expires_at)

    def fetch(self, provider_ref: str) -> PaymentState:
        with self._errors():
            if provider_ref.startswith("pi_"):
                intent = self._client.v1.payment_intents.retrieve(provider_ref, {"expand": [CHARGE]})
                return _intent_state(intent.to_dict())
            session = self._client.v1.checkout.sessions.retrieve(
                provider_ref, {"expand": [CHARGE_OF_SESSION]}
            )
            return _session_state(session.to_dict())

    def verify_return(self, provider_ref: str, data: Mapping[str, str]) -> None:
        """Nothing is signed, and nothing is believed: this only notices the address of another checkout."""
        if data.get("session_id", provider_ref) != provider_ref:
            raise InvalidSignature("The browser came back from another checkout")

    def expire(self, provider_ref: str) -> PaymentState:
        try:
            with self._errors():
                if provider_ref.startswith("pi_"):
                    intent = self._client.v1.payment_intents.cancel(
                        provider_ref, {"cancellation_reason": "abandoned", "expand": [CHARGE]}
                    )
                    return _intent_state(intent.to_dict())
                session = self._client.v1.checkout.sessions.expire(
                    provider_ref, {"expand": [CHARGE_OF_SESSION]}
                )
                return _session_state(session.to_dict())
        except GatewayRejected as refusal:
            state = self.fetch(provider_ref)
            if state.status is PayStatus.OPEN:
                raise NotExpirable(str(refusal)) from None
            return state

    def list_payments(self, since: datetime) -> Iterator[PaymentState]:
        begun: stripe.params.checkout.SessionListParamsCreated = {"gte": int(since.timestamp())}
        with self._errors():
            sessions = self._client.v1.checkout.sessions.list(
                {"created": begun, "limit": 100, "expand": [f"data.{CHARGE_OF_SESSION}"]}
            )
            for session in sessions.auto_paging_iter():
                if session.mode == "payment":
                    yield _session_state(session.to_dict())
            intents = self._client.v1.payment_intents.list(
                {"created": begun, "limit": 100, "expand": [f"data.{CHARGE}"]}
            )
            for intent in intents.auto_paging_iter():
                plain = intent.to_dict()
                if SAVED_CARD in plain["metadata"]:
                    yield _intent_state(plain)

    # Refunds and disputes

    def refund(self, payment_id: str, amount: Money, *, key: str, ref: str, reason: str) -> RefundState:
        if not payment_id:
            raise GatewayRejected("There is no payment to refund")
        if amount.minor <= 0:
            raise GatewayRejected(f"{amount} can't be refunded")
        # Also in a currency that is not traded here: what came in by mistake goes back.
        minor = to_wire(amount)
        with self._errors():
            refund = self._client.v1.refunds.create(
                {
                    "payment_intent": payment_id,
                    "amount": minor,
                    "reason": "duplicate" if reason == "surplus" else "requested_by_customer",
                    "metadata": {"refund": ref, "reason": reason},
                },
                {"idempotency_key": key},
            )
        return _refund_state(refund.to_dict())

    def fetch_refund(self, refund_id: str, payment_id: str) -> RefundState:
        with self._errors():
            return _refund_state(self._client.v1.refunds.retrieve(refund_id).to_dict())

    def list_refunds(self, payment_id: str) -> list[RefundState]:
        """The oldest first."""
        if not payment_id:
            return []
        with self._errors():
            try:
                page = self._client.v1.refunds.list({"payment_intent": payment_id, "limit": 100})
            except stripe.InvalidRequestError as error:
                if error.code == "resource_missing":
                    return []
                raise
            return [_refund_state(refund.to_dict()) for refund in page.auto_paging_iter()][::-1]

    def list_disputes(self, payment_id: str) -> list[DisputeState]:
        if not payment_id:
            return []
        with self._errors():
            page = self._client.v1.disputes.list({"payment_intent": payment_id, "limit": 100})
            return [_dispute_state(dispute.to_dict()) for dispute in page.auto_paging_iter()][::-1]

    # Events

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        signature = headers.get("Stripe-Signature")
        if not any(_is_signed(body, signature, secret) for secret in settings.STRIPE_WEBHOOK_SECRETS):
            raise InvalidSignature("Not signed by Stripe with a secret of ours, or too old")
        try:
            event = json.loads(body)
            event_id, kind, subject = event["id"], event["type"], event["data"]["object"]
            created, livemode = _moment(event["created"]), event["livemode"]
        except (ValueError, TypeError, KeyError):
            raise InvalidSignature("Signed, and yet not an event") from None
        if livemode is not settings.STRIPE_SECRET_KEY.startswith(LIVE_KEYS):
            raise InvalidSignature("A test event for a live site, or the other way round")
        return _event(event_id, kind, created, subject)

    # Saved cards

    def create_customer(self, *, ref: str, email: str, name: str) -> str:
        key = f"customer-{ref}-{email}"[:255]
        with self._errors():
            customer = self._client.v1.customers.create(
                {"email": email, "name": name[:256], "metadata": {"person": ref}}, {"idempotency_key": key}
            )
        return customer.id

    def create_setup_page(self, customer_ref: str, *, success_url: str, cancel_url: str) -> str:
        with self._errors():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "customer": customer_ref,
                    "allowed_payment_method_types": ["card"],
                    "locale": "auto",
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                }
            )
        return session.url or ""

    def list_payment_methods(self, customer_ref: str) -> list[PaymentMethod]:
        with self._errors():
            page = self._client.v1.customers.payment_methods.list(
                customer_ref, {"type": "card", "limit": 100}
            )
            return [_saved_card(method.to_dict()) for method in page.auto_paging_iter()]

    def detach_payment_method(self, customer_ref: str, method_ref: str) -> None:
        with self._errors():
            owner = self._client.v1.payment_methods.retrieve(method_ref).to_dict()["customer"]
            if owner is None:
                return
            if owner != customer_ref:
                raise GatewayRejected(f"{method_ref} is not a card of {customer_ref}")
            self._client.v1.payment_methods.detach(method_ref)

    def charge_payment_method(self, provider_ref: str, method_ref: str, *, return_url: str) -> CardCharge:
        """No key of ours: an intent succeeds once, and a key would repeat a card's first no to its second try."""
        try:
            with self._errors():
                intent = self._client.v1.payment_intents.confirm(
                    provider_ref,
                    {
                        "payment_method": method_ref,
                        "off_session": False,
                        "return_url": return_url,
                        "expand": [CHARGE],
                    },
                )
        except CardDeclined:
            raise
        except GatewayRejected:
            # It may have been confirmed before: by the other of two clicks, or by a try whose answer was lost.
            state = self.fetch(provider_ref)
            if state.status is PayStatus.OPEN:
                raise
            return CardCharge(state)
        plain = intent.to_dict()
        step = plain["next_action"] or {}
        return CardCharge(_intent_state(plain), (step.get("redirect_to_url") or {}).get("url") or "")

    # The edge

    def _wire(self, money: Money) -> tuple[int, str]:
        """Stripe's minor units and spelling. Raises `GatewayRejected` for what it can't express."""
        if money.minor <= 0 or money.currency not in self.currencies:
            raise GatewayRejected(f"{money} can't be paid by Stripe")
        return to_wire(money), money.currency.lower()

    @contextmanager
    def _errors(self, *, failure_spends_key: bool = False) -> Iterator[None]:
        """`from None`: the SDK's errors carry requests' bodies and headers, which must not reach a log."""
        try:
            yield
        except stripe.StripeError as error:
            raise _translated(error, failure_spends_key=failure_spends_key) from None


@cache
def _connect(secret_key: str, api_base: str) -> stripe.StripeClient:
    return _client(secret_key, api_base, timeout=TIMEOUT, retries=RETRIES)


def _client(
    secret_key: str,
    api_base: str,
    *,
    timeout: tuple[float, float],
    retries: int,
    session: calls.Session | None = None,
) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout, session=session),
    )


def to_wire(money: Money) -> int:
    """Raises `GatewayRejected` for thousandths whose last digit is not 0, which Stripe would refuse."""
    if money.minor % step(money.currency):
        raise GatewayRejected(f"{money} is finer than Stripe takes")
    return money.minor


def from_wire(minor: int, currency: str) -> Money:
    """In Stripe's own minor units, also of a currency that is not traded here."""
    return Money(minor, currency.upper())


def _translated(error: stripe.StripeError, *, failure_spends_key: bool) -> GatewayError:
    words = _words(error)
    match error:
        case stripe.CardError():
            return CardDeclined(words, redacted(error.user_message or CardDeclined.safe_message))
        case stripe.IdempotencyError():
            return IdempotencyKeyUnusable(words)
        case stripe.InvalidRequestError(code="charge_already_refunded"):
            return AlreadyRefunded(words)
        case stripe.InvalidRequestError(code="resource_missing", param="customer"):
            return CustomerNotFound(words)
        case stripe.InvalidRequestError(param="expires_at"):
            # A request that waited too long to be repeated: the next one is a new one.
            return IdempotencyKeyUnusable(words)
        case stripe.InvalidRequestError():
            return GatewayRejected(words)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return GatewayMisconfigured(words)
    headers = error.headers or {}
    stored = headers.get("Idempotent-Replayed") == "true"
    if (error.http_status or 0) >= 500 and error.error and (stored or failure_spends_key):
        # Stripe keeps its first answer to a key, failures included.
        return IdempotencyKeyUnusable(words)
    return GatewayUnavailable(words)


def _words(error: stripe.StripeError) -> str:
    """For logs and staff. What is no JSON of Stripe's, such as a proxy's page, is not quoted."""
    if error.http_status is None:
        return f"Stripe did not answer ({type(error.__cause__ or error).__name__})"
    parts = [f"Stripe answered {error.http_status}"]
    if error.error:
        parts += [error.code or "", getattr(error, "param", None) or "", error.user_message or ""]
    if error.request_id:
        parts.append(error.request_id)
    return SECRET.sub("***", redacted(", ".join(part for part in parts if part)))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _with_session_id(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}session_id={{CHECKOUT_SESSION_ID}}"


def _session_state(session: dict[str, Any]) -> PaymentState:
    if session["mode"] != "payment":
        raise GatewayRejected(f"{session['id']} is no payment")
    intent = session["payment_intent"] or {}
    return PaymentState(
        provider_ref=session["id"],
        status=(status := _session_status(session, intent)),
        created=_moment(session["created"]),
        our_ref=session["client_reference_id"] or "",
        failure=_failure(intent) if status is not PayStatus.PAID else "",
        **_money(status, session["amount_total"], session["currency"], intent),
    )


def _session_status(session: dict[str, Any], intent: dict[str, Any]) -> PayStatus:
    if session["payment_status"] == "paid":
        return PayStatus.PAID
    if session["status"] != "complete":
        return PayStatus(session["status"])
    # A delayed way of paying: completed, and then the money comes or not.
    status = INTENT_STATUS.get(intent["status"], PayStatus.PROCESSING)
    return PayStatus.FAILED if status is PayStatus.OPEN else status


def _intent_state(intent: dict[str, Any]) -> PaymentState:
    status = INTENT_STATUS.get(intent["status"], PayStatus.PROCESSING)
    return PaymentState(
        provider_ref=intent["id"],
        status=status,
        created=_moment(intent["created"]),
        our_ref=intent["metadata"].get("payment", ""),
        failure=_failure(intent) if status is not PayStatus.PAID else "",
        **_money(
            status,
            intent["amount_received" if status is PayStatus.PAID else "amount"],
            intent["currency"],
            intent,
        ),
    )


def _money(status: PayStatus, minor: int, currency: str, intent: dict[str, Any]) -> dict[str, Any]:
    """What is known once a payer has gone through with it."""
    if status not in (PayStatus.PAID, PayStatus.PROCESSING, PayStatus.AUTHORIZED):
        return {}
    charge = intent.get("latest_charge") or {}
    booked = charge.get("balance_transaction") or {}
    return {
        "payment_id": intent.get("id", ""),
        "amount": from_wire(minor, currency),
        "fee": from_wire(booked["fee"], booked["currency"]) if booked else None,
        "refunded": from_wire(charge["amount_refunded"], charge["currency"]) if charge else None,
        "disputed": bool(charge.get("disputed")),
    }


def _failure(intent: dict[str, Any]) -> str:
    """Only what a bank says is written for payers."""
    error = intent.get("last_payment_error")
    if not error:
        return ""
    return redacted(error["message"]) if error["type"] == "card_error" else "The payment did not go through."


def _refund_state(refund: dict[str, Any]) -> RefundState:
    status = REFUND_STATUS.get(refund["status"], RefundResult.PENDING)
    reason = (refund.get("failure_reason") or refund["status"]).replace("_", " ")
    return RefundState(
        refund_id=refund["id"],
        payment_id=refund["payment_intent"] or "",
        status=status,
        amount=from_wire(refund["amount"], refund["currency"]),
        our_ref=(refund["metadata"] or {}).get("refund", ""),
        failure=f"Stripe could not refund it: {reason}" if status is RefundResult.FAILED else "",
    )


def _dispute_state(dispute: dict[str, Any]) -> DisputeState:
    return DisputeState(
        dispute_id=dispute["id"],
        payment_id=dispute["payment_intent"] or "",
        status=DISPUTE_STATUS.get(dispute["status"], DisputeStatus.OPEN),
        amount=from_wire(dispute["amount"], dispute["currency"]),
        reason=dispute["reason"].replace("_", " "),
        is_inquiry=dispute["status"].startswith("warning_"),
        created=_moment(dispute["created"]),
    )


def _saved_card(method: dict[str, Any]) -> PaymentMethod:
    card = method["card"]
    brand = BRANDS.get(card["brand"], str(card["brand"]).replace("_", " ").title())
    return PaymentMethod(method["id"], brand, card["last4"], card["exp_month"], card["exp_year"])


def _is_signed(body: bytes, header: str | None, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, SIGNATURE_TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return True


def _event(event_id: str, kind: str, created: datetime, subject: dict[str, Any]) -> WebhookEvent:
    """`raw` is what may be kept: no card, no person, no client's secret."""
    kept = ("object", "id", "status", "payment_status", "amount", "amount_total", "currency", "metadata")
    event = WebhookEvent(
        event_id=event_id,
        type=kind,
        kind="ignored",
        payment_id=subject.get("payment_intent"),
        our_ref=(subject.get("metadata") or {}).get("payment", ""),
        created=created,
        raw={name: subject[name] for name in kept if name in subject},
    )
    if kind in PAYMENT_EVENTS and subject["object"] == "payment_intent":
        # Its checkout is itself, unless it belongs to a session, whose id it does not say.
        own = subject["id"] if SAVED_CARD in (subject.get("metadata") or {}) else None
        return replace(event, kind="payment", provider_ref=own, payment_id=subject["id"])
    if kind in PAYMENT_EVENTS and subject.get("mode") == "payment":
        return replace(event, kind="payment", provider_ref=subject["id"])
    if kind in REFUND_EVENTS:
        refund_id = subject["id"] if subject["object"] == "refund" else None
        return replace(event, kind="refund", refund_id=refund_id)
    if kind.startswith("charge.dispute."):
        return replace(event, kind="dispute")
    return event
