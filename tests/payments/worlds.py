"""A provider with its payers, their banks and the letters it sends, spoken to in one way whichever it is."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking
from lib.references import new_reference
from payments import services
from payments.gateways import REGISTRY
from payments.gateways.base import GatewayUnavailable, Money, PayStatus
from payments.models import MockCheckout, Payment
from tests.payments.contract import MockBench, RazorpayBench, StripeBench, razorpay_bench, stripe_bench
from tests.payments.providers import TroubledProvider
from tests.payments.stripe_books import DELAYED

ALWAYS = 10_000


@dataclass(frozen=True)
class Letter:
    """An event on its way to us, signed."""

    type: str
    body: bytes
    headers: dict[str, str]


class World:
    name: str

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

    def deliver(self, letter: Letter) -> int:
        address = reverse(f"webhook_{self.name}")
        client = Client(raise_request_exception=False)
        answer = client.post(address, letter.body, "application/json", headers=letter.headers)
        return int(answer.status_code)

    def letters(self, *types: str) -> list[Letter]:
        """All that were written so far, or those of these types, the oldest first."""
        return [each for each in self._letters() if not types or each.type in types]

    def _letters(self) -> list[Letter]:
        raise NotImplementedError


class MockWorld(World):
    name = "mock"

    def __init__(self) -> None:
        self.bench, self.provider = MockBench(), TroubledProvider()

    def pay(self, ref: str) -> None:
        self.bench.pay(ref)

    def decline(self, ref: str) -> None:
        self.bench.decline(ref)

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

    def break_down(self) -> None:
        for name in ("fetch", "expire", "create_checkout", "list_refunds"):
            self.provider.refuses[name] = GatewayUnavailable("timeout")

    def refuse_key(self) -> None:
        """The mock provider has none."""

    def recover(self) -> None:
        self.provider.refuses.clear()

    def lose_answer(self) -> None:
        self.provider.loses["create_checkout"] = GatewayUnavailable("timeout")

    def find_answer(self) -> None:
        self.provider.loses.clear()

    def made(self) -> int:
        return MockCheckout.objects.count()

    def forget(self, ref: str) -> None:
        MockCheckout.objects.filter(provider_ref=ref).delete()

    def _letters(self) -> list[Letter]:
        return []


class RazorpayWorld(World):
    name = "razorpay"

    def __init__(self, bench: RazorpayBench) -> None:
        self.bench, self.stand_in, self.account = bench, bench.stand_in, bench.stand_in.razorpay

    def pay(self, ref: str) -> None:
        self.bench.pay(ref)

    def decline(self, ref: str) -> None:
        self.bench.decline(ref)

    def pay_slowly(self, ref: str) -> None:
        """Authorized, and for the moment not captured."""
        self.account.captures = False
        self.account.pay(ref)

    def answer(self, ref: str, *, yes: bool) -> None:
        payment = self.try_of(ref)
        if yes:
            self.account.capture(
                payment["id"], {"amount": payment["amount"], "currency": payment["currency"]}
            )
        else:
            self.account.give_back_uncaptured(payment["id"])

    def try_of(self, ref: str) -> dict[str, Any]:
        return [each for each in self.account.payments.values() if each["order_id"] == ref][-1]

    def falsify(self, ref: str, *, minor: int, currency: str) -> None:
        self.try_of(ref).update(amount=minor, currency=currency)

    def refund_by_hand(self, payment: Payment, minor: int) -> None:
        self.account.refund(payment.payment_id, {"amount": minor}, "")

    def dispute(self, payment: Payment) -> str:
        return str(self.account.dispute(payment.payment_id)["id"])

    def end_dispute(self, dispute_id: str, status: str) -> None:
        self.account.end_dispute(dispute_id, status)

    def break_down(self) -> None:
        for method in ("GET", "POST"):
            self.stand_in.fail(method, ".*", "500", ALWAYS)

    def slow_down(self, seconds: float) -> None:
        self.stand_in.patience = seconds
        self.stand_in.fail("GET", ".*", "timeout", ALWAYS)

    def refuse_key(self) -> None:
        self.account.key_secret = "another"

    def recover(self) -> None:
        self.stand_in.faults.clear()

    def lose_answer(self) -> None:
        self.stand_in.fail("POST", "/v1/orders", "lost", ALWAYS)

    def find_answer(self) -> None:
        self.recover()

    def made(self) -> int:
        return len(self.account.orders)

    def forget(self, ref: str) -> None:
        del self.account.orders[ref]

    def _letters(self) -> list[Letter]:
        return [
            Letter(event["type"], event["body"].encode(), self.account.headers(event))
            for event in self.account.events
        ]

    def write(self, kind: str, entity: dict[str, Any]) -> Letter:
        """One that nothing here had reason to write."""
        self.account.announce(kind, **{kind.partition(".")[0]: entity})
        return self._letters()[-1]

    def unknown(self) -> dict[str, Any]:
        return {"id": "pay_unknown", "order_id": "order_unknown", "status": "captured", "notes": []}

    def sign(self, body: bytes, secret: str = "") -> Letter:
        event = {"id": "evt_handmade", "body": body.decode()}
        account = replace(self.account, webhook_secret=secret or self.account.webhook_secret)
        return Letter("", body, account.headers(event))


class StripeWorld(World):
    name = "stripe"

    def __init__(self, bench: StripeBench) -> None:
        self.bench, self.stand_in = bench, bench.stand_in

    @property
    def books(self) -> Any:
        return self.stand_in.books

    def pay(self, ref: str) -> None:
        self.bench.pay(ref)

    def decline(self, ref: str) -> None:
        self.bench.decline(ref)

    def pay_slowly(self, ref: str) -> None:
        self.books.pay(ref, DELAYED)

    def answer(self, ref: str, *, yes: bool) -> None:
        self.books.settle_delayed(ref, paid=yes)

    def falsify(self, ref: str, *, minor: int, currency: str) -> None:
        session, code = self.books.session(ref), currency.lower()
        session.update(amount_total=minor, currency=code)
        intent = self.books.objects[session["payment_intent"]]
        intent.update(amount=minor, amount_received=minor, currency=code)
        charge = self.books.objects[intent["latest_charge"]]
        charge.update(amount=minor, amount_captured=minor, currency=code)
        self.books.objects[charge["balance_transaction"]].update(amount=minor, currency=code)

    def refund_by_hand(self, payment: Payment, minor: int) -> None:
        self.books.refund_by_hand(payment.payment_id, minor)

    def dispute(self, payment: Payment) -> str:
        return str(self.books.open_dispute(payment.payment_id)["id"])

    def end_dispute(self, dispute_id: str, status: str) -> None:
        self.books.close_dispute(dispute_id, status)

    def break_down(self) -> None:
        # Dropped, and not answered by a 500, which under a key would be kept.
        self.stand_in.disturb("html", times=ALWAYS)

    def slow_down(self, seconds: float) -> None:
        for operation in ("GET /v1/checkout/sessions/{id}",):
            self.stand_in.disturb("slow", operation, times=ALWAYS, seconds=seconds)

    def refuse_key(self) -> None:
        self.stand_in.secret_key = "sk_test_another"

    def recover(self) -> None:
        self.stand_in.calm()

    def lose_answer(self) -> None:
        self.stand_in.disturb("lost", "POST /v1/checkout/sessions", times=ALWAYS)

    def find_answer(self) -> None:
        self.recover()

    def made(self) -> int:
        return len(list(self.books._all("checkout.session")))

    def forget(self, ref: str) -> None:
        self.books.forget(ref)

    def _letters(self) -> list[Letter]:
        return [self._letter(event) for event in self.books.events]

    def write(self, kind: str, entity: dict[str, Any]) -> Letter:
        return self._letter(self.books.event(kind, entity))

    def unknown(self) -> dict[str, Any]:
        return {"id": "cs_test_unknown", "object": "checkout.session", "mode": "payment", "metadata": {}}

    def _letter(self, event: dict[str, Any]) -> Letter:
        return replace(self.sign(json.dumps(event).encode()), type=event["type"])

    def sign(self, body: bytes, secret: str = "") -> Letter:
        return Letter("", body, {"Stripe-Signature": self.stand_in.sign(body, secret=secret)})


@contextmanager
def mock_world() -> Iterator[MockWorld]:
    world = MockWorld()
    plain = REGISTRY["mock"]
    REGISTRY["mock"] = world.provider
    try:
        yield world
    finally:
        REGISTRY["mock"] = plain


@contextmanager
def razorpay_world() -> Iterator[RazorpayWorld]:
    with razorpay_bench() as bench:
        yield RazorpayWorld(bench)


@contextmanager
def stripe_world() -> Iterator[StripeWorld]:
    with stripe_bench() as bench:
        yield StripeWorld(bench)


WORLDS: dict[str, Callable[[], Any]] = {
    "mock": mock_world,
    "razorpay": razorpay_world,
    "stripe": stripe_world,
}
# Those that write to us. Nobody argues with the mock provider, and it sends nothing.
WRITING = ("razorpay", "stripe")
