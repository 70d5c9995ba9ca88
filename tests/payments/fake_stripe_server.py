"""Stripe over HTTP, on this machine: its API, its payment page, the bank's page, and signed events.

It stands where the network begins, so that the real SDK sends real requests, and refuses what Stripe would:
`fake_stripe_parameters` reads and checks, `fake_stripe` knows and does, and here is the rest of the protocol
(keys, versions, idempotency, pages, deliveries) and what can go wrong on the way.

In a test: the fixture `stripe_server`. As a program, for other processes:

    python -m tests.payments.fake_stripe_server PORT [--webhook-url URL] [--rate-of-trouble 0.2]

where `POST /_control/<method>` with a JSON object calls the public methods of `FakeStripeServer` and `FakeStripe` by
name, and `GET /_control/events` lists the events.
"""

import argparse
import hashlib
import hmac
import json
import random
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.payments.fake_stripe import DECLINED_CARD, DELAYED, GOOD_CARD, SECURE_CARD, FakeStripe, Object
from tests.payments.fake_stripe_parameters import API_VERSION, Refusal, operation, read

SECRET_KEY = "sk_test_standin0000000000000000"
WEBHOOK_SECRET = "whsec_standin0000000000000000"


class Vanish(Exception):
    """The connection ends without an answer."""


@dataclass
class Trouble:
    """What happens to the next `times` requests of that operation, `after` so many that it spares, or to all of
    them at `rate`."""

    kind: str  # error, sticky, conflict, throttled, refused, refusal, unauthorized, forbidden, html, drop, lost, slow
    operation: str = ""
    times: int = 1
    rate: float = 0.0
    refusal: Refusal | None = None  # of the kind "refusal"
    seconds: float = 60.0  # of one that is slow, unless `calm` ends it
    after: int = 0

    def strikes(self, name: str) -> bool:
        if self.operation not in ("", name):
            return False
        if self.rate:
            return random.random() < self.rate
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass
class Answer:
    status: int
    body: Object
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    name: str
    object_id: str
    parameters: Object
    key: str


class FakeStripeServer:
    def __init__(self, secret_key: str = SECRET_KEY, webhook_secret: str = WEBHOOK_SECRET) -> None:
        self._secrets = secret_key, webhook_secret
        self.origin = ""
        self._lock = threading.RLock()
        self._calmed = threading.Event()
        self.reset()

    def reset(self) -> None:
        """As it was when it started: an account without a payment, and no troubles."""
        self.secret_key, self.webhook_secret = self._secrets
        self.fake_stripe = FakeStripe(self.origin, live="_live_" in self.secret_key)
        self.requests: list[Asked] = []
        self.troubles: list[Trouble] = []
        self.webhook_url = ""
        self._delivered = 0
        self._answers: dict[str, tuple[str, Answer | None]] = {}
        self.calm()

    def disturb(self, kind: str, operation: str = "", **more: Any) -> None:
        self.troubles.append(Trouble(kind, operation, **more))

    def calm(self) -> None:
        """No more troubles; slow requests go on."""
        self.troubles.clear()
        self._calmed.set()
        self._calmed = threading.Event()

    @property
    def is_busy(self) -> bool:
        """Whether a request with a key has no answer yet."""
        with self._lock:
            return any(answer is None for _, answer in self._answers.values())

    # The API

    def api(self, method: str, path: str, query: str, body: str, headers: Any) -> Answer:
        request_id = f"req_{random.randrange(16**12):012x}"
        try:
            answer = self._api(method, path, query if method == "GET" else body, headers)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body)
        answer.headers["Request-Id"] = request_id
        return answer

    def _api(self, method: str, path: str, encoded: str, headers: Any) -> Answer:
        self._check_headers(method, headers)
        name, object_id = operation(method, path)
        key = headers.get("Idempotency-Key", "") if method == "POST" else ""
        if len(key) > 255:
            raise Refusal("Idempotency-Key can't be longer than 255 characters.")
        with self._lock:
            trouble = next((each for each in self.troubles if each.strikes(name)), None)
        if trouble is not None:
            self._happen(trouble)
        parameters = read(name, encoded)
        fingerprint = f"{name} {object_id} {encoded}"
        with self._lock:
            # A slow request that outlives its test belongs to what was there before `reset`.
            fake_stripe, answers, calmed = self.fake_stripe, self._answers, self._calmed
            self.requests.append(Asked(name, object_id, parameters, key))
            if key in answers:
                return self._replay(key, fingerprint)
            if key:
                answers[key] = (fingerprint, None)
        try:
            if trouble is not None and trouble.kind == "slow":
                calmed.wait(trouble.seconds)
            answer = self._execute(fake_stripe, name, object_id, parameters, trouble)
        except BaseException:
            with self._lock:
                answers.pop(key, None)
            raise
        with self._lock:
            if key:
                answers[key] = (fingerprint, answer)
        if trouble is not None and trouble.kind == "lost":
            raise Vanish
        return Answer(answer.status, answer.body, dict(answer.headers))

    def _check_headers(self, method: str, headers: Any) -> None:
        given = headers.get("Authorization", "").removeprefix("Bearer ")
        if given != self.secret_key:
            hidden = f"{given[:8]}{'*' * 8}{given[-4:]}"
            raise Refusal(f"Invalid API Key provided: {hidden}", status=401)
        if headers.get("Stripe-Version") != API_VERSION:
            raise Refusal(f"Invalid Stripe API version: {headers.get('Stripe-Version')}")
        form = "application/x-www-form-urlencoded"
        if method == "POST" and headers.get("Content-Type") != form:
            raise Refusal(f"Requests have to be sent as {form}.")

    def _happen(self, trouble: Trouble) -> None:
        """What comes instead of an answer, before anything was done."""
        match trouble.kind:
            case "drop":
                raise Vanish
            case "refusal":
                assert trouble.refusal
                raise trouble.refusal
            case "error":
                raise Refusal("Something went wrong on our end.", status=500, kind="api_error")
            case "conflict":
                raise Refusal(
                    "There is currently another in-progress request using this Idempotency Key.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            case "refused":
                raise Refusal("This request is not for you.")
            case "throttled":
                raise Refusal("Too many requests hit the API too quickly.", status=429, code="rate_limit")
            case "unauthorized":
                raise Refusal(f"Invalid API Key provided: {self.secret_key}", status=401)
            case "forbidden":
                raise Refusal("The provided key does not have the required permissions.", status=403)

    def _replay(self, key: str, fingerprint: str) -> Answer:
        """https://docs.stripe.com/api/idempotent_requests"""
        first, answer = self._answers[key]
        if first != fingerprint:
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                kind="idempotency_error",
            )
        if answer is None:
            raise Refusal(
                "There is currently another in-progress request using this Idempotency Key.",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        return Answer(answer.status, answer.body, {**answer.headers, "Idempotent-Replayed": "true"})

    def _execute(
        self, fake_stripe: FakeStripe, name: str, object_id: str, parameters: Object, trouble: Trouble | None
    ) -> Answer:
        """The answer is as final as an answer is that is kept: refusals and failures too."""
        if trouble is not None and trouble.kind == "sticky":
            words = {"type": "api_error", "message": "Something went wrong on our end."}
            # Repeating it would repeat this.
            return Answer(500, {"error": words}, {"Stripe-Should-Retry": "false"})
        try:
            with self._lock:
                done = fake_stripe.operate(name, object_id, dict(parameters))
                return Answer(200, json.loads(json.dumps(done)))
        except Refusal as refusal:
            return Answer(refusal.status, json.loads(json.dumps(refusal.body)))

    # Events

    def event(self, kind: str, number: int = -1) -> Object:
        """One of those that were sent, the last of its kind unless another is asked for."""
        return [each for each in self.fake_stripe.events if each["type"] == kind][number]

    def sign(self, body: bytes, *, secret: str = "", timestamp: int | None = None) -> str:
        """The `Stripe-Signature` header (https://docs.stripe.com/webhooks#verify-manually)."""
        at = int(time.time()) if timestamp is None else timestamp
        words = f"{at}.".encode() + body
        return f"t={at},v1={hmac.new((secret or self.webhook_secret).encode(), words, hashlib.sha256).hexdigest()}"

    def deliver(self, event: Object, url: str = "", *, secret: str = "") -> int:
        """The status of what the site answers; 0 when it doesn't."""
        body = json.dumps(event, indent=2).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": self.sign(body, secret=secret)}
        request = urllib.request.Request(url or self.webhook_url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def deliver_new(self) -> None:
        """What the given address has not been told yet. The payment page waits for it, as the real one does."""
        with self._lock:
            new = self.fake_stripe.events[self._delivered :]
            self._delivered += len(new)
        if self.webhook_url:
            for event in new:
                self.deliver(event)

    # The pages

    def page(self, path: str, form: dict[str, list[str]] | None) -> tuple[int, str]:
        """A status, and a page or the address that is next."""
        _, place, object_id = path.split("/", 2)
        if object_id not in self.fake_stripe.objects:
            return 404, _page(
                "Something went wrong", "<p>The page you were looking for could not be found.</p>"
            )
        if place == "3ds":
            return self._bank_page(object_id, form)
        return self._pay_page(object_id, form)

    def _pay_page(self, session_id: str, form: dict[str, list[str]] | None) -> tuple[int, str]:
        complaint = ""
        if form is not None:
            card = form.get("card", [GOOD_CARD])[0].replace(" ", "")
            try:
                with self._lock:
                    url = self.fake_stripe.pay(session_id, card)
                self.deliver_new()
                return 303, url
            except Refusal as refusal:
                self.deliver_new()
                complaint = f'<p role="alert">{escape(str(refusal))}</p>'
        with self._lock:
            session = self.fake_stripe.session(session_id)
        back = f'<p><a href="{escape(session["cancel_url"] or "#")}">Back to the shop</a></p>'
        if session["status"] != "open":
            words = {"complete": "You’re all done here", "expired": "This page has expired"}
            return 200, _page(words[session["status"]], f"<p>{words[session['status']]}</p>{back}")
        asked = self.fake_stripe.objects[f"{session_id} asked"]
        if session["mode"] == "setup":
            title, what = "Save a card", "Save card"
        else:
            item = asked["line_items"][0]["price_data"]["product_data"]["name"]
            title = f"{item}: {session['amount_total']} {session['currency']}"
            what = "Pay"
        shortcuts = "".join(
            f'<form method="post"><button name="card" value="{card}">{what} {how}</button></form>'
            for card, how in (
                (DECLINED_CARD, "with a card that is declined"),
                (SECURE_CARD, "with 3-D Secure"),
                (DELAYED, "by debit"),
            )
        )
        return 200, _page(
            escape(title),
            f"""{complaint}<p>{escape(session["customer_email"] or "")}</p>
            <form method="post"><label>Card number <input name="card" value="4242 4242 4242 4242"></label>
            <button>{what}</button></form>{shortcuts}{back}""",
        )

    def _bank_page(self, intent_id: str, form: dict[str, list[str]] | None) -> tuple[int, str]:
        if form is None:
            buttons = "".join(
                f'<form method="post"><button name="answer" value="{value}">{label}</button></form>'
                for value, label in (("yes", "Complete authentication"), ("no", "Fail authentication"))
            )
            return 200, _page("Your bank", buttons)
        with self._lock:
            url = self.fake_stripe.answer_bank(intent_id, agree=form.get("answer") == ["yes"])
        self.deliver_new()
        return 303, url

    # From another process

    def control(self, name: str, arguments: Object) -> Any:
        if name == "events":
            return self.fake_stripe.events
        if name == "configure":
            self.webhook_url = arguments["webhook_url"]
            return None
        owner = (
            self
            if name in CONTROLLED["self"]
            else self.fake_stripe
            if name in CONTROLLED["fake_stripe"]
            else None
        )
        if owner is None:
            raise Refusal(f"There is no {name}", status=404)
        with self._lock:
            done = getattr(owner, name)(**arguments)
        self.deliver_new()
        return done


CONTROLLED = {
    "self": {"reset", "disturb", "calm", "deliver"},
    "fake_stripe": {
        *("pay", "answer_bank", "settle_delayed", "refund_by_hand", "move_refund", "open_dispute"),
        *("close_dispute", "save_card", "forget"),
    },
}


def _page(title: str, body: str) -> str:
    return f'<!doctype html><html lang="en"><title>{title}</title><main><h1>{title}</h1>{body}</main></html>'


class Handler(BaseHTTPRequestHandler):
    fake_server: ClassVar[FakeStripeServer]

    def do_GET(self) -> None:
        self._respond("GET", "")

    def do_POST(self) -> None:
        self._respond("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def _respond(self, method: str, body: str) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/_control/"):
            self._control(parts.path, body)
        elif re.match(r"/(pay|3ds)/", parts.path):
            form = parse_qs(body) if method == "POST" else None
            status, text = self.fake_server.page(parts.path, form)
            headers = {"Location": text} if status == 303 else {"Content-Type": "text/html; charset=utf-8"}
            self._send(status, "" if status == 303 else text, headers)
        else:
            self._api(method, parts.path, parts.query, body)

    def _api(self, method: str, path: str, query: str, body: str) -> None:
        html = next((each for each in self.fake_server.troubles if each.kind == "html"), None)
        if html is not None and html.strikes(html.operation):
            page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            self._send(502, page, {"Content-Type": "text/html", "Stripe-Should-Retry": "false"})
            return
        try:
            answer = self.fake_server.api(method, path, query, body, self.headers)
        except Vanish:
            return
        # By default the SDK is told not to wait and try again, so that tests are quick and see each answer.
        headers = {"Content-Type": "application/json", "Stripe-Should-Retry": "false", **answer.headers}
        self._send(answer.status, json.dumps(answer.body), headers)
        self.fake_server.deliver_new()

    def _control(self, path: str, body: str) -> None:
        try:
            done = self.fake_server.control(path.removeprefix("/_control/"), json.loads(body or "{}"))
            self._send(200, json.dumps(done), {"Content-Type": "application/json"})
        except Refusal as refusal:
            self._send(refusal.status, json.dumps(refusal.body), {"Content-Type": "application/json"})

    def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
        content = text.encode()
        # The other side may have stopped waiting.
        with suppress(ConnectionError):
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Nothing is printed between the tests' dots."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def start(fake_server: FakeStripeServer, port: int = 0) -> Server:
    server = Server(("127.0.0.1", port), type("Bound", (Handler,), {"fake_server": fake_server}))
    fake_server.origin = f"http://127.0.0.1:{server.server_port}"
    fake_server.reset()
    return server


@contextmanager
def serve() -> Iterator[FakeStripeServer]:
    """In this process, until the block ends; `origin` is its address."""
    fake_server = FakeStripeServer()
    server = start(fake_server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake_server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stripe_settings(server: FakeStripeServer) -> dict[str, Any]:
    """What makes the site take it for Stripe."""
    return {
        "STRIPE_SECRET_KEY": server.secret_key,
        "STRIPE_WEBHOOK_SECRETS": [server.webhook_secret],
        "STRIPE_API_BASE": server.origin,
    }


def stripe_environment(server: FakeStripeServer) -> dict[str, str]:
    """The same for a site in a process of its own."""
    return {
        "PAYMENT_GATEWAYS": "stripe,mock",
        "STRIPE_SECRET_KEY": server.secret_key,
        "STRIPE_WEBHOOK_SECRET": server.webhook_secret,
        "STRIPE_API_BASE": server.origin,
        "CHECKOUT_ORIGINS": server.origin,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--rate-of-trouble", type=float, default=0.0)
    options = parser.parse_args()
    fake_server = FakeStripeServer()
    server = start(fake_server, options.port)
    fake_server.webhook_url = options.webhook_url
    if options.rate_of_trouble:
        for kind in ("error", "lost", "slow", "conflict"):
            fake_server.disturb(kind, rate=options.rate_of_trouble / 4, seconds=0.5)
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
