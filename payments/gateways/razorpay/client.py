"""The way to Razorpay's API: how long a call may take, and its errors as ours."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import razorpay
import requests
from django.conf import settings

from lib.redaction import redacted
from payments.gateways import calls
from payments.gateways.base import (
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
)

Entity = dict[str, Any]
PAGE = 100  # the most that a list gives at once


class Conflict(GatewayUnavailable):
    """Another request under the same idempotency key is on its way, or was another one."""


class Session(calls.Session):
    """Waits only so long, and turns whatever is no success into our errors.

    The SDK itself prints to stdout, has no timeout, and tells neither a wrong key nor a busy hour from a
    wrong parameter.
    """

    status_code = 0

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises a `GatewayError` for whatever is no success, and `RuntimeError` within a transaction."""
        try:
            response = super().request(
                *args, **{"timeout": calls.timeouts(settings.PROVIDER_TIMEOUT), **kwargs}
            )
        except requests.RequestException as error:
            raise GatewayUnavailable(f"Razorpay did not answer: {type(error).__name__}") from None
        self.status_code = response.status_code
        try:
            answer = response.json()
        except ValueError:
            answer = None
        self._refuse(answer)
        return response

    def _refuse(self, answer: object) -> None:
        status = self.status_code
        if not isinstance(answer, dict):
            raise GatewayUnavailable(f"Razorpay answered {status}, and not in JSON")
        if 200 <= status < 300:
            return
        error = answer.get("error")
        error = error if isinstance(error, dict) else {}
        words = f"Razorpay answered {status}: {redacted(str(error.get('description', '')))[:200]}"
        if status in (401, 403):
            raise GatewayMisconfigured(words)
        if status == 409:
            raise Conflict(words)
        # Besides BAD_REQUEST_ERROR there are GATEWAY_ERROR and SERVER_ERROR, and 429 comes as the first of them.
        if 400 <= status < 500 and status != 429 and error.get("code") == "BAD_REQUEST_ERROR":
            raise GatewayRejected(words)
        raise GatewayUnavailable(words)


@contextmanager
def connection() -> Iterator[Any]:
    """A client for one conversation: nothing is shared between threads, and nothing stays open.

    Raises `GatewayMisconfigured` without keys; the client's calls raise a `GatewayError`.
    """
    keys = (settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET)
    if not all(keys):
        raise GatewayMisconfigured("RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET are not set")
    with Session() as session:
        yield razorpay.Client(session=session, auth=keys, base_url=settings.RAZORPAY_API_BASE)


def pages(ask: Callable[[Mapping[str, Any]], Any], **filters: Any) -> Iterator[Entity]:
    """Every entity of a list, which is asked for page by page. `ask` is the SDK's own function for that list."""
    skip = 0
    while True:
        items = ask({**filters, "count": PAGE, "skip": skip})["items"]
        yield from items
        if len(items) < PAGE:
            return
        skip += PAGE
