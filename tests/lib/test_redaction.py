"""What logs, staff and payers must not read is masked, and what they need is not."""

import json
import logging
import uuid

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.test import Client
from pytest_django.fixtures import Settings

from bookings.models import session_reference
from config.logging import JsonFormatter, PlainFormatter
from lib.redaction import MASK, redacted, redacted_all
from tests.factories import UserFactory

HEX = "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"

MASKED = {
    "address": ("Mail to arjun@example.com failed", "Mail to *** failed"),
    "address in brackets": ("From: Ann <ann.o'neil+x@mail.example.co.uk>.", "From: Ann <***>."),
    "address in a repr": ("{'email': 'ann@example.com'}", "{'email': '***'}"),
    "address in a query": ("GET /x?email=ann@example.com&a=1", "GET /x?email=***&a=1"),
    "address, encoded": ("GET /x?email=ann%40example.com&a=1", "GET /x?email=***&a=1"),
    "address, other scripts": ("für jörg@bücher.de da", "für *** da"),
    "address, quoted": ('to "a b"@example.com', "to ***"),
    "address, punycode": ("to a@xn--bcher-kva.xn--p1ai", "to ***"),
    "two addresses": ("a@example.com,b@example.com", "***,***"),
    "reset link": (
        "/accounts/password/reset/key/1f-cabc12-0123456789abcdef0123456789abcdef/",
        "/accounts/password/reset/key/***/",
    ),
    "confirmation link": (
        "https://x.example/accounts/confirm-email/MQ:1sQx5d:aB3" + "x" * 40,
        "https://x.example/accounts/confirm-email/***",
    ),
    "private calendar": ("GET /feeds/9f3kQ-z_x.ics", "GET /feeds/***"),
    "session cookie": (
        "Cookie: sessionid=0hq3xk8z9ab1cd2ef3gh4ij5kl6mn7op; a=b",
        "Cookie: sessionid=***; a=b",
    ),
    "session key": ("no session 0hq3xk8z9ab1cd2ef3gh4ij5kl6mn7op", "no session ***"),
    "CSRF token": ("csrfmiddlewaretoken=aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF&x=1", "csrfmiddlewaretoken=***&x=1"),
    "bearer": ("{'Authorization': 'Bearer abc.def-123456789'}", "{'Authorization': 'Bearer ***'}"),
    "access token": ('"access_token": "ya29.a0AfH6SMBx1234567890"', '"access_token": "***"'),
    "Stripe signature": (f"'Stripe-Signature': 't=1492774577,v1={HEX}'", "'Stripe-Signature': '***'"),
    "Stripe signature alone": (f"t=1492774577,v1={HEX}", "t=1492774577,v1=***"),
    "Razorpay signature": (f"X-Razorpay-Signature: {HEX}", "X-Razorpay-Signature: ***"),
    "Razorpay form": (f"razorpay_signature={HEX}&a=1", "razorpay_signature=***&a=1"),
    "provider's key": ("key sk_live_51HxAbCdEfGh refused", "key *** refused"),
    "provider's webhook key": ("whsec_7gT5s8Kq2Lx", "***"),
    "payment's own secret": (
        "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZ",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_***",
    ),
    "web token": ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "jwt *** end"),
    "password": ("login=x&password=office-hours&next=/", "login=x&password=***&next=/"),
    "password in a repr": ("{'password1': 'pa ss & \"', 'a': 1}", "{'password1': '***', 'a': 1}"),
}
MASKED |= {
    f"card, {name}": (f"Card {number} refused.", "Card *** refused.")
    for name, number in {
        "Visa": "4242424242424242",
        "Visa, spaced": "4000 0566 5566 5556",
        "Visa, dashed": "4000-0566-5566-5556",
        "Visa, 19 digits": "4532015112830366005",
        "Mastercard": "5555555555554444",
        "Mastercard, second series": "2223003122003222",
        "American Express": "378282246310005",
        "American Express, spaced": "3782 822463 10005",
        "Discover": "6011111111111117",
        "Diners Club": "30569309025904",
        "Diners Club, spaced": "3056 930902 5904",
        "JCB": "3566002020360505",
        "UnionPay": "6205500000000000004",
        "RuPay": "6073849700004947",
        "Maestro": "6759649826438453",
    }.items()
}

KEPT = {
    "session": "SESSION-7KQ2M9XA is cancelled",
    "order": "ORDER-9Z8Y7X6W, RECEIPT-9Z8Y7X6W, PAY-00112233",
    "Stripe IDs": "cs_test_a1b2c3 pi_3MtwBwLkdIwHu7ix28a3tqPa evt_1NG8Du2eZvKYlo2C re_1 ch_3 cus_9",
    "Stripe checkout": "cs_test_" + "a1B2c3D4e5" * 6,
    "Razorpay IDs": "order_EKwxwAgItmmXdp pay_29QQoUBi66xm2f rfnd_FP8QHiV938haTz",
    "UUID": "550e8400-e29b-41d4-a716-446655440000",
    "UUID, 32 digits": "mentors/550e8400e29b41d4a716446655440000.jpg",
    "request": "request_id=5838158424b37f16",
    "trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "commit": "c402e79a1b2c3d4e5f60718293a4b5c6d7e8f901",
    "digest": f"sha256:{HEX}",
    "instant": "2026-12-09T05:30:00.123456+00:00",
    "compact instant": "20261209053000",
    "seconds": "1796794200",
    "milliseconds": "1796794200123",
    "microseconds": "1796794200123456",
    "nanoseconds": "1796794200123456789",
    "telephone": "+919876543210 and +4915112345678 and 4915112345675",
    "telephone that sums up": "+4242424242424242",
    "amount": "amount=7875 currency=USD, ₹1,05,000.00",
    "fraction": "0.4242424242424242",
    "fourteen of a kind": "00000000000000",
    "wrong check digit": "4242424242424241",
    "nobody's first digits": "9999999999999995",
    "in a word": "x4242424242424242y",
    "too long": "42424242424242424242",
    "numbers in a row": "1 424 2424 2424 24242 7",
    "address without a place": "celery@worker ready, root@localhost",
    "versions": "django-allauth@65.21.1, Django==5.2.19",
    "time zone": "Asia/Kolkata (GMT+5:30)",
    "path": "/mentors/meera-rao/book/?type=career-guidance&start=2026-12-09T05:30Z",
    "path of a done reset": "/accounts/password/reset/key/done/",
    "prose": "Invalid token: it is expired. The signature: none. Password: required.",
    "dotted name": "token=payments.services.webhooks.receive",
    "task": "task=bookings.tasks.sweep state=SUCCESS ms=12",
    "client": "203.0.113.9, 2001:db8::1",
    "traceback": 'File "/srv/app/payments/views/webhooks.py", line 31, in receive',
}


@pytest.mark.parametrize(("words", "masked"), MASKED.values(), ids=MASKED.keys())
def test_secret_is_masked_and_nothing_around_it(words: str, masked: str) -> None:
    assert redacted(words) == masked


@pytest.mark.parametrize("words", KEPT.values(), ids=KEPT.keys())
def test_what_is_no_secret_stays_readable(words: str) -> None:
    assert redacted(words) == words


def test_own_keys_are_masked_wherever_they_stand(settings: Settings) -> None:
    settings.SECRET_KEY, settings.RAZORPAY_KEY_SECRET = "canary-of-the-site", "canary-of-razorpay"
    assert redacted("canary-of-the-site, canary-of-razorpay") == "***, ***"


@pytest.mark.django_db
def test_what_django_makes_is_masked_as_it_is_made(client: Client) -> None:
    person = UserFactory()
    client.force_login(person)
    client.get("/accounts/login/")
    made = [
        client.session.session_key,
        default_token_generator.make_token(person),
        signing.dumps({"person": 1}),
        signing.dumps("x", compress=True),
        signing.Signer().sign("reference"),
        signing.TimestampSigner().sign("7"),
    ]
    for token in made:
        assert redacted(f"see {token} there") == "see *** there"
    assert [redacted(session_reference()) for _ in range(3)].count("***") == 0
    photo = uuid.uuid4().hex
    assert redacted(photo) == photo


def test_nested_texts_are_masked_and_their_names_stay() -> None:
    event = {"user": {"email": "a@example.com", "n": 3}, "list": ["b@example.com", ("c@example.com", None)]}
    assert redacted_all(event) == {"user": {"email": "***", "n": 3}, "list": ["***", ["***", None]]}


class Person:
    def __str__(self) -> str:
        return "Ann <ann@example.com>"


def test_log_masks_its_words_and_whatever_is_attached() -> None:
    try:
        raise ValueError("Not sent to ann@example.com")
    except ValueError as error:
        trouble = (ValueError, error, error.__traceback__)
    record = logging.makeLogRecord(
        {
            "name": "config",
            "levelname": "INFO",
            "msg": "Mail to %s",
            "args": ("ann@example.com",),
            "headers": {"To": ["ann@example.com"]},
            "person": Person(),
            "reference": "SESSION-7KQ2M9XA",
            "exc_info": trouble,
        }
    )
    line = JsonFormatter().format(record)
    for text in (line, PlainFormatter().format(record)):
        assert "ann@example.com" not in text
        assert "SESSION-7KQ2M9XA" in text
    assert json.loads(line)["headers"] == {"To": ["***"]}
    assert json.loads(line)["person"] == "Ann <***>"


@pytest.mark.parametrize("run", ["9" * 5000, "x" * 1000, "_" * 100_000, "a@" * 2500])
def test_endless_run_is_not_looked_through(run: str) -> None:
    """A log line with an address of 8 kB took seconds to mask."""
    assert redacted(f"GET {run} 404") == f"GET {MASK} 404"
    assert redacted(f"GET /{'x' * 900}/ 404") == f"GET /{'x' * 900}/ 404"
