"""What Sentry would be sent when the webhook breaks; called in a process of its own, where Sentry then stays."""

from functools import cache
from typing import Any

import sentry_sdk
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory
from sentry_sdk.transport import Transport

from config import reporting
from payments.gateways import REGISTRY


class Collected(Transport):
    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.sent: list[bytes] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent.append(envelope.serialize())


@cache
def start() -> tuple[Any, Collected]:
    """Sentry's client as the site starts it, and what it sends."""
    reporting.start("https://public@sentry.invalid/1")
    client = sentry_sdk.get_client()
    client.transport = Collected(client.options)
    return client, client.transport


def report(
    address: str, body: str, headers: dict[str, str], *, words: str, keys: dict[str, Any], without: list[str]
) -> list[str]:
    """The reports on this request to the webhook, which breaks with these words.

    `keys` are settings; `without` is what is switched off of that which keeps secrets back.
    """

    def break_down(*_: object) -> None:
        raise RuntimeError(words)

    for name, value in keys.items():
        setattr(settings, name, value)
    for name in ("stripe", "razorpay"):
        REGISTRY[name] = type("Broken", (type(REGISTRY[name]),), {"parse_webhook": break_down})()
    client, transport = start()
    usual = {name: client.options[name] for name in without}
    client.options.update(dict.fromkeys(without))
    transport.sent.clear()
    # As a web server calls it: Sentry listens there.
    request = RequestFactory(SERVER_NAME="localhost").post(address, body, "application/json", headers=headers)
    get_wsgi_application()(request.environ, lambda *_: None).close()
    sentry_sdk.flush()
    client.options.update(usual)
    return [each.decode() for each in transport.sent]
