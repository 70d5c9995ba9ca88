"""What others say is repeated in logs, to staff and to payers: never with a key of ours or a card's number."""

import re

from django.conf import settings

CARD = re.compile(r"(?<!\w)\d(?:[ -]?\d){12,18}(?!\w)")


def redacted(words: str) -> str:
    for secret in (
        settings.STRIPE_SECRET_KEY,
        settings.RAZORPAY_KEY_SECRET,
        *settings.STRIPE_WEBHOOK_SECRETS,
        *settings.RAZORPAY_WEBHOOK_SECRETS,
    ):
        if secret.strip():
            words = words.replace(secret, "***")
    return CARD.sub("***", words)
