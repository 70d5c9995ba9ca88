"""Who plays the payer for each gateway in the contract tests. A new adapter joins by adding itself to `BENCHES`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import Protocol

from django.test import override_settings

from payments.gateways.base import CheckoutRequest, Gateway, Money
from payments.gateways.mock import MockGateway, Outcome, simulate
from payments.gateways.razorpay import RazorpayGateway
from payments.gateways.stripe import StripeGateway
from tests.factories import NOW
from tests.payments.razorpay_stand_in import StandIn, razorpay_settings, running
from tests.payments.stripe_books import DECLINED_CARD
from tests.payments.stripe_parameters import Refusal
from tests.payments.stripe_stand_in import StripeStandIn, serve, stripe_settings


class Bench(Protocol):
    gateway: Gateway

    def pay(self, provider_ref: str) -> None: ...

    def decline(self, provider_ref: str) -> None: ...

    def pay_besides(self, provider_ref: str) -> list[str]:
        """Again, on a checkout that is paid, if that is possible there; the ids of the payments."""

    def returned(self, provider_ref: str) -> dict[str, str]:
        """What the browser brings back from a checkout that was paid."""


class MockBench:
    def __init__(self) -> None:
        self.gateway = MockGateway()

    def pay(self, provider_ref: str) -> None:
        simulate(provider_ref, Outcome.SUCCESS)

    def decline(self, provider_ref: str) -> None:
        simulate(provider_ref, Outcome.FAILURE)

    def pay_besides(self, provider_ref: str) -> list[str]:
        self.pay(provider_ref)
        return []

    def returned(self, provider_ref: str) -> dict[str, str]:
        return {}


@contextmanager
def mock_bench() -> Iterator[Bench]:
    yield MockBench()


class RazorpayBench:
    def __init__(self, stand_in: StandIn) -> None:
        self.gateway, self.stand_in = RazorpayGateway(), stand_in

    def pay(self, provider_ref: str) -> None:
        self.stand_in.razorpay.pay(provider_ref)

    def decline(self, provider_ref: str) -> None:
        self.stand_in.razorpay.decline(provider_ref)

    def pay_besides(self, provider_ref: str) -> list[str]:
        return [self.stand_in.razorpay.settle_directly(provider_ref)["id"]]

    def returned(self, provider_ref: str) -> dict[str, str]:
        return self.stand_in.razorpay.returned(self.gateway.fetch(provider_ref).payment_id)


@contextmanager
def razorpay_bench() -> Iterator[RazorpayBench]:
    with running(StandIn()) as stand_in, override_settings(**razorpay_settings(stand_in)):
        yield RazorpayBench(stand_in)


class StripeBench:
    def __init__(self, stand_in: StripeStandIn) -> None:
        self.gateway, self.stand_in = StripeGateway(), stand_in

    def pay(self, provider_ref: str) -> None:
        with suppress(Refusal):
            self.stand_in.books.pay(provider_ref)

    def decline(self, provider_ref: str) -> None:
        with suppress(Refusal):
            self.stand_in.books.pay(provider_ref, DECLINED_CARD)

    def pay_besides(self, provider_ref: str) -> list[str]:
        self.pay(provider_ref)
        return []

    def returned(self, provider_ref: str) -> dict[str, str]:
        return {"session_id": provider_ref}


@contextmanager
def stripe_bench() -> Iterator[StripeBench]:
    with serve() as stand_in, override_settings(**stripe_settings(stand_in)):
        yield StripeBench(stand_in)


# What these have opened can't be closed, and can be paid as long as somebody likes.
OPEN_ENDED = frozenset({"razorpay"})
BENCHES: dict[str, Callable[[], AbstractContextManager[Bench]]] = {
    "mock": mock_bench,
    "razorpay": razorpay_bench,
    "stripe": stripe_bench,
}


def request(**changes: object) -> CheckoutRequest:
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
