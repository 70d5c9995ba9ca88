"""The way to Stripe's API: how long a call may take, and its errors as ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

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
    """For one conversation. Where somebody waits for the answer it is asked for once only.

    Raises `GatewayMisconfigured` without a key, `GatewayUnavailable` when there is no time left, and `RuntimeError`
    within a transaction.
    """
    calls.refuse_in_transaction()  # here, since the SDK takes whatever a session raises for a lost connection
    if not settings.STRIPE_SECRET_KEY:
        raise GatewayMisconfigured("STRIPE_SECRET_KEY is not set")
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        max_network_retries=0 if deadline.in_hurry() else settings.PROVIDER_RETRIES,
        http_client=stripe.RequestsClient(
            timeout=calls.timeouts(settings.PROVIDER_TIMEOUT), session=calls.Session()
        ),
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
