"""Stripe: hosted Checkout, saved cards, refunds and events, in the API version that the SDK pins."""

from payments.gateways.stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
