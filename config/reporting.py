import sentry_sdk
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

from lib.redaction import redacted_all

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
        before_send=lambda event, hint: redacted_all(event),
    )
