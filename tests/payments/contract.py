"""Who plays the payer for each gateway in the contract tests. A new adapter joins by adding itself to `BENCHES`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from payments.gateways.base import CheckoutRequest, Gateway, Money
from payments.gateways.mock import MockGateway, Outcome, simulate
from tests.factories import NOW


class Bench(Protocol):
    gateway: Gateway

    def pay(self, provider_ref: str) -> None: ...

    def decline(self, provider_ref: str) -> None: ...


class MockBench:
    def __init__(self) -> None:
        self.gateway = MockGateway()

    def pay(self, provider_ref: str) -> None:
        simulate(provider_ref, Outcome.SUCCESS)

    def decline(self, provider_ref: str) -> None:
        simulate(provider_ref, Outcome.FAILURE)


BENCHES: dict[str, Callable[[], Bench]] = {"mock": MockBench}


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
