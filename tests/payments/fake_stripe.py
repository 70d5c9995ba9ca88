"""What Stripe knows and does: sessions, intents, charges, refunds, customers and disputes, in memory.

Errors are worded and coded as in https://docs.stripe.com/error-codes; cards behave as those of
https://docs.stripe.com/testing.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from tests.payments.fake_stripe_parameters import API_VERSION, Refusal, shaped

Object = dict[str, Any]

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
POOR_CARD = "4000000000009995"
DECLINED_AFTER_SAVING = "4000000000000341"
SECURE_CARD = "4000002500003155"
DISPUTED_CARD = "4000000000000259"
SLOW_REFUND_CARD = "4000000000007726"
FAILING_REFUND_CARD = "4000000000005126"
DELAYED = "delayed"  # a debit that the bank answers days later

DECLINES = {
    DECLINED_CARD: ("generic_decline", "Your card was declined."),
    DECLINED_AFTER_SAVING: ("generic_decline", "Your card was declined."),
    POOR_CARD: ("insufficient_funds", "Your card has insufficient funds."),
}
ZERO_DECIMAL = {"jpy", "krw", "vnd", "clp", "xaf", "xof", "bif", "djf", "gnf", "kmf", "mga", "pyg", "rwf"}
THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
OTHERS = {
    *("inr", "usd", "eur", "gbp", "aud", "cad", "nzd", "sgd", "chf", "sek", "nok", "dkk", "pln", "brl"),
    *("mxn", "zar", "aed", "hkd", "isk", "ugx", "huf", "twd"),
}
LEAST = {"inr": 50, "usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "sek": 300}
LISTS = {
    "checkout.session": "/v1/checkout/sessions",
    "payment_intent": "/v1/payment_intents",
    "refund": "/v1/refunds",
    "dispute": "/v1/disputes",
}
EXPANDABLE = {
    "checkout.session": {"payment_intent", "customer"},
    "payment_intent": {"latest_charge", "customer", "payment_method"},
    "charge": {"balance_transaction", "payment_intent", "customer"},
    "refund": {"charge", "payment_intent", "balance_transaction"},
    "dispute": {"charge", "payment_intent"},
    "payment_method": {"customer"},
}


class FakeStripe:
    """`operate` answers one request; the other public methods are what payers, banks and the owner do."""

    def __init__(self, origin: str = "", *, live: bool = False) -> None:
        self.origin = origin
        self.live = live
        self.objects: dict[str, Object] = {}
        self.cards: dict[str, str] = {}
        self.events: list[Object] = []
        self.operations: dict[str, Callable[[str, Object], Object]] = {
            "POST /v1/checkout/sessions": lambda _, p: self._create_session(p),
            "GET /v1/checkout/sessions": lambda _, p: self._list("checkout.session", p),
            "GET /v1/checkout/sessions/{id}": lambda i, _: self._get("checkout.session", i),
            "POST /v1/checkout/sessions/{id}/expire": lambda i, _: self._expire(i),
            "POST /v1/payment_intents": lambda _, p: self._create_intent(p),
            "GET /v1/payment_intents": lambda _, p: self._list("payment_intent", p),
            "GET /v1/payment_intents/{id}": lambda i, _: self._get("payment_intent", i),
            "POST /v1/payment_intents/{id}/confirm": self._confirm,
            "POST /v1/payment_intents/{id}/cancel": self._cancel,
            "POST /v1/refunds": lambda _, p: self._create_refund(p),
            "GET /v1/refunds": lambda _, p: self._list("refund", p),
            "GET /v1/refunds/{id}": lambda i, _: self._get("refund", i),
            "GET /v1/disputes": lambda _, p: self._list("dispute", p),
            "POST /v1/customers": lambda _, p: self._create_customer(p),
            "GET /v1/customers/{id}/payment_methods": self._list_cards,
            "GET /v1/payment_methods/{id}": lambda i, _: self._get("payment_method", i),
            "POST /v1/payment_methods/{id}/detach": lambda i, _: self._detach(i),
        }

    def operate(self, operation: str, object_id: str, parameters: Object) -> Object:
        expand = parameters.pop("expand", [])
        answer = self.operations[operation](object_id, parameters)
        return self._expanded(answer, expand)

    # What payers do

    def pay(self, session_id: str, card: str = GOOD_CARD) -> str:
        """On the hosted page. The address that the browser goes to, empty when it stays; a no is a `Refusal`."""
        session = self.session(session_id)
        if session["status"] != "open":
            raise Refusal("This page is no longer open.", code="checkout_session_closed")
        if session["mode"] == "setup":
            self._new_card(card, session["customer"])
            session.update(status="complete", url=None)
            self._emit("checkout.session.completed", session)
            return self._success_url(session)
        intent = self._intent_of(session)
        if card == SECURE_CARD:
            return self._ask_bank(intent, self._success_url(session))
        self._charge(intent, card)
        self._complete(session, intent)
        return self._success_url(session)

    def answer_bank(self, intent_id: str, *, agree: bool) -> str:
        """On the page of the payer's bank. The address that it leads back to."""
        intent = self._get("payment_intent", intent_id)
        back = (intent["next_action"] or {}).get("redirect_to_url", {}).get("return_url", "")
        if intent["status"] == "requires_action":
            intent["next_action"] = None
            if agree:
                self._take(intent, SECURE_CARD)
                for session in self._all("checkout.session"):
                    if session["payment_intent"] == intent_id:
                        self._complete(session, intent)
            else:
                words = "We are unable to authenticate your payment method."
                self._decline(intent, "payment_intent_authentication_failure", "", words)
                self._emit("payment_intent.payment_failed", intent)
        status = "succeeded" if intent["status"] == "succeeded" else "failed"
        return _with_query(back, payment_intent=intent_id, redirect_status=status)

    def settle_delayed(self, session_id: str, *, paid: bool) -> None:
        """The bank's answer to a delayed debit."""
        session = self._get("checkout.session", session_id)
        intent = self._get("payment_intent", session["payment_intent"])
        if paid:
            self._take(intent, DELAYED)
            session["payment_status"] = "paid"
        else:
            self._decline(intent, "payment_intent_payment_attempt_failed", "", "The debit was returned.")
        self._emit(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", session)

    # What the owner and the banks do

    def refund_by_hand(self, intent_id: str, amount: int) -> Object:
        """In the dashboard."""
        return self._create_refund({"payment_intent": intent_id, "amount": amount})

    def move_refund(self, refund_id: str, status: str, reason: str | None = None) -> None:
        refund = self._get("refund", refund_id)
        if status in ("failed", "canceled") and refund["status"] not in ("failed", "canceled"):
            self._get("charge", refund["charge"])["amount_refunded"] -= refund["amount"]
        refund.update(status=status, failure_reason=reason, pending_reason=None)
        self._emit("refund.failed" if status == "failed" else "refund.updated", refund)

    def open_dispute(self, intent_id: str, *, status: str = "needs_response") -> Object:
        intent = self._get("payment_intent", intent_id)
        charge = self._get("charge", intent["latest_charge"])
        charge["disputed"] = True
        dispute = self._new(
            "dispute",
            "dp",
            amount=charge["amount"],
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent_id,
            reason="product_not_received",
            status=status,
        )
        self._emit("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute_id: str, status: str) -> None:
        dispute = self._get("dispute", dispute_id)
        dispute["status"] = status
        self._emit("charge.dispute.closed", dispute)

    def event(self, kind: str, subject: Object) -> Object:
        """As it is sent: rendered now, with ids in place of objects."""
        return {
            **shaped("event"),
            "id": _new_id("evt"),
            "type": kind,
            "api_version": API_VERSION,
            "created": int(time.time()),
            "livemode": self.live,
            "data": {"object": dict(subject)},
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
        }

    # Checkout

    def _create_session(self, p: Object) -> Object:
        mode = p.get("mode")
        if mode is None:
            raise _missing("mode")
        if "success_url" not in p:
            raise _missing("success_url")
        for name in ("success_url", "cancel_url"):
            if not re.match(r"https?://[^\s/]+", p.get(name, "https://none")):
                raise Refusal("Not a valid URL", code="url_invalid", param=name)
        if "customer" in p and "customer_email" in p:
            raise Refusal("You may only specify one of these parameters: customer, customer_email.")
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", p.get("customer_email", "a@example.com")):
            raise Refusal("Invalid email address", code="email_invalid", param="customer_email")
        if "customer" in p:
            self._get("customer", p["customer"], param="customer")
        money = self._price(p) if mode == "payment" else self._setup(p)
        created = int(time.time())
        expires_at = p.get("expires_at", created + 86_400)
        if not 1_800 <= expires_at - created <= 86_400:
            raise Refusal(
                "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from creation.",
                param="expires_at",
            )
        prefix = "cs_live" if self.live else "cs_test"
        session = self._new(
            "checkout.session",
            prefix,
            mode=mode,
            status="open",
            payment_status="unpaid" if mode == "payment" else "no_payment_required",
            expires_at=expires_at,
            customer=p.get("customer"),
            livemode=self.live,
            metadata=p.get("metadata", {}),
            ui_mode="hosted_page",
            **{k: p.get(k) for k in ("success_url", "cancel_url", "client_reference_id", "customer_email")},
            **{k: p.get(k) for k in ("locale", "submit_type", "adaptive_pricing")},
            **money,
        )
        session["url"] = f"{self.origin}/pay/{session['id']}"
        self.objects[f"{session['id']} asked"] = p
        return session

    def _price(self, p: Object) -> Object:
        if not p.get("line_items"):
            raise _missing("line_items")
        total, currency = 0, ""
        for n, item in enumerate(p["line_items"]):
            where = f"line_items[{n}]"
            price = item.get("price_data")
            if price is None or "unit_amount" not in price or "product_data" not in price:
                raise _missing(f"{where}[price_data]")
            if "quantity" not in item:
                raise _missing(f"{where}[quantity]")
            currency = price["currency"]
            _check_amount(price["unit_amount"], currency, f"{where}[price_data][unit_amount]")
            total += price["unit_amount"] * item["quantity"]
        return {"amount_total": total, "amount_subtotal": total, "currency": currency}

    def _setup(self, p: Object) -> Object:
        if "line_items" in p or "submit_type" in p or "payment_intent_data" in p:
            raise Refusal("Nothing can be sold in `setup` mode.", param="line_items")
        if "currency" not in p and "allowed_payment_method_types" not in p:
            raise _missing("currency")
        return {"currency": p.get("currency")}

    def session(self, session_id: str) -> Object:
        return self._get("checkout.session", session_id)

    def sessions(self) -> list[Object]:
        """The newest first."""
        return list(self._all("checkout.session"))

    def _expire(self, session_id: str) -> Object:
        session = self.session(session_id)
        if session["status"] != "open":
            raise Refusal(
                f'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session['status']}`."
            )
        return self._lapse(session)

    def _lapse(self, session: Object) -> Object:
        session.update(status="expired", url=None)
        self._emit("checkout.session.expired", session)
        return session

    def _intent_of(self, session: Object) -> Object:
        if session["payment_intent"] is None:
            asked = self.objects[f"{session['id']} asked"].get("payment_intent_data", {})
            intent = self._new_intent(
                session["amount_total"], session["currency"], session["customer"], asked
            )
            session["payment_intent"] = intent["id"]
        return self._get("payment_intent", session["payment_intent"])

    def _complete(self, session: Object, intent: Object) -> None:
        paid = intent["status"] == "succeeded"
        session.update(status="complete", payment_status="paid" if paid else "unpaid", url=None)
        self._emit("checkout.session.completed", session)

    @staticmethod
    def _success_url(session: Object) -> str:
        return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])

    # Intents

    def _create_intent(self, p: Object) -> Object:
        _check_amount(p["amount"], p["currency"], "amount")
        if "customer" in p:
            self._get("customer", p["customer"], param="customer")
        if "return_url" in p and not p.get("confirm"):
            raise Refusal(
                "The parameter `return_url` cannot be passed without `confirm`.", param="return_url"
            )
        intent = self._new_intent(p["amount"], p["currency"], p.get("customer"), p)
        return self._confirm(intent["id"], p) if p.get("confirm") else intent

    def _new_intent(self, amount: int, currency: str, customer: str | None, asked: Object) -> Object:
        intent = self._new(
            "payment_intent",
            "pi",
            amount=amount,
            currency=currency,
            customer=customer,
            amount_received=0,
            status="requires_payment_method",
            livemode=self.live,
            description=asked.get("description"),
            metadata=asked.get("metadata", {}),
        )
        intent["client_secret"] = f"{intent['id']}_secret_{_new_id('x')}"
        return intent

    def _confirm(self, intent_id: str, p: Object) -> Object:
        intent = self._get("payment_intent", intent_id)
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise Refusal(
                f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
                code="payment_intent_unexpected_state",
                payment_intent=dict(intent),
            )
        if "payment_method" not in p:
            raise _missing("payment_method")
        method = self._get("payment_method", p["payment_method"], param="payment_method")
        if method["customer"] is None or method["customer"] != intent["customer"]:
            raise Refusal(
                "The customer does not have a payment method with this ID.",
                code="resource_missing",
                param="payment_method",
            )
        intent["payment_method"] = method["id"]
        card = self.cards[method["id"]]
        if card == SECURE_CARD:
            if "return_url" not in p:
                raise _missing("return_url")
            self._ask_bank(intent, p["return_url"])
            return intent
        self._charge(intent, card)
        return intent

    def _ask_bank(self, intent: Object, back: str) -> str:
        url = f"{self.origin}/3ds/{intent['id']}"
        intent.update(
            status="requires_action",
            last_payment_error=None,
            next_action={"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}},
        )
        return url

    def _charge(self, intent: Object, card: str) -> None:
        if card in DECLINES:
            decline_code, words = DECLINES[card]
            self._decline(intent, "card_declined", decline_code, words)
            self._emit("payment_intent.payment_failed", intent)
            raise Refusal(
                words,
                status=402,
                kind="card_error",
                code="card_declined",
                decline_code=decline_code,
                payment_intent=dict(intent),
            )
        if card == DELAYED:
            intent["status"] = "processing"
            return
        self._take(intent, card)

    def _decline(self, intent: Object, code: str, decline_code: str, words: str) -> None:
        error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": words}
        intent.update(status="requires_payment_method", last_payment_error=error, next_action=None)

    def _take(self, intent: Object, card: str) -> None:
        fee = (intent["amount"] * 29 + 500) // 1000 + 30
        charge = self._new(
            "charge",
            "ch",
            amount=intent["amount"],
            amount_captured=intent["amount"],
            amount_refunded=0,
            currency=intent["currency"],
            customer=intent["customer"],
            payment_intent=intent["id"],
            captured=True,
            paid=True,
            disputed=False,
            status="succeeded",
            metadata=intent["metadata"],
            livemode=self.live,
            # What Stripe tells of a card; the number stays here.
            payment_method_details={"type": "card", "card": {"brand": "visa", "last4": card[-4:]}},
        )
        booked = self._new(
            "balance_transaction",
            "txn",
            amount=intent["amount"],
            fee=fee,
            net=intent["amount"] - fee,
            currency=intent["currency"],
            source=charge["id"],
            status="pending",
            type="charge",
        )
        charge["balance_transaction"] = booked["id"]
        self.cards[charge["id"]] = card
        intent.update(
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge=charge["id"],
            last_payment_error=None,
            next_action=None,
        )
        self._emit("payment_intent.succeeded", intent)
        if card == DISPUTED_CARD:
            self.open_dispute(intent["id"])

    def _cancel(self, intent_id: str, p: Object) -> Object:
        intent = self._get("payment_intent", intent_id)
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise Refusal(
                f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
                code="payment_intent_unexpected_state",
            )
        intent.update(status="canceled", cancellation_reason=p.get("cancellation_reason"), next_action=None)
        intent["canceled_at"] = int(time.time())
        self._emit("payment_intent.canceled", intent)
        return intent

    # Refunds

    def _create_refund(self, p: Object) -> Object:
        if "payment_intent" not in p:
            raise Refusal("One of the following params should be provided: charge, payment_intent.")
        intent = self._get("payment_intent", p["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise Refusal(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = self._get("charge", intent["latest_charge"])
        left = charge["amount"] - charge["amount_refunded"]
        if charge["disputed"]:
            raise Refusal(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
            )
        if not left:
            raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        amount = p.get("amount", left)
        if amount < 1:
            raise Refusal("This value must be greater than or equal to 1.", param="amount")
        if amount > left:
            raise Refusal(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                param="amount",
            )
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        slow = self.cards[charge["id"]] == SLOW_REFUND_CARD
        refund = self._new(
            "refund",
            "re",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            reason=p.get("reason"),
            metadata=p.get("metadata", {}),
            status="pending" if slow else "succeeded",
            pending_reason="processing" if slow else None,
        )
        self._emit("refund.created", refund)
        self._emit("charge.refunded", {name: value for name, value in charge.items() if name != "refunds"})
        return refund

    # Customers and their cards

    def _create_customer(self, p: Object) -> Object:
        facts = {name: p.get(name) for name in ("email", "name", "phone")}
        return self._new("customer", "cus", **facts, metadata=p.get("metadata", {}), livemode=self.live)

    def forget(self, object_id: str) -> None:
        """Deleted in the dashboard."""
        del self.objects[object_id]

    def save_card(self, customer_id: str, card: str = GOOD_CARD) -> str:
        return str(self._new_card(card, customer_id)["id"])

    def _new_card(self, card: str, customer_id: str) -> Object:
        method = self._new("payment_method", "pm", customer=customer_id, type="card", livemode=self.live)
        method["card"] |= {
            "brand": "visa",
            "display_brand": "visa",
            "last4": card[-4:],
            "exp_month": 8,
            "exp_year": 2030,
            "funding": "credit",
        }
        self.cards[method["id"]] = card
        return method

    def _list_cards(self, customer_id: str, p: Object) -> Object:
        self._get("customer", customer_id, param="customer")
        return self._list("payment_method", {**p, "customer": customer_id})

    def _detach(self, method_id: str) -> Object:
        method = self._get("payment_method", method_id)
        if method["customer"] is None:
            raise Refusal("The payment method you provided is not attached to a customer.")
        method["customer"] = None
        return method

    # Objects

    def _new(self, kind: str, prefix: str, **facts: Any) -> Object:
        made = shaped(kind, **facts) | {"id": _new_id(prefix), "created": int(time.time()), "object": kind}
        self.objects[made["id"]] = made
        return made

    def _get(self, kind: str, object_id: str, *, param: str = "id") -> Object:
        found = self.objects.get(object_id)
        if found is None or found.get("object") != kind:
            name = kind.replace("checkout.", "").replace(".", "_")
            words = f"No such {name}: '{object_id}'"
            raise Refusal(words, status=404 if param == "id" else 400, code="resource_missing", param=param)
        lapsed = (
            kind == "checkout.session" and found["status"] == "open" and found["expires_at"] <= time.time()
        )
        return self._lapse(found) if lapsed else found

    def _all(self, kind: str) -> Iterator[Object]:
        """The newest first."""
        for object_id, found in reversed(self.objects.copy().items()):
            if found.get("object") == kind:
                yield self._get(kind, object_id)

    def _list(self, kind: str, p: Object) -> Object:
        url = LISTS.get(kind) or f"/v1/customers/{p['customer']}/payment_methods"
        limit = p.pop("limit", 10)
        if not 1 <= limit <= 100:
            raise Refusal("Invalid integer: must be between 1 and 100", param="limit")
        after = p.pop("starting_after", None)
        if "payment_intent" in p:
            self._get("payment_intent", p["payment_intent"], param="payment_intent")
        begun = p.pop("created", {})
        begun = begun if isinstance(begun, dict) else {"gte": begun, "lte": begun}
        found = [
            each
            for each in self._all(kind)
            if all(each[name] == value for name, value in p.items())
            and begun.get("gte", 0) <= each["created"] <= begun.get("lte", each["created"])
        ]
        if after is not None:
            ids = [each["id"] for each in found]
            if after not in ids:
                raise Refusal(f"No such object: '{after}'", code="resource_missing", param="starting_after")
            found = found[ids.index(after) + 1 :]
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": url}

    def _expanded(self, answer: Object, paths: list[str]) -> Object:
        if answer.get("object") == "list":
            inner = [path.removeprefix("data.") for path in paths]
            return answer | {"data": [self._expanded(each, inner) for each in answer["data"]]}
        answer = dict(answer)
        for path in paths:
            if path.count(".") > 3:
                raise Refusal("You cannot expand more than 4 levels.", param="expand")
            self._expand(answer, path.split("."), path)
        return answer

    def _expand(self, place: Object, names: list[str], path: str) -> None:
        name, *rest = names
        if name not in EXPANDABLE[place["object"]]:
            raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(place[name], str):
            place[name] = dict(self.objects[place[name]])
        if rest and place[name] is not None:
            self._expand(place[name], rest, path)

    def _emit(self, kind: str, subject: Object) -> None:
        self.events.append(self.event(kind, subject))


def _check_amount(amount: int, currency: str, param: str) -> None:
    if currency not in ZERO_DECIMAL | THREE_DECIMAL | OTHERS:
        raise Refusal(f"Invalid currency: {currency}", param="currency")
    if amount < 0:
        raise Refusal("This value must be greater than or equal to 0.", param=param)
    if currency in THREE_DECIMAL and amount % 10:
        raise Refusal("The last digit of an amount in this currency has to be 0.", param=param)
    if currency in ("isk", "ugx") and amount % 100:
        raise Refusal("This currency has no decimals.", param=param)
    if amount < LEAST.get(currency, 1):
        raise Refusal("The amount is too small.", code="amount_too_small", param=param)


def _missing(name: str) -> Refusal:
    return Refusal(f"Missing required param: {name}.", code="parameter_missing", param=name)


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def _with_query(url: str, **more: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(more)}"
