"""One site with its demo and two payment providers for all journeys; each test brings its own people and sessions."""

from collections.abc import Iterator

import pytest

from tests.payments.razorpay_stand_in import StandIn, razorpay_environment, running
from tests.payments.stripe_stand_in import StripeStandIn, serve, stripe_environment
from tests.servers import PRODUCTION, Site, start_site


@pytest.fixture(scope="session")
def stripe() -> Iterator[StripeStandIn]:
    with serve() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def razorpay() -> Iterator[StandIn]:
    with running(StandIn()) as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def site(stripe: StripeStandIn, razorpay: StandIn) -> Iterator[Site]:
    environment = {
        **PRODUCTION,
        **razorpay_environment(razorpay),
        **stripe_environment(stripe),
        "PAYMENT_GATEWAYS": "mock,stripe,razorpay",
    }
    with start_site(environment) as site:
        site.manage("demo", "--force")
        yield site
