"""What Razorpay knows and does, as its documentation describes it: orders, payments, refunds, disputes and events of
one merchant's account, in memory.

Requests that Razorpay would refuse are refused in its words. The pages that shapes, limits and messages are from,
below https://razorpay.com/docs/, stand beside what they rule.
"""

import hashlib
import hmac
import json
import re
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

KEY_ID, KEY_SECRET = "rzp_test_0000000000", "key-secret-0000000000"
WEBHOOK_SECRET = "webhook-secret-0000000000"

# payments/international-payments/#supported-currencies, as far as our mentors use them, and one that they don't;
# digits after the point.
CURRENCIES = {
    "INR": 2, "USD": 2, "EUR": 2, "GBP": 2, "AUD": 2, "CAD": 2, "NZD": 2, "SGD": 2, "CHF": 2, "SEK": 2, "NOK": 2,
    "DKK": 2, "PLN": 2, "BRL": 2, "MXN": 2, "ZAR": 2, "AED": 2, "HKD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3,
    "HUF": 2,
}  # fmt: skip
RUPEES = 80  # what a unit of any other currency is worth here
ORDER_PARAMETERS = {"amount", "currency", "receipt", "notes", "partial_payment", "payment"}
REFUND_PARAMETERS = {"amount", "speed", "notes", "receipt"}

Json = dict[str, Any]


class Refused(Exception):
    """api/errors/"""

    def __init__(self, description: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(description)
        self.description, self.field, self.status = description, field, status


@dataclass
class FakeRazorpay:
    """One merchant's account. What the API, the payer and the bank may do to it."""

    key_id: str = KEY_ID
    key_secret: str = KEY_SECRET
    webhook_secret: str = WEBHOOK_SECRET
    webhook_url: str = ""  # events go there by themselves when it is set
    refund_status: str = "processed"  # of a new refund
    captures: bool = True  # automatic capture works
    orders: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    disputes: dict[str, Json] = field(default_factory=dict)
    refunded_under: dict[str, tuple[Json, str]] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    last_id: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.RLock()

    # Orders: api/orders/create/, api/orders/entity/, payments/payments/capture-settings/api/

    def create_order(self, data: Json) -> Json:
        refuse_extra(data, ORDER_PARAMETERS)
        check_amount(data)
        check_receipt_and_notes(data)
        check_capture(data.get("payment"))
        order = {
            "id": self.new_id("order"),
            "entity": "order",
            "amount": data["amount"],
            "amount_paid": 0,
            "amount_due": data["amount"],
            "currency": data["currency"],
            "receipt": data.get("receipt"),
            "offer_id": None,
            "status": "created",
            "attempts": 0,
            "notes": data.get("notes") or [],
            "created_at": int(time.time()),
        }
        self.orders[order["id"]] = order
        return order

    def list_orders(self, query: Json) -> Json:
        """api/orders/fetch-all/: those whose receipt contains the given one."""
        wanted = query.pop("receipt", "")
        return page([each for each in self.orders.values() if wanted in (each["receipt"] or "")], query)

    def payments_of(self, order_id: str) -> Json:
        """api/orders/fetch-payments/: oldest first, all of them."""
        found(self.orders, order_id)
        return collection([each for each in self.payments.values() if each["order_id"] == order_id])

    # Payments: api/payments/entity/, api/payments/capture/, api/payments/fetch-all-payments/

    def capture(self, payment_id: str, data: Json) -> Json:
        refuse_extra(data, {"amount", "currency"})
        payment = found(self.payments, payment_id)
        order = self.orders[payment["order_id"]]
        if payment["captured"]:
            raise Refused("This payment has already been captured")
        if payment["status"] != "authorized":
            raise Refused("Only payments which have been authorized and not yet captured can be captured")
        if order["status"] == "paid":
            raise Refused("Your payment has been declined as the order is already paid.")
        if type(data.get("amount")) is not int:
            raise Refused("The amount must be an integer.", "amount")
        if (data["amount"], data.get("currency")) != (payment["amount"], payment["currency"]):
            raise Refused("Capture amount must be equal to the amount authorized", "amount")
        return self._capture(payment)

    def _capture(self, payment: Json) -> Json:
        order = self.orders[payment["order_id"]]
        # `fee` includes its `tax`, and is in rupees whatever was paid in.
        rupees = payment.get("base_amount") or payment["amount"]
        fee = rupees * 2 // 100
        tax = fee * 18 // 100
        payment.update(status="captured", captured=True, fee=fee + tax, tax=tax)
        order.update(status="paid", amount_paid=order["amount"], amount_due=0)
        self.announce("payment.captured", payment=payment)
        self.announce("order.paid", payment=payment, order=order)
        return payment

    # Refunds: api/refunds/create-normal/, api/refunds/normal-refunds-idempotent/, api/refunds/entity/

    def refund(self, payment_id: str, data: Json, key: str) -> Json:
        if key and len(key) < 10:
            raise Refused("The idempotency key must be at least 10 characters long.")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", key):
            raise Refused(
                "The idempotency key must only contain alphanumeric characters, underscores, and hyphens"
            )
        if key in self.refunded_under:
            earlier, refund_id = self.refunded_under[key]
            if earlier != {**data, "payment_id": payment_id}:
                words = "Different request with the same idempotency key has already been processed."
                raise Refused(words, status=409)
            if not refund_id:
                words = "Another request with the same idempotency key is still in progress."
                raise Refused(words, status=409)
            return self.refunds[refund_id]
        refuse_extra(data, REFUND_PARAMETERS)
        payment = found(self.payments, payment_id)
        check_receipt_and_notes(data)
        if data.get("speed", "normal") not in ("normal", "optimum"):
            raise Refused("The selected speed is invalid.", "speed")
        amount = data.get("amount") or payment["amount"]
        check_amount({"amount": amount, "currency": payment["currency"]})
        if payment["status"] == "refunded":
            raise Refused("The payment has been fully refunded already")
        if payment["status"] != "captured":
            raise Refused("The payment status should be captured for action to be taken")
        if amount > payment["amount"] - payment["amount_refunded"]:
            raise Refused("The refund amount provided is greater than amount captured")
        refund = self._refund(payment, amount, data, self.refund_status)
        if key:
            self.refunded_under[key] = ({**data, "payment_id": payment_id}, refund["id"])
        return refund

    def _refund(self, payment: Json, amount: int, data: Json, status: str) -> Json:
        refund = {
            "id": self.new_id("rfnd"),
            "entity": "refund",
            "amount": amount,
            "currency": payment["currency"],
            "payment_id": payment["id"],
            "notes": data.get("notes") or [],
            "receipt": data.get("receipt"),
            "acquirer_data": {"arn": None},
            "created_at": int(time.time()),
            "batch_id": None,
            "status": status,
            "speed_processed": "normal",
            "speed_requested": data.get("speed", "normal"),
        }
        self.refunds[refund["id"]] = refund
        payment["amount_refunded"] += amount
        is_full = payment["amount_refunded"] == payment["amount"]
        payment["refund_status"] = "full" if is_full else "partial"
        if is_full:
            payment["status"] = "refunded"
        self.announce("refund.created", refund=refund, payment=payment)
        if status == "processed":
            self.announce("refund.processed", refund=refund, payment=payment)
        return refund

    def refunds_of(self, payment_id: str, query: Json) -> Json:
        """api/refunds/fetch-multiple-refund-payment/"""
        found(self.payments, payment_id)
        mine = [each for each in self.refunds.values() if each["payment_id"] == payment_id]
        return page(mine, query, newest_first=False)

    def refund_of(self, payment_id: str, refund_id: str) -> Json:
        """api/refunds/fetch-specific-refund-payment/"""
        refund = found(self.refunds, refund_id)
        if refund["payment_id"] != payment_id:
            raise Refused("The id provided does not exist")
        return refund

    # What the payer does in the widget

    def pay(self, order_id: str) -> Json | None:
        """None when the order is paid already."""
        payment = self._try(order_id)
        return payment and (self.authorize(payment["id"]) if self.captures else self._authorize(payment))

    def decline(self, order_id: str, description: str = "The card was declined.") -> Json | None:
        payment = self._try(order_id)
        if payment:
            payment.update(
                status="failed",
                error_code="BAD_REQUEST_ERROR",
                error_description=description,
                error_source="customer",
                error_step="payment_authentication",
                error_reason="payment_failed",
            )
            self.announce("payment.failed", payment=payment)
        return payment

    def begin(self, order_id: str) -> Json | None:
        """At the bank's page; nobody knows yet how it ends."""
        return self._try(order_id)

    def _try(self, order_id: str) -> Json | None:
        order = found(self.orders, order_id)
        tries = [each for each in self.payments.values() if each["order_id"] == order_id]
        # payments/orders/: no other payment while one is authorized, none once the order is paid.
        if order["status"] == "paid" or any(each["status"] == "authorized" for each in tries):
            return None
        order.update(status="attempted", attempts=order["attempts"] + 1)
        payment = self._new_payment(order)
        self.payments[payment["id"]] = payment
        return payment

    def _new_payment(self, order: Json) -> Json:
        abroad = order["currency"] != "INR"
        worth = order["amount"] * RUPEES * 100 // 10 ** CURRENCIES[order["currency"]]
        return {
            "id": self.new_id("pay"),
            "entity": "payment",
            "amount": order["amount"],
            "currency": order["currency"],
            **({"base_amount": worth, "base_currency": "INR"} if abroad else {}),
            "status": "created",
            "order_id": order["id"],
            "invoice_id": None,
            "international": abroad,
            "method": "card",
            "amount_refunded": 0,
            "refund_status": None,
            "captured": False,
            "description": None,
            "card_id": "card_00000000000001",
            "card": {"id": "card_00000000000001", "entity": "card", "last4": "1111", "network": "Visa"},
            "bank": None,
            "wallet": None,
            "vpa": None,
            "email": "arjun@example.com",
            "contact": "+919000090000",
            "notes": order["notes"],
            "fee": None,
            "tax": None,
            **dict.fromkeys(
                ("error_code", "error_description", "error_source", "error_step", "error_reason")
            ),
            "acquirer_data": {"auth_code": None},
            "created_at": int(time.time()),
        }

    # What banks and Razorpay do: payments/payments/late-authorisation/, payments/refunds/auto-refunds/

    def authorize(self, payment_id: str) -> Json:
        """Also of a payment that had failed; captured at once unless the order is paid by another."""
        payment = self._authorize(found(self.payments, payment_id))
        if self.orders[payment["order_id"]]["status"] == "paid":
            return self.give_back_uncaptured(payment_id)
        return self._capture(payment) if self.captures else payment

    def settle_directly(self, order_id: str) -> Json:
        """payments/payments/capture-settings/: the bank settles with the merchant itself, and whatever comes in is
        captured, also for an order that is paid."""
        payment = self._new_payment(found(self.orders, order_id))
        self.payments[payment["id"]] = payment
        return self._capture(payment)

    def _authorize(self, payment: Json) -> Json:
        payment.update(status="authorized", error_code=None, error_description=None)
        self.announce("payment.authorized", payment=payment)
        return payment

    def give_back_uncaptured(self, payment_id: str) -> Json:
        payment = found(self.payments, payment_id)
        self._refund(payment, payment["amount"], {}, "processed")
        return payment

    def end_refund(self, refund_id: str, status: str) -> Json:
        refund = found(self.refunds, refund_id)
        payment = self.payments[refund["payment_id"]]
        if status == "failed" and refund["status"] != "failed":  # the money is the merchant's again
            payment["amount_refunded"] -= refund["amount"]
            payment["refund_status"] = "partial" if payment["amount_refunded"] else None
            payment["status"] = "captured"
        refund["status"] = status
        self.announce(f"refund.{status}", refund=refund, payment=payment)
        return refund

    def dispute(self, payment_id: str, phase: str = "chargeback") -> Json:
        """api/disputes/entity/"""
        payment = found(self.payments, payment_id)
        dispute = {
            "id": self.new_id("disp"),
            "entity": "dispute",
            "payment_id": payment_id,
            "amount": payment["amount"],
            "currency": payment["currency"],
            "amount_deducted": 0,
            "reason_code": "services_not_provided",
            "respond_by": int(time.time()) + 864_000,
            "status": "open",
            "phase": phase,
            "created_at": int(time.time()),
        }
        self.disputes[dispute["id"]] = dispute
        self.announce("payment.dispute.created", payment=payment, dispute=dispute)
        return dispute

    def end_dispute(self, dispute_id: str, status: str) -> Json:
        dispute = found(self.disputes, dispute_id)
        deducted = dispute["amount"] if status == "lost" else 0
        dispute.update(status=status, amount_deducted=deducted)
        payment = self.payments[dispute["payment_id"]]
        self.announce(f"payment.dispute.{status}", payment=payment, dispute=dispute)
        return dispute

    # What is signed: webhooks/validate-test/, payments/payment-gateway/web-integration/standard/integration-steps/

    def returned(self, payment_id: str) -> dict[str, str]:
        """What a widget hands to the page, or posts to its callback_url, after a payment."""
        order_id = found(self.payments, payment_id)["order_id"]
        return {
            "razorpay_payment_id": payment_id,
            "razorpay_order_id": order_id,
            "razorpay_signature": sign(self.key_secret, f"{order_id}|{payment_id}".encode()),
        }

    def announce(self, name: str, **entities: Json) -> None:
        event = {
            "entity": "event",
            "account_id": "acc_00000000000001",
            "event": name,
            "contains": list(entities),
            "payload": {name: {"entity": entity} for name, entity in entities.items()},
            "created_at": int(time.time()),
        }
        self.events.append({"id": self.new_id("evt"), "type": name, "body": json.dumps(event)})
        if self.webhook_url:
            threading.Thread(target=self.deliver, args=(self.events[-1],), daemon=True).start()

    def headers(self, event: Json) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Razorpay-Signature": sign(self.webhook_secret, event["body"].encode()),
            "X-Razorpay-Event-Id": event["id"],
        }

    def deliver(self, event: Json, url: str = "") -> int:
        request = urllib.request.Request(
            url or self.webhook_url, event["body"].encode(), self.headers(event), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def configure(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)

    def list_events(self, start: int = 0) -> list[Json]:
        return self.events[start:]

    def new_id(self, kind: str) -> str:
        """Like the real ones, 14 characters that grow with time."""
        with self.lock:
            self.last_id += 1
        return f"{kind}_{self.last_id:014d}"


def sign(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def found(rows: dict[str, Json], id_: str) -> Json:
    if id_ not in rows:
        raise Refused("The id provided does not exist")
    return rows[id_]


def collection(items: list[Json]) -> Json:
    return {"entity": "collection", "count": len(items), "items": items}


def page(items: list[Json], query: Json, *, newest_first: bool = True) -> Json:
    """10 unless asked for more, and at most 100."""
    refuse_extra(query, {"count", "skip", "from", "to"})
    count, skip = int(query.get("count", 10)), int(query.get("skip", 0))
    if not 1 <= count <= 100:
        raise Refused("The count may not be greater than 100.", "count")
    since, until = int(query.get("from", 946_684_800)), int(query.get("to", 4_765_046_400))
    if not 946_684_800 <= since <= until <= 4_765_046_400:
        raise Refused("from must be between 946684800 and 4765046400", "from")
    wanted = [each for each in items if since <= each["created_at"] <= until]
    return collection((wanted[::-1] if newest_first else wanted)[skip : skip + count])


def refuse_extra(data: Json, known: set[str]) -> None:
    if extra := sorted(data.keys() - known):
        raise Refused(f"{', '.join(extra)} is/are not required and should not be sent")


def check_amount(data: Json) -> None:
    for name in ("amount", "currency"):
        if data.get(name) is None:
            raise Refused(f"The {name} field is required.", name)
    amount, currency = data["amount"], data["currency"]
    if type(amount) is not int:
        raise Refused("The amount must be an integer.", "amount")
    if currency not in CURRENCIES:
        raise Refused("Currency is not supported", "currency")
    if amount < (100 if currency == "INR" else 1):
        raise Refused(f"The amount must be at least {currency} 1.00", "amount")
    if CURRENCIES[currency] == 3 and amount % 10:
        raise Refused("The last decimal of the amount has to be 0", "amount")


def check_receipt_and_notes(data: Json) -> None:
    receipt, notes = data.get("receipt", ""), data.get("notes", {})
    if not isinstance(receipt, str) or len(receipt) > 40:
        raise Refused("The receipt may not be greater than 40 characters.", "receipt")
    if not isinstance(notes, dict) or len(notes) > 15:
        raise Refused("The notes may not have more than 15 items.", "notes")
    if any(not isinstance(value, str) or len(value) > 256 for value in notes.values()):
        raise Refused("The notes may not be greater than 256 characters.", "notes")


def check_capture(payment: Any) -> None:
    if payment is None:
        return
    refuse_extra(payment, {"capture", "capture_options"})
    options = payment.get("capture_options", {})
    refuse_extra(options, {"automatic_expiry_period", "manual_expiry_period", "refund_speed"})
    if payment.get("capture") not in ("automatic", "manual"):
        raise Refused("The selected capture is invalid.", "capture")
    if options.get("refund_speed") not in ("normal", "optimum"):
        raise Refused("The refund speed field is required.", "refund_speed")
    period = options.get("automatic_expiry_period")
    if payment["capture"] == "automatic" and (type(period) is not int or period < 12):
        raise Refused("The automatic expiry period must be at least 12.", "automatic_expiry_period")
