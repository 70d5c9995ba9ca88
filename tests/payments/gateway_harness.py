"""A gateway with everybody around it: payers, banks, the provider's dashboard, and the events that it signs.

Tests speak to all of them in one way, whichever gateway it is. A gateway joins them by a class here, by a fixture
`<name>_harness` in `conftest`, and by its name in `HARNESSES`.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking
from lib.references import new_reference
from payments import services
from payments.gateways.base import CheckoutRequest, Gateway, GatewayUnavailable, Money, PayStatus
from payments.gateways.mock import Outcome, simulate
from payments.gateways.razorpay import RazorpayGateway
from payments.gateways.stripe import StripeGateway
from payments.models import MockCheckout, Payment
from tests.factories import NOW
from tests.payments.failing_gateway import FailingGateway
from tests.payments.fake_razorpay import FakeRazorpay
from tests.payments.fake_razorpay_server import FakeRazorpayServer
from tests.payments.fake_stripe import DECLINED_CARD, DELAYED, FakeStripe
from tests.payments.fake_stripe_parameters import Refusal
from tests.payments.fake_stripe_server import FakeStripeServer

HARNESSES = ("mock", "razorpay", "stripe")
# Nobody argues with the mock provider, and it sends nothing.
WITH_WEBHOOKS = ("razorpay", "stripe")
# What these have opened can't be closed, and can be paid as long as somebody likes.
OPEN_ENDED = ("razorpay",)

ALWAYS = 10_000


@dataclass(frozen=True)
class SignedEvent:
    """As the provider posts it to our webhook."""

    type: str
    body: bytes
    headers: dict[str, str]


class GatewayHarness:
    name: str
    gateway: Gateway

    # What payers and banks do

    def pay(self, ref: str) -> None:
        raise NotImplementedError

    def decline(self, ref: str) -> None:
        raise NotImplementedError

    def pay_slowly(self, ref: str) -> None:
        """In a way of which the bank has not decided yet."""
        raise NotImplementedError

    def answer(self, ref: str, *, yes: bool) -> None:
        """The bank's decision on what was paid slowly."""
        raise NotImplementedError

    def pay_besides(self, ref: str) -> list[str]:
        """Again, on a checkout that is paid, if that is possible there; the ids of the payments."""
        self.pay(ref)
        return []

    def returned(self, ref: str) -> dict[str, str]:
        """What the browser brings back from a checkout that was paid."""
        return {}

    # What happens at the provider

    def falsify(self, ref: str, *, minor: int, currency: str) -> None:
        """Another amount came in than was asked for."""
        raise NotImplementedError

    def refund_by_hand(self, payment: Payment, minor: int) -> None:
        """In the provider's dashboard."""
        raise NotImplementedError

    def dispute(self, payment: Payment) -> str:
        """The payer's bank asks for the money back; the dispute's id."""
        raise NotImplementedError

    def end_dispute(self, dispute_id: str, status: str) -> None:
        raise NotImplementedError

    def forget(self, ref: str) -> None:
        """The provider no longer knows the checkout."""
        raise NotImplementedError

    def checkouts_made(self) -> int:
        raise NotImplementedError

    # What goes wrong on the way

    def break_down(self) -> None:
        """Nothing that is asked from here on is answered."""
        raise NotImplementedError

    def recover(self) -> None:
        """After `break_down`, `slow_down` and `lose_answer`."""
        raise NotImplementedError

    def lose_answer(self) -> None:
        """Checkouts are opened, and we never hear of it."""
        raise NotImplementedError

    def slow_down(self) -> None:
        """Whoever asks how a checkout stands waits, until `recover`."""
        raise NotImplementedError

    def refuse_key(self) -> None:
        """Our API key is no longer theirs."""

    # What our own pages do

    def open(self, booking: Booking) -> Payment:
        back = "https://testserver" + booking.get_absolute_url() + "payment/"
        urls = services.ReturnUrls(success=back + "return/", cancel=back)
        return services.open_checkout(booking.pk, self.name, now=timezone.now(), urls=urls)

    def press(self, client: Client, booking: Booking) -> Any:
        """The button on the payment page."""
        return client.post(reverse(f"payment_{self.name}", args=[booking.reference]))

    def come_back(self, client: Client, payment: Payment) -> Any:
        """From a page of the provider's, to ours."""
        address = reverse("payment_return", args=[payment.booking.reference])
        return client.get(address, {"session_id": payment.provider_ref} if self.name == "stripe" else {})

    # Events

    def events(self, *types: str) -> list[SignedEvent]:
        """All so far, or those of these types, the oldest first."""
        return [each for each in self._events() if not types or each.type in types]

    def _events(self) -> list[SignedEvent]:
        return []

    def paid_event(self) -> SignedEvent:
        """That which says that the checkout is paid."""
        (event,) = self.events("checkout.session.completed", "order.paid")
        return event

    def make_event(self, kind: str, entity: dict[str, Any]) -> SignedEvent:
        """One that nothing here had reason to send."""
        raise NotImplementedError

    def unknown_entity(self) -> dict[str, Any]:
        """What an event of another app at the same provider is about."""
        raise NotImplementedError

    def sign(self, body: bytes, secret: str = "") -> SignedEvent:
        raise NotImplementedError

    def deliver(self, event: SignedEvent) -> int:
        """The status of our answer."""
        client = Client(raise_request_exception=False)
        address = reverse(f"webhook_{self.name}")
        return int(client.post(address, event.body, "application/json", headers=event.headers).status_code)

    def deliver_all(self) -> None:
        assert {self.deliver(event) for event in self.events()} <= {200}


class MockHarness(GatewayHarness):
    name = "mock"

    def __init__(self, provider: FailingGateway) -> None:
        self.gateway = self.provider = provider

    def pay(self, ref: str) -> None:
        simulate(ref, Outcome.SUCCESS)

    def decline(self, ref: str) -> None:
        simulate(ref, Outcome.FAILURE)

    def pay_slowly(self, ref: str) -> None:
        MockCheckout.objects.filter(provider_ref=ref).update(status=PayStatus.PROCESSING)

    def answer(self, ref: str, *, yes: bool) -> None:
        after = {"status": PayStatus.PAID, "payment_id": new_reference("PAY")}
        row = MockCheckout.objects.filter(provider_ref=ref)
        row.update(**(after if yes else {"status": PayStatus.FAILED, "failure": "The bank said no."}))

    def falsify(self, ref: str, *, minor: int, currency: str) -> None:
        MockCheckout.objects.filter(provider_ref=ref).update(amount_minor=minor, currency=currency)

    def refund_by_hand(self, payment: Payment, minor: int) -> None:
        amount = Money(minor, payment.currency)
        self.provider.refund(payment.payment_id, amount, key=f"hand-{minor}", ref="", reason="")

    def forget(self, ref: str) -> None:
        MockCheckout.objects.filter(provider_ref=ref).delete()

    def checkouts_made(self) -> int:
        return MockCheckout.objects.count()

    def break_down(self) -> None:
        for name in ("fetch", "expire", "create_checkout", "list_refunds", "list_payments"):
            self.provider.refuses[name] = GatewayUnavailable("timeout")

    def recover(self) -> None:
        self.provider.refuses.clear()
        self.provider.loses.clear()

    def lose_answer(self) -> None:
        self.provider.loses["create_checkout"] = GatewayUnavailable("timeout")


class RazorpayHarness(GatewayHarness):
    name = "razorpay"

    def __init__(self, server: FakeRazorpayServer) -> None:
        self.gateway, self.server = RazorpayGateway(), server

    @property
    def fake_razorpay(self) -> FakeRazorpay:
        return self.server.fake_razorpay

    def pay(self, ref: str) -> None:
        self.fake_razorpay.pay(ref)

    def decline(self, ref: str) -> None:
        self.fake_razorpay.decline(ref)

    def pay_slowly(self, ref: str) -> None:
        """Authorized, and for the moment not captured."""
        self.fake_razorpay.captures = False
        self.fake_razorpay.pay(ref)

    def answer(self, ref: str, *, yes: bool) -> None:
        payment = self.try_of(ref)
        if yes:
            amount = {name: payment[name] for name in ("amount", "currency")}
            self.fake_razorpay.capture(payment["id"], amount)
        else:
            self.fake_razorpay.give_back_uncaptured(payment["id"])

    def try_of(self, ref: str) -> dict[str, Any]:
        """The last payment that was tried on an order."""
        return [each for each in self.fake_razorpay.payments.values() if each["order_id"] == ref][-1]

    def pay_besides(self, ref: str) -> list[str]:
        return [self.fake_razorpay.settle_directly(ref)["id"]]

    def returned(self, ref: str) -> dict[str, str]:
        return self.fake_razorpay.returned(self.gateway.fetch(ref).payment_id)

    def falsify(self, ref: str, *, minor: int, currency: str) -> None:
        self.try_of(ref).update(amount=minor, currency=currency)

    def refund_by_hand(self, payment: Payment, minor: int) -> None:
        self.fake_razorpay.refund(payment.payment_id, {"amount": minor}, "")

    def dispute(self, payment: Payment) -> str:
        return str(self.fake_razorpay.dispute(payment.payment_id)["id"])

    def end_dispute(self, dispute_id: str, status: str) -> None:
        self.fake_razorpay.end_dispute(dispute_id, status)

    def forget(self, ref: str) -> None:
        del self.fake_razorpay.orders[ref]

    def checkouts_made(self) -> int:
        return len(self.fake_razorpay.orders)

    def break_down(self) -> None:
        for method in ("GET", "POST"):
            self.server.fail(method, ".*", "500", ALWAYS)

    def recover(self) -> None:
        self.server.calm()

    def lose_answer(self) -> None:
        self.server.fail("POST", "/v1/orders", "lost", ALWAYS)

    def slow_down(self) -> None:
        self.server.fail("GET", ".*", "timeout", ALWAYS)

    def refuse_key(self) -> None:
        self.fake_razorpay.key_secret = "another"

    def _events(self) -> list[SignedEvent]:
        return [
            SignedEvent(event["type"], event["body"].encode(), self.fake_razorpay.headers(event))
            for event in self.fake_razorpay.events
        ]

    def make_event(self, kind: str, entity: dict[str, Any]) -> SignedEvent:
        self.fake_razorpay.announce(kind, **{kind.partition(".")[0]: entity})
        return self._events()[-1]

    def unknown_entity(self) -> dict[str, Any]:
        return {"id": "pay_unknown", "order_id": "order_unknown", "status": "captured", "notes": []}

    def sign(self, body: bytes, secret: str = "") -> SignedEvent:
        signer = replace(self.fake_razorpay, webhook_secret=secret or self.fake_razorpay.webhook_secret)
        return SignedEvent("", body, signer.headers({"id": "evt_handmade", "body": body.decode()}))


class StripeHarness(GatewayHarness):
    name = "stripe"

    def __init__(self, server: FakeStripeServer) -> None:
        self.gateway, self.server = StripeGateway(), server

    @property
    def fake_stripe(self) -> FakeStripe:
        return self.server.fake_stripe

    def pay(self, ref: str) -> None:
        with suppress(Refusal):
            self.fake_stripe.pay(ref)

    def decline(self, ref: str) -> None:
        with suppress(Refusal):
            self.fake_stripe.pay(ref, DECLINED_CARD)

    def pay_slowly(self, ref: str) -> None:
        self.fake_stripe.pay(ref, DELAYED)

    def answer(self, ref: str, *, yes: bool) -> None:
        self.fake_stripe.settle_delayed(ref, paid=yes)

    def returned(self, ref: str) -> dict[str, str]:
        return {"session_id": ref}

    def falsify(self, ref: str, *, minor: int, currency: str) -> None:
        session, code = self.fake_stripe.session(ref), currency.lower()
        session.update(amount_total=minor, currency=code)
        intent = self.fake_stripe.objects[session["payment_intent"]]
        intent.update(amount=minor, amount_received=minor, currency=code)
        charge = self.fake_stripe.objects[intent["latest_charge"]]
        charge.update(amount=minor, amount_captured=minor, currency=code)
        self.fake_stripe.objects[charge["balance_transaction"]].update(amount=minor, currency=code)

    def refund_by_hand(self, payment: Payment, minor: int) -> None:
        self.fake_stripe.refund_by_hand(payment.payment_id, minor)

    def dispute(self, payment: Payment) -> str:
        return str(self.fake_stripe.open_dispute(payment.payment_id)["id"])

    def end_dispute(self, dispute_id: str, status: str) -> None:
        self.fake_stripe.close_dispute(dispute_id, status)

    def forget(self, ref: str) -> None:
        self.fake_stripe.forget(ref)

    def checkouts_made(self) -> int:
        return len(self.fake_stripe.sessions())

    def break_down(self) -> None:
        # Dropped, and not answered by a 500, which under a key would be kept.
        self.server.disturb("html", times=ALWAYS)

    def recover(self) -> None:
        self.server.calm()

    def lose_answer(self) -> None:
        self.server.disturb("lost", "POST /v1/checkout/sessions", times=ALWAYS)

    def slow_down(self) -> None:
        self.server.disturb("slow", "GET /v1/checkout/sessions/{id}", times=ALWAYS, seconds=60)

    def refuse_key(self) -> None:
        self.server.secret_key = "sk_test_another"

    def _events(self) -> list[SignedEvent]:
        return [self._signed(event) for event in self.fake_stripe.events]

    def make_event(self, kind: str, entity: dict[str, Any]) -> SignedEvent:
        return self._signed(self.fake_stripe.event(kind, entity))

    def unknown_entity(self) -> dict[str, Any]:
        return {"id": "cs_test_unknown", "object": "checkout.session", "mode": "payment", "metadata": {}}

    def _signed(self, event: dict[str, Any]) -> SignedEvent:
        return replace(self.sign(json.dumps(event).encode()), type=event["type"])

    def sign(self, body: bytes, secret: str = "") -> SignedEvent:
        return SignedEvent("", body, {"Stripe-Signature": self.server.sign(body, secret=secret)})


def checkout_request(**changes: object) -> CheckoutRequest:
    plain = {
        "ref": "ORDER-0000000001",
        "attempt": 1,
        "amount": Money(105_000, "INR"),
        "description": "Career Guidance with Meera Rao",
        "email": "arjun@example.com",
        "name": "Arjun Kapoor",
        "success_url": "https://testserver/confirmation/",
        "cancel_url": "https://testserver/payment/",
        "expires_at": NOW + timedelta(minutes=35),
        "idempotency_key": "checkout-ORDER-0000000001-1",
        "metadata": {"payment": "ORDER-0000000001"},
    }
    return CheckoutRequest(**{**plain, **changes})
