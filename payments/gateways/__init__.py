"""The payment providers, by name. Which of them take new payments is a setting; all of them finish old ones."""

from django.conf import settings

from lib import deadline
from payments.gateways.base import Gateway, GatewayMisconfigured
from payments.gateways.mock import MockGateway
from payments.gateways.razorpay import RazorpayGateway
from payments.gateways.stripe import StripeGateway

REGISTRY: dict[str, Gateway] = {
    "mock": MockGateway(),
    "stripe": StripeGateway(),
    "razorpay": RazorpayGateway(),
}


def gateway(name: str) -> Gateway:
    """The provider that an existing payment names. Raises `GatewayMisconfigured`.

    A web request gives providers so many seconds together, which run from here (`lib.deadline`).
    """
    deadline.seconds_left()
    try:
        return REGISTRY[name]
    except KeyError:
        raise GatewayMisconfigured(f"No payment gateway is called {name!r}") from None


def gateways_for(currency: str) -> list[Gateway]:
    """Those that are configured and take that currency, in the order of the setting."""
    configured = [gateway(name) for name in settings.PAYMENT_GATEWAYS]
    return [each for each in configured if currency in each.currencies]


def takes(currency: str) -> bool:
    return bool(gateways_for(currency))
