"""docs/payments.md says what the code does."""

from pathlib import Path

import pytest
from django.urls import reverse

from payments.gateways.stripe import webhooks

TEXT = (Path(__file__).parents[2] / "docs" / "payments.md").read_text()


@pytest.mark.parametrize("event", sorted(webhooks.PAYMENT_EVENTS | webhooks.REFUND_EVENTS))
def test_guide_subscribes_to_every_event_that_is_heard(event):
    assert f"`{event}`" in TEXT


@pytest.mark.parametrize("name", ["webhook_stripe", "webhook_razorpay"])
def test_guide_names_the_webhooks(name):
    assert f"https://<your site>{reverse(name)}`" in TEXT
