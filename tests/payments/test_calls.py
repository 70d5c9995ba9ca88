"""What every call to a provider keeps to, whoever makes it: it ends, and nobody's rows are locked meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from payments.gateways import gateway
from payments.gateways.base import GatewayUnavailable
from tests.payments.silent_server import silent_server

REFS = {"stripe": "cs_test_1", "razorpay": "order_1"}


@pytest.fixture
def dripping(settings):
    """Stands in for Stripe and Razorpay both, and sends a byte now and then."""
    with silent_server(dripping=True) as provider:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_silent", provider.url
        settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET = "rzp_test_silent", "silent"
        settings.RAZORPAY_API_BASE = provider.url
        yield provider


@pytest.mark.parametrize("name", REFS)
def test_call_that_nobody_waits_for_ends_too(dripping, settings, name):
    settings.PROVIDER_TIMEOUT, settings.PROVIDER_RETRIES = (0.5, 0.5), 0
    with ThreadPoolExecutor() as worker:
        answer = worker.submit(gateway(name).fetch, REFS[name])
        assert isinstance(answer.exception(timeout=60), GatewayUnavailable)


@pytest.mark.django_db
@pytest.mark.parametrize("name", REFS)
def test_provider_is_never_asked_within_a_transaction(dripping, name):
    with transaction.atomic(), pytest.raises(RuntimeError, match="within a transaction"):
        gateway(name).fetch(REFS[name])
    assert dripping.heard == []
