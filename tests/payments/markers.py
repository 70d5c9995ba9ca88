"""For which gateways a test of every gateway is."""

import pytest

from tests.payments.gateway_harness import HARNESSES, OPEN_ENDED, WITH_WEBHOOKS


def _for(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("harness", names, indirect=True)


with_webhooks = _for(*WITH_WEBHOOKS)
mock_only = _for("mock")
razorpay_only = _for("razorpay")
stripe_only = _for("stripe")
# Whether a checkout can be closed at the provider.
closable = _for(*(name for name in HARNESSES if name not in OPEN_ENDED))
open_ended = _for(*OPEN_ENDED)
