"""Razorpay over HTTP, on this machine: the API that the SDK talks to, the widget, and the hosted page.

`fake_razorpay` knows and does; here is the rest of the protocol, and what can go wrong on the way.
`python -m tests.payments.fake_razorpay_server PORT` runs one for browsers and other processes; `Remote` speaks to it.
"""

import base64
import html
import json
import random
import re
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.payments.fake_razorpay import (
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    FakeRazorpay,
    Json,
    Refused,
    found,
    page,
)


class Lost(Exception):
    """No answer comes."""


@dataclass
class Fault:
    """`how` is a status, "gateway" (the bank's fault), "html", "garbled", "lost" (done, but not told) or "timeout"."""

    method: str
    path: str
    how: str
    times: int = 1


@dataclass
class Request:
    method: str
    path: str
    data: Json
    key: str


class FakeRazorpayServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self._calmed = threading.Event()
        self.reset()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def reset(self) -> None:
        """As it was when it started: a merchant without a payment, and no troubles."""
        self.fake_razorpay = FakeRazorpay()
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.echo = ""  # what every error says besides
        self.unrest = 0.0  # the share of API calls that fail or come late
        self.timeout_seconds = 60.0  # how long a call that times out is kept waiting, unless `calm` ends it
        self.dice = random.Random(0)
        self.calm()

    def calm(self) -> None:
        """No more faults; who is kept waiting goes on."""
        self.faults.clear()
        self._calmed.set()
        self._calmed = threading.Event()

    def fail(self, method: str, path: str, how: str, times: int = 1) -> None:
        self.faults.append(Fault(method, path, how, times))

    def disturb(self, share: float, seed: int = 0) -> None:
        self.unrest, self.dice = share, random.Random(seed)

    def wait(self, seconds: float) -> None:
        """So long, or until `calm`."""
        self._calmed.wait(seconds)

    def fault(self, method: str, path: str) -> str:
        for each in self.faults:
            if each.times and each.method == method and re.fullmatch(each.path, path):
                each.times -= 1
                return each.how
        if self.unrest and self.dice.random() < self.unrest:
            return self.dice.choice(["500", "429", "lost", "html", "late"])
        return ""


# Method, path, and what to call; a path's groups come first, then the query or the body.
ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("POST", r"/v1/orders", lambda account, data, key: account.create_order(data)),
    ("GET", r"/v1/orders", lambda account, data, key: account.list_orders(data)),
    ("GET", r"/v1/orders/([^/]+)", lambda account, id_, data, key: found(account.orders, id_)),
    ("GET", r"/v1/orders/([^/]+)/payments", lambda account, id_, data, key: account.payments_of(id_)),
    ("GET", r"/v1/payments", lambda account, data, key: page(list(account.payments.values()), data)),
    ("GET", r"/v1/payments/([^/]+)", lambda account, id_, data, key: found(account.payments, id_)),
    ("POST", r"/v1/payments/([^/]+)/capture", lambda account, id_, data, key: account.capture(id_, data)),
    ("POST", r"/v1/payments/([^/]+)/refund", lambda account, id_, data, key: account.refund(id_, data, key)),
    ("GET", r"/v1/payments/([^/]+)/refunds", lambda account, id_, data, key: account.refunds_of(id_, data)),
    (
        "GET",
        r"/v1/payments/([^/]+)/refunds/([^/]+)",
        lambda account, id_, refund_id, data, key: account.refund_of(id_, refund_id),
    ),
    ("GET", r"/v1/refunds/([^/]+)", lambda account, id_, data, key: found(account.refunds, id_)),
    ("GET", r"/v1/disputes", lambda account, data, key: page(list(account.disputes.values()), data)),
]
# What another process may ask of the account, besides the API.
CONTROLS = {
    *("pay", "decline", "begin", "authorize", "give_back_uncaptured", "end_refund", "dispute", "end_dispute"),
    *(
        "returned",
        "headers",
        "deliver",
        "configure",
        "list_events",
        "refund",
        "list_orders",
        "payments_of",
        "settle_directly",
    ),
}


class Handler(BaseHTTPRequestHandler):
    server: FakeRazorpayServer
    protocol_version = "HTTP/1.1"
    # A connection is kept: the body of one answer would wait 40 ms for the other side to have its headers.
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if parts.path.startswith("/control/"):
                self._control(parts.path.removeprefix("/control/"), json.loads(body or b"{}"))
            elif parts.path.startswith("/v1/checkout"):
                form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
                self._checkout(method, parts.path, query | form)
            else:
                self._api(method, parts.path, query, body)
        except Refused as refusal:
            self._error(refusal.status, refusal.description, refusal.field)
        except Lost:
            self.close_connection = True

    def _api(self, method: str, path: str, query: Json, body: bytes) -> None:
        key = self.headers.get("X-Refund-Idempotency", "")
        how = self.server.fault(method, path)
        self._trouble_before(how)
        account = self.server.fake_razorpay
        # api/authentication/
        pair = base64.b64encode(f"{account.key_id}:{account.key_secret}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {pair}":
            raise Refused("Authentication failed", status=401)
        data = json.loads(body) if method == "POST" else query
        self.server.requests.append(Request(method, path, dict(data), key))
        for known, pattern, call in ROUTES:
            if known == method and (match := re.fullmatch(pattern, path)):
                with account.lock:
                    answer = json.loads(json.dumps(call(account, *match.groups(), data, key)))
                if how == "lost":
                    raise Lost
                return self._json(200, answer)
        raise Refused("The requested URL was not found on the server.", status=404)

    def _trouble_before(self, how: str) -> None:
        if how.isdigit():
            code = "SERVER_ERROR" if int(how) >= 500 else "BAD_REQUEST_ERROR"
            self._error(int(how), "We are facing some trouble completing your request", code=code)
            raise Lost
        if how == "gateway":
            self._error(400, "The bank did not answer", code="GATEWAY_ERROR")
            raise Lost
        if how in ("html", "garbled"):
            self._send(502 if how == "html" else 200, "text/html", "<h1>502 Bad Gateway</h1>")
            raise Lost
        if how == "timeout":
            self.server.wait(self.server.timeout_seconds)
            raise Lost
        if how == "late":
            self.server.wait(self.server.dice.uniform(0.05, 0.3))

    def _checkout(self, method: str, path: str, data: Json) -> None:
        account = self.server.fake_razorpay
        if path == "/v1/checkout.js":
            return self._send(200, "text/javascript", CHECKOUT_JS)
        if data.get("key_id") != account.key_id:
            raise Refused("The api key provided is invalid", status=401)
        order = found(account.orders, data.get("order_id", ""))
        amount = f"{order['amount']} {order['currency']}"
        if path == "/v1/checkout/public":
            return self._send(200, "text/html", WIDGET.replace("{amount}", amount))
        if path == "/v1/checkout/attempt":
            return self._json(200, self._attempt(data["order_id"], data["outcome"]))
        if path != "/v1/checkout/embedded" or method != "POST":
            raise Refused("The requested URL was not found on the server.", status=404)
        # payments/payment-gateway/web-integration/hosted/integration-steps/
        if missing := [name for name in ("name", "amount", "currency", "callback_url") if name not in data]:
            raise Refused(f"The {missing[0]} field is required.", missing[0])
        if "outcome" in data:
            fields = self._attempt(data["order_id"], data["outcome"])
            return self._send(200, "text/html", HOSTED_END.format(form(data["callback_url"], fields)))
        return self._send(
            200,
            "text/html",
            HOSTED.format(amount, form("", data), html.escape(data.get("cancel_url", ""), quote=True)),
        )

    def _attempt(self, order_id: str, outcome: str) -> dict[str, str]:
        """What a page is told in the end; the names of a failure are those of a posted form."""
        account = self.server.fake_razorpay
        with account.lock:
            payment = account.pay(order_id) if outcome == "pay" else account.decline(order_id)
            if payment and outcome == "pay":
                return account.returned(payment["id"])
        words = payment["error_description"] if payment else "The order is already paid."
        return {"error[code]": "BAD_REQUEST_ERROR", "error[description]": words}

    def _control(self, name: str, data: Json) -> None:
        if name in ("reset", "fail", "disturb"):
            return self._json(200, getattr(self.server, name)(**data))
        if name not in CONTROLS:
            raise Refused("The requested URL was not found on the server.", status=404)
        with self.server.fake_razorpay.lock:
            answer = getattr(self.server.fake_razorpay, name)(**data)
        return self._json(200, answer)

    def _error(
        self, status: int, description: str, field: str | None = None, code: str = "BAD_REQUEST_ERROR"
    ) -> None:
        self._json(status, error(f"{self.server.echo} {description}".strip(), field, code))

    def _json(self, status: int, answer: Any) -> None:
        self._send(status, "application/json", json.dumps(answer))

    def _send(self, status: int, type_: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{type_}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def error(description: str, field: str | None = None, code: str = "BAD_REQUEST_ERROR") -> Json:
    return {
        "error": {
            "code": code,
            "description": description,
            "source": "business",
            "step": "payment_initiation",
            "reason": "input_validation_failed",
            "metadata": {},
            "field": field,
        }
    }


def form(action: str, fields: Json) -> str:
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(str(value), quote=True)}">'
        for name, value in fields.items()
    )
    where = f' action="{html.escape(action, quote=True)}"' if action else ""
    return f'<form method="post"{where}>{inputs}'


CHECKOUT_JS = """
(() => {
  const home = new URL(document.currentScript.src).origin;
  window.Razorpay = class {
    constructor(options) {
      if (!options.key || !options.order_id) throw new Error("key and order_id are mandatory");
      this.options = options;
      this.hearers = {};
    }
    on(name, hear) { this.hearers[name] = hear; }
    open() {
      this.frame = document.createElement("iframe");
      this.frame.title = "Razorpay Checkout";
      const look = { position: "fixed", top: 0, left: 0, width: "100%", height: "100%", border: 0, zIndex: 2147483647 };
      Object.assign(this.frame.style, look, { background: "rgba(0, 0, 0, 0.6)" });
      const told = { key_id: this.options.key, order_id: this.options.order_id, ...this.options.prefill };
      this.frame.src = `${home}/v1/checkout/public?${new URLSearchParams(told)}`;
      this.listen = (event) => { if (event.origin === home) this.hear(event.data); };
      addEventListener("message", this.listen);
      const end = () => this.hear({ dismissed: true });
      if (this.options.timeout) this.timer = setTimeout(end, this.options.timeout * 1000);
      document.body.append(this.frame);
    }
    close() {
      clearTimeout(this.timer);
      removeEventListener("message", this.listen);
      this.frame?.remove();
    }
    hear(told) {
      if (told.razorpay_payment_id) { this.close(); this.options.handler(told); }
      else if (told.dismissed) { this.close(); this.options.modal?.ondismiss?.(); }
      else this.hearers["payment.failed"]?.({ error: { description: told["error[description]"] } });
    }
  };
})();
"""
WIDGET = """<!doctype html><html lang="en"><title>Razorpay Checkout</title>
<main><h1>Pay {amount}</h1><p role="status"></p>
<button data-outcome="pay">Pay</button><button data-outcome="decline">Decline</button><button>Close</button></main>
<script>
  document.addEventListener("click", async ({ target }) => {
    if (!target.matches("button")) return;
    if (!target.dataset.outcome) return parent.postMessage({ dismissed: true }, "*");
    const data = new URLSearchParams(location.search);
    data.set("outcome", target.dataset.outcome);
    const told = await (await fetch("/v1/checkout/attempt", { method: "POST", body: data })).json();
    document.querySelector("[role=status]").textContent = told["error[description]"] ?? "";
    parent.postMessage(told, "*");
  });
</script></html>"""
HOSTED = """<!doctype html><html lang="en"><title>Razorpay</title><h1>Pay {}</h1>{}
<button name="outcome" value="pay">Pay</button><button name="outcome" value="decline">Decline</button></form>
<a href="{}">Cancel</a></html>"""
HOSTED_END = """<!doctype html><html lang="en"><title>Razorpay</title>{}<button>Back to the shop</button></form>
<script>document.forms[0].submit()</script></html>"""


@contextmanager
def serve() -> Iterator[FakeRazorpayServer]:
    """In this process, until the block ends; `url` is its address."""
    server = FakeRazorpayServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def razorpay_settings(server: FakeRazorpayServer) -> dict[str, Any]:
    """What leads the site to it."""
    return {
        "RAZORPAY_KEY_ID": KEY_ID,
        "RAZORPAY_KEY_SECRET": KEY_SECRET,
        "RAZORPAY_WEBHOOK_SECRETS": [WEBHOOK_SECRET],
        "RAZORPAY_API_BASE": server.url,
        "RAZORPAY_CHECKOUT_JS": f"{server.url}/v1/checkout.js",
    }


def razorpay_environment(server: FakeRazorpayServer) -> dict[str, str]:
    """The same for a site in a process of its own."""
    settings = {name: str(value) for name, value in razorpay_settings(server).items()}
    del settings["RAZORPAY_WEBHOOK_SECRETS"]
    return {"PAYMENT_GATEWAYS": "razorpay", "RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET, **settings}


class Remote:
    """The account at a server in another process: `Remote(url).pay(order_id=…)`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(**data: Any) -> Any:
            request = urllib.request.Request(f"{self.url}/control/{name}", json.dumps(data).encode())
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)

        return ask


if __name__ == "__main__":
    with FakeRazorpayServer(int(sys.argv[1])) as server:
        server.serve_forever()
