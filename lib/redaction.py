"""What others say is repeated in logs, to staff and to payers: never with a key of ours, a token that opens
something, an e-mail address or a card's number. Everything else stays readable: references, ids, times, amounts.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings

MASK = "***"
# Nobody reads so long a run, and looking through one would take longer the longer it is, by the square.
ENDLESS = re.compile(r"\S{1000,}")
# Nothing else is looked for in words that hold none of these: most of what is logged is short and plain.
SUSPECT = re.compile(r"@|%40|[\w.~+/=:-]{14}|\d{4}[ \u00a0-]\d{4}|password", re.IGNORECASE)

EMAIL = re.compile(
    r"""(?:"[^"\n]{1,64}"|[\w.+~!#$%^*-][\w.+~!#$%^*'-]*)"""  # a quoted name may hold anything
    r"(?:@|%40)(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,63})"
)

TOKENS = (
    # Whatever is called a token, where it is long enough and odd enough to be one.
    (
        re.compile(
            r"(?i)((?<![a-z0-9])(?:sessionid|csrftoken|csrfmiddlewaretoken|authorization|client_secret|secret|token"
            r"|(?:[\w-]+[_-])?signature|(?:access|refresh|id)_token|api[_-]?key)"
            r"['\"]?\s*[=:]\s*['\"]?(?:(?:bearer|basic)\s+)?)(?=\S*\d)[\w.~+/=:,%$-]{16,}"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)((?<![a-z0-9])(?:old)?password\d?=)[^\s'\"&]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)((?<![a-z0-9])(?:old)?password\d?['\"]\s*:\s*(['\"]))(?:(?!\2).)*"), rf"\1{MASK}"),
    # What a link of ours carries: a reset's key, a confirmation's, a private calendar's.
    (re.compile(r"(/password/reset/key/|/confirm-email/|/feeds/)(?!done/)[^/\s?#\"'<>]+"), rf"\1{MASK}"),
    # What Django signs: a value, mostly a time, and a signature.
    (
        re.compile(
            r"[\w=.+/-]+(?:(?::|%3A)[A-Za-z0-9]{1,8})?(?::|%3A)(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{43}(?![\w-])"
        ),
        MASK,
    ),
    # A reset's key by itself, with or without the person's number.
    (re.compile(r"(?<![\w-])(?:\w{1,13}-)?[0-9a-z]{6}-[0-9a-f]{32}(?![\w-])"), MASK),
    # A session's key. A UUID of 32 digits is no key: it has no letter after f.
    (re.compile(r"(?<![\w-])(?=[a-z]*\d)(?=[a-f0-9]*[g-z])[a-z0-9]{32}(?![\w-])"), MASK),
    # A webhook's signature. A digest that says what it is stays.
    (re.compile(r"(?<!sha256:)(?<![\w-])[0-9a-f]{64}(?![\w-])"), MASK),
    # A provider's keys, a payment's own secret, and a JSON web token.
    (re.compile(r"(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)|whsec)_\w{8,}"), MASK),
    (re.compile(r"(?<=_secret_)[A-Za-z0-9]{8,}"), MASK),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),
)

# Digits as they stand on a card: in one run, in fours, or 4-6-5 and 4-6-4.
CARD = re.compile(
    r"(?<![\w+])(?<!\d\.)(?:\d{14,19}|\d{4}([ \u00a0-])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?"
    r"|\d{4}([ \u00a0-])\d{6}\2\d{4,5})(?!\w|\.\d)"
)
# First digits and lengths of the cards in use (ISO/IEC 7812; the ranges as the networks' rules publish them). Shorter
# ones are long gone, and would be taken for telephone numbers.
ISSUERS = re.compile(
    r"""
      4(?:\d{15}|\d{18})                                                  # Visa
    | (?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}  # Mastercard
    | 3[47]\d{13}                                                        # American Express
    | (?:30[0-5]|309|36\d|3[89]\d)\d{11,16}                              # Diners Club
    | (?:6011|64[4-9]\d|65\d\d)\d{12,15}                                # Discover
    | 35(?:2[89]|[3-8]\d)\d{12,15}                                       # JCB
    | (?:60\d\d|8[12]\d\d|508\d)\d{12}                                 # RuPay
    | 62\d{14,17}                                                        # UnionPay
    | (?:50(?:18|20|38)|5893|6304|6759|676[1-3])\d{12,15}                 # Maestro
    """,
    re.VERBOSE,
)


def redacted(words: str) -> str:
    words = ENDLESS.sub(MASK, words)
    for secret in _keys():
        words = words.replace(secret, MASK)
    if not SUSPECT.search(words):
        return words
    if "@" in words or "%40" in words:
        words = EMAIL.sub(MASK, words)
    for pattern, masked in TOKENS:
        words = pattern.sub(masked, words)
    return CARD.sub(lambda found: MASK if _is_card(found[0]) else found[0], words)


def redacted_all(value: Any) -> Any:
    """The same for every text in what may be nested, names of fields left as they are."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: redacted_all(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_all(each) for each in value]
    return value


def _keys() -> Iterator[str]:
    keys = (
        *(settings.SECRET_KEY, settings.STRIPE_SECRET_KEY, settings.RAZORPAY_KEY_SECRET),
        *(*settings.TOKEN_KEYS, *settings.STRIPE_WEBHOOK_SECRETS, *settings.RAZORPAY_WEBHOOK_SECRETS),
    )
    return (key for key in keys if key.strip())


def _is_card(words: str) -> bool:
    digits = re.sub(r"\D", "", words)
    return bool(ISSUERS.fullmatch(digits)) and _ends_in_its_check_digit(digits)


def _ends_in_its_check_digit(digits: str) -> bool:
    """Luhn's sum (ISO/IEC 7812-1, annex B)."""
    doubled = (int(each) * (2 if place % 2 else 1) for place, each in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
