"""Stripe behind the site's gateway protocol."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import stripe

from lib.money import EXPONENTS
from payments.gateways.base import (
    CardCharge,
    CardDeclined,
    Checkout,
    CheckoutRequest,
    DisputeState,
    GatewayRejected,
    InvalidSignature,
    Money,
    NotExpirable,
    PaymentMethod,
    PaymentState,
    PayStatus,
    RefundState,
    WebhookEvent,
)
from payments.gateways.stripe.client import client, errors
from payments.gateways.stripe.states import (
    dispute_state,
    intent_state,
    moment,
    payment_method,
    refund_state,
    session_state,
    to_wire,
)
from payments.gateways.stripe.webhooks import SAVED_CARD, read_event

CHARGE = "latest_charge.balance_transaction"
CHARGE_OF_SESSION = f"payment_intent.{CHARGE}"


class StripeGateway:
    name = "stripe"
    label = "Stripe"
    currencies = frozenset(EXPONENTS)
    hosted = True
    can_expire = True
    partial_refunds = True
    # Stripe's least is 30 minutes by its own clock.
    shortest_checkout = timedelta(minutes=31)

    # Checkout

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """A Checkout session, or for a saved card an intent."""
        if request.by_saved_card:
            return self._create_intent(request)
        amount, currency = _wire(request.amount)
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
        with errors(failure_spends_key=True):
            session = client().v1.checkout.sessions.create(
                params, {"idempotency_key": request.idempotency_key}
            )
        plain = session.to_dict()
        return Checkout(plain["id"], moment(plain["expires_at"]), redirect_url=plain["url"])

    def _create_intent(self, request: CheckoutRequest) -> Checkout:
        if not request.customer_ref:
            raise GatewayRejected("A saved card is somebody's, and whose is not said")
        amount, currency = _wire(request.amount)
        with errors(failure_spends_key=True):
            intent = client().v1.payment_intents.create(
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
        with errors():
            if provider_ref.startswith("pi_"):
                intent = client().v1.payment_intents.retrieve(provider_ref, {"expand": [CHARGE]})
                return intent_state(intent.to_dict())
            session = client().v1.checkout.sessions.retrieve(provider_ref, {"expand": [CHARGE_OF_SESSION]})
            return session_state(session.to_dict())

    def verify_return(self, provider_ref: str, data: Mapping[str, str]) -> None:
        """Nothing is signed, and nothing is believed: this only notices the address of another checkout."""
        if data.get("session_id", provider_ref) != provider_ref:
            raise InvalidSignature("The browser came back from another checkout")

    def expire(self, provider_ref: str) -> PaymentState:
        try:
            with errors():
                if provider_ref.startswith("pi_"):
                    intent = client().v1.payment_intents.cancel(
                        provider_ref, {"cancellation_reason": "abandoned", "expand": [CHARGE]}
                    )
                    return intent_state(intent.to_dict())
                session = client().v1.checkout.sessions.expire(provider_ref, {"expand": [CHARGE_OF_SESSION]})
                return session_state(session.to_dict())
        except GatewayRejected as refusal:
            state = self.fetch(provider_ref)
            if state.status is PayStatus.OPEN:
                raise NotExpirable(str(refusal)) from None
            return state

    def list_payments(self, since: datetime) -> Iterator[PaymentState]:
        begun: stripe.params.checkout.SessionListParamsCreated = {"gte": int(since.timestamp())}
        with errors():
            sessions = client().v1.checkout.sessions.list(
                {"created": begun, "limit": 100, "expand": [f"data.{CHARGE_OF_SESSION}"]}
            )
            for session in sessions.auto_paging_iter():
                if session.mode == "payment":
                    yield session_state(session.to_dict())
            intents = client().v1.payment_intents.list(
                {"created": begun, "limit": 100, "expand": [f"data.{CHARGE}"]}
            )
            for intent in intents.auto_paging_iter():
                plain = intent.to_dict()
                if SAVED_CARD in plain["metadata"]:
                    yield intent_state(plain)

    # Refunds and disputes

    def refund(self, payment_id: str, amount: Money, *, key: str, ref: str, reason: str) -> RefundState:
        if not payment_id:
            raise GatewayRejected("There is no payment to refund")
        if amount.minor <= 0:
            raise GatewayRejected(f"{amount} can't be refunded")
        # Also in a currency that is not traded here: what came in by mistake goes back.
        minor = to_wire(amount)
        with errors():
            refund = client().v1.refunds.create(
                {
                    "payment_intent": payment_id,
                    "amount": minor,
                    "reason": "duplicate" if reason == "surplus" else "requested_by_customer",
                    "metadata": {"refund": ref, "reason": reason},
                },
                {"idempotency_key": key},
            )
        return refund_state(refund.to_dict())

    def fetch_refund(self, refund_id: str, payment_id: str) -> RefundState:
        with errors():
            return refund_state(client().v1.refunds.retrieve(refund_id).to_dict())

    def list_refunds(self, payment_id: str) -> list[RefundState]:
        """The oldest first."""
        if not payment_id:
            return []
        with errors():
            try:
                page = client().v1.refunds.list({"payment_intent": payment_id, "limit": 100})
            except stripe.InvalidRequestError as error:
                if error.code == "resource_missing":
                    return []
                raise
            return [refund_state(refund.to_dict()) for refund in page.auto_paging_iter()][::-1]

    def list_disputes(self, payment_id: str) -> list[DisputeState]:
        if not payment_id:
            return []
        with errors():
            page = client().v1.disputes.list({"payment_intent": payment_id, "limit": 100})
            return [dispute_state(dispute.to_dict()) for dispute in page.auto_paging_iter()][::-1]

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        return read_event(body, headers.get("Stripe-Signature"))

    # Saved cards

    def create_customer(self, *, ref: str, email: str, name: str) -> str:
        key = f"customer-{ref}-{email}"[:255]
        with errors():
            customer = client().v1.customers.create(
                {"email": email, "name": name[:256], "metadata": {"person": ref}}, {"idempotency_key": key}
            )
        return customer.id

    def create_setup_page(self, customer_ref: str, *, success_url: str, cancel_url: str) -> str:
        with errors():
            session = client().v1.checkout.sessions.create(
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
        with errors():
            page = client().v1.customers.payment_methods.list(customer_ref, {"type": "card", "limit": 100})
            return [payment_method(method.to_dict()) for method in page.auto_paging_iter()]

    def detach_payment_method(self, customer_ref: str, method_ref: str) -> None:
        with errors():
            owner = client().v1.payment_methods.retrieve(method_ref).to_dict()["customer"]
            if owner is None:
                return
            if owner != customer_ref:
                raise GatewayRejected(f"{method_ref} is not a card of {customer_ref}")
            client().v1.payment_methods.detach(method_ref)

    def charge_payment_method(self, provider_ref: str, method_ref: str, *, return_url: str) -> CardCharge:
        """No key of ours: an intent succeeds once, and a key would repeat a card's first no to its second try."""
        try:
            with errors():
                intent = client().v1.payment_intents.confirm(
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
        redirect = (plain["next_action"] or {}).get("redirect_to_url") or {}
        return CardCharge(intent_state(plain), redirect.get("url") or "")


def _wire(money: Money) -> tuple[int, str]:
    """Stripe's minor units and spelling. Raises `GatewayRejected` for what it can't express."""
    if money.minor <= 0 or money.currency not in EXPONENTS:
        raise GatewayRejected(f"{money} can't be paid by Stripe")
    return to_wire(money), money.currency.lower()


def _with_session_id(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}session_id={{CHECKOUT_SESSION_ID}}"
