"""One site with its demo and two payment providers for all journeys; each test brings its own people and sessions."""

from collections.abc import Iterator

import pytest

from tests.payments import fake_razorpay_server, fake_stripe_server
from tests.payments.fake_razorpay_server import FakeRazorpayServer, razorpay_environment
from tests.payments.fake_stripe_server import FakeStripeServer, stripe_environment
from tests.servers import PRODUCTION, Site, start_site


@pytest.fixture(scope="session")
def stripe() -> Iterator[FakeStripeServer]:
    with fake_stripe_server.serve() as server:
        yield server


@pytest.fixture(scope="session")
def razorpay() -> Iterator[FakeRazorpayServer]:
    with fake_razorpay_server.serve() as server:
        yield server


@pytest.fixture(scope="session")
def site(stripe: FakeStripeServer, razorpay: FakeRazorpayServer) -> Iterator[Site]:
    environment = {
        **PRODUCTION,
        **razorpay_environment(razorpay),
        **stripe_environment(stripe),
        "PAYMENT_GATEWAYS": "mock,stripe,razorpay",
    }
    with start_site(environment) as site:
        site.manage("demo", "--force")
        yield site
