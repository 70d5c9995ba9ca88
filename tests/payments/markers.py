"""For which gateways a test of every gateway is."""

from typing import Any

import pytest

from tests.payments.gateway_harness import HARNESSES, OPEN_ENDED, WITH_WEBHOOKS


def each_of(*names: str) -> list[Any]:
    """These gateways in turn; on PostgreSQL the first stands for all, as a database decides nothing by who moves money.

    What one gateway alone writes is in that gateway's own tests.
    """
    return [pytest.param(name, marks=() if name == names[0] else pytest.mark.once) for name in names]


def _for(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("harness", each_of(*names), indirect=True)


with_webhooks = _for(*WITH_WEBHOOKS)
mock_only = _for("mock")
razorpay_only = _for("razorpay")
stripe_only = _for("stripe")
# Whether a checkout can be closed at the provider.
closable = _for(*(name for name in HARNESSES if name not in OPEN_ENDED))
open_ended = _for(*OPEN_ENDED)
