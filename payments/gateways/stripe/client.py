"""The way to Stripe's API: how long a call may take, and its errors as ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import stripe
from django.conf import settings

from lib import deadline
from lib.redaction import redacted
from payments.gateways import calls
from payments.gateways.base import (
    AlreadyRefunded,
    CardDeclined,
    CustomerNotFound,
    GatewayError,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    IdempotencyKeyUnusable,
)

# Nobody but the owner learns how long requests took.
stripe.enable_telemetry = False

SECRET = re.compile(r"\b(?:sk|rk|pk|whsec|ek)_\w+|\b\w+_secret_\w+")


def client() -> stripe.StripeClient:
    """For one call, or a few. With a deadline each has its own connection, and one try.

    Raises `GatewayMisconfigured` without a key, and `GatewayUnavailable` when there is no time left.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise GatewayMisconfigured("STRIPE_SECRET_KEY is not set")
    key, base = settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE
    if deadline.in_hurry():
        timeout = calls.timeouts(settings.PROVIDER_TIMEOUT)
        return _new_client(key, base, timeout, retries=0, session=calls.Session())
    return _shared_client(key, base, settings.PROVIDER_TIMEOUT, settings.PROVIDER_RETRIES)


@cache
def _shared_client(
    secret_key: str, api_base: str, timeout: tuple[float, float], retries: int
) -> stripe.StripeClient:
    return _new_client(secret_key, api_base, timeout, retries=retries)


def _new_client(
    secret_key: str,
    api_base: str,
    timeout: tuple[float, float],
    *,
    retries: int,
    session: calls.Session | None = None,
) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout, session=session),
    )


@contextmanager
def errors(*, failure_spends_key: bool = False) -> Iterator[None]:
    """What the SDK raises comes out as a `GatewayError`.

    With `failure_spends_key` Stripe keeps a failure as its answer to the request's key. `from None`: the SDK's errors
    carry requests' bodies and headers, which must not reach a log.
    """
    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error, failure_spends_key=failure_spends_key) from None


def _translated(error: stripe.StripeError, *, failure_spends_key: bool) -> GatewayError:
    words = _words(error)
    match error:
        case stripe.CardError():
            return CardDeclined(words, redacted(error.user_message or CardDeclined.safe_message))
        case stripe.IdempotencyError():
            return IdempotencyKeyUnusable(words)
        case stripe.InvalidRequestError(code="charge_already_refunded"):
            return AlreadyRefunded(words)
        case stripe.InvalidRequestError(code="resource_missing", param="customer"):
            return CustomerNotFound(words)
        case stripe.InvalidRequestError(param="expires_at"):
            # A request that waited too long to be repeated: the next one is a new one.
            return IdempotencyKeyUnusable(words)
        case stripe.InvalidRequestError():
            return GatewayRejected(words)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return GatewayMisconfigured(words)
    headers = error.headers or {}
    stored = headers.get("Idempotent-Replayed") == "true"
    if (error.http_status or 0) >= 500 and error.error and (stored or failure_spends_key):
        # Stripe keeps its first answer to a key, failures included.
        return IdempotencyKeyUnusable(words)
    return GatewayUnavailable(words)


def _words(error: stripe.StripeError) -> str:
    """For logs and staff. What is no JSON of Stripe's, such as a proxy's page, is not quoted."""
    if error.http_status is None:
        return f"Stripe did not answer ({type(error.__cause__ or error).__name__})"
    parts = [f"Stripe answered {error.http_status}"]
    if error.error:
        parts += [error.code or "", getattr(error, "param", None) or "", error.user_message or ""]
    if error.request_id:
        parts.append(error.request_id)
    return SECRET.sub("***", redacted(", ".join(part for part in parts if part)))
