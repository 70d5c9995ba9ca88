"""The payment providers of a test: faked at the edge of the network, and the same for the whole run."""

from collections.abc import Iterator

import pytest

from payments.gateways import REGISTRY
from tests.payments import fake_razorpay_server, fake_stripe_server
from tests.payments.failing_gateway import FailingGateway
from tests.payments.fake_razorpay import FakeRazorpay
from tests.payments.fake_razorpay_server import FakeRazorpayServer, razorpay_settings
from tests.payments.fake_stripe import FakeStripe
from tests.payments.fake_stripe_server import FakeStripeServer, stripe_settings
from tests.payments.gateway_harness import (
    HARNESSES,
    GatewayHarness,
    MockHarness,
    RazorpayHarness,
    StripeHarness,
)
from tests.payments.markers import each_of


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, db: None) -> FailingGateway:
    """The mock provider, which a test may let fail; it refuses to be called inside a transaction."""
    failing = FailingGateway()
    monkeypatch.setitem(REGISTRY, "mock", failing)
    return failing


@pytest.fixture(scope="session")
def started_stripe_server() -> Iterator[FakeStripeServer]:
    """For the whole run; tests take `stripe_server`."""
    with fake_stripe_server.serve() as server:
        yield server


@pytest.fixture(scope="session")
def started_razorpay_server() -> Iterator[FakeRazorpayServer]:
    """For the whole run; tests take `razorpay_server`."""
    with fake_razorpay_server.serve() as server:
        yield server


@pytest.fixture
def stripe_server(started_stripe_server: FakeStripeServer, settings) -> Iterator[FakeStripeServer]:
    """Which the site takes for Stripe, and offers beside the mock provider."""
    started_stripe_server.reset()
    for name, value in stripe_settings(started_stripe_server).items():
        setattr(settings, name, value)
    settings.PAYMENT_GATEWAYS = ["mock", "stripe"]
    yield started_stripe_server
    started_stripe_server.calm()


@pytest.fixture
def razorpay_server(started_razorpay_server: FakeRazorpayServer, settings) -> Iterator[FakeRazorpayServer]:
    """Which the site takes for Razorpay, and offers beside the mock provider."""
    started_razorpay_server.reset()
    for name, value in razorpay_settings(started_razorpay_server).items():
        setattr(settings, name, value)
    settings.PAYMENT_GATEWAYS = ["mock", "razorpay"]
    yield started_razorpay_server
    started_razorpay_server.calm()


@pytest.fixture
def fake_stripe(stripe_server: FakeStripeServer) -> FakeStripe:
    """The account at Stripe, its payers and their banks."""
    return stripe_server.fake_stripe


@pytest.fixture
def fake_razorpay(razorpay_server: FakeRazorpayServer) -> FakeRazorpay:
    """The account at Razorpay, its payers and their banks."""
    return razorpay_server.fake_razorpay


@pytest.fixture
def mock_harness(provider: FailingGateway) -> MockHarness:
    return MockHarness(provider)


@pytest.fixture
def razorpay_harness(razorpay_server: FakeRazorpayServer) -> RazorpayHarness:
    return RazorpayHarness(razorpay_server)


@pytest.fixture
def stripe_harness(stripe_server: FakeStripeServer) -> StripeHarness:
    return StripeHarness(stripe_server)


@pytest.fixture(params=each_of(*HARNESSES))
def harness(request: pytest.FixtureRequest, settings, db: None) -> GatewayHarness:
    """A gateway with everybody around it, the only one that the site offers; each of them in turn."""
    found: GatewayHarness = request.getfixturevalue(f"{request.param}_harness")
    settings.PAYMENT_GATEWAYS = [request.param]
    return found


@pytest.fixture
def one_try(settings) -> None:
    """What goes wrong is seen at once, and not tried again by itself."""
    settings.PROVIDER_RETRIES = 0
