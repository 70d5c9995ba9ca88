from typing import Any

import sentry_sdk
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

from payments.redaction import redacted

SIGNATURES = ["stripe-signature", "x-razorpay-signature"]


def start(dsn: str) -> None:
    """Send errors to Sentry, without what a request carried (no body, no variable, no cookie, no signature), and with
    every word redacted as in a log."""
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        event_scrubber=EventScrubber(denylist=[*DEFAULT_DENYLIST, *SIGNATURES]),
        before_send=lambda event, hint: _redacted(event),
    )


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _redacted(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each) for each in value]
    return value
