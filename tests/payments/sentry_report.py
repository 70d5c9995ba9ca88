"""What Sentry would be sent when the webhook breaks; run by itself, since Sentry stays in the process that starts it.

Reads a JSON object from the input and prints the reports: "address", "body" and "headers" of a request, "settings",
the "words" that it breaks with, and in "without" a list of what is switched off of that which keeps secrets back.
"""

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def main() -> None:
    import django

    django.setup()
    import sentry_sdk
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory
    from sentry_sdk.transport import Transport

    from config import reporting
    from payments.gateways import REGISTRY

    sent: list[bytes] = []

    class Collected(Transport):
        def capture_envelope(self, envelope):
            sent.append(envelope.serialize())

    def break_down(self, body, headers):
        raise RuntimeError(asked["words"])

    asked = json.load(sys.stdin)
    for name, value in asked["settings"].items():
        setattr(settings, name, value)
    reporting.start("https://public@sentry.invalid/1")
    client = sentry_sdk.get_client()
    client.transport = Collected(client.options)
    for name in asked["without"]:
        client.options[name] = None
    for name in ("stripe", "razorpay"):
        REGISTRY[name] = type("Broken", (type(REGISTRY[name]),), {"parse_webhook": break_down})()
    # As a web server calls it: Sentry listens there.
    request = RequestFactory(SERVER_NAME="localhost").post(
        asked["address"], asked["body"], "application/json", headers=asked["headers"]
    )
    get_wsgi_application()(request.environ, lambda *_: None).close()
    sentry_sdk.flush()
    print(json.dumps([each.decode() for each in sent]))  # noqa: T201


if __name__ == "__main__":
    main()
