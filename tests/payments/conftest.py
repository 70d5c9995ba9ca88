from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
import time_machine

from bookings.models import Booking
from bookings.services import book
from payments import services
from payments.gateways import REGISTRY
from payments.gateways.mock import Outcome, simulate
from payments.models import Payment
from payments.services import ReturnUrls
from tests.factories import NOW, SessionTypeFactory
from tests.payments.providers import TroubledProvider
from tests.payments.stripe_stand_in import StripeStandIn, serve, stripe_settings
from tests.payments.worlds import WORLDS

STARTS_AT = datetime(2026, 12, 9, 5, 30, tzinfo=UTC)
URLS = ReturnUrls(success="https://testserver/confirmation/", cancel="https://testserver/payment/")


@pytest.fixture
def booking(mentor, student) -> Booking:
    """₹1,000 and ₹50 fee, Wednesday 9 December 11:00 am in Kolkata, held for 15 minutes from now."""
    return book(
        student=student,
        session_type=SessionTypeFactory(mentor=mentor, slug="career-guidance"),
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=NOW,
    )


@pytest.fixture
def provider(monkeypatch, db) -> TroubledProvider:
    """The mock provider, which a test may let fail; it refuses to be called inside a transaction."""
    troubled = TroubledProvider()
    monkeypatch.setitem(REGISTRY, "mock", troubled)
    return troubled


@pytest.fixture
def payment(booking, provider) -> Payment:
    """Its checkout is open at the provider."""
    return services.open_checkout(booking.pk, "mock", now=NOW, urls=URLS)


@pytest.fixture
def paid(payment) -> Payment:
    """Paid at the provider; we have not heard of it."""
    simulate(payment.provider_ref, Outcome.SUCCESS)
    return payment


@pytest.fixture
def stripe(settings, db) -> Iterator[StripeStandIn]:
    """Stripe's stand-in, which the site takes for Stripe, and offers."""
    with serve() as stand_in:
        for name, value in stripe_settings(stand_in).items():
            setattr(settings, name, value)
        settings.PAYMENT_GATEWAYS = ["mock", "stripe"]
        yield stand_in


@pytest.fixture(params=WORLDS)
def world(request, settings, db):
    """A provider with everybody around it, the only one that the site offers; each of them in turn."""
    settings.PAYMENT_GATEWAYS = [request.param]
    with WORLDS[request.param]() as world:
        yield world


@pytest.fixture
def impatient(settings) -> None:
    """One try, and a short one, so that what goes wrong is seen at once."""
    settings.PROVIDER_RETRIES = 0
    settings.PROVIDER_TIMEOUT = (5, 0.8)


@pytest.fixture
def travel_to():
    """Move the clock of this test to an instant."""
    with ExitStack() as stack:
        yield lambda at: stack.enter_context(time_machine.travel(at))
