"""The fake Stripe is as strict as the real one: else the tests that lean on it would prove nothing."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
import stripe as sdk

from tests.factories import NOW
from tests.payments.fake_stripe import DECLINED_CARD, SECURE_CARD
from tests.payments.fake_stripe_parameters import API_VERSION
from tests.payments.fake_stripe_server import SECRET_KEY, WEBHOOK_SECRET, FakeStripeServer
from tests.servers import BASE_DIR, free_port, listens
from tests.waiting import wait_until

SESSION = {
    "mode": "payment",
    "success_url": "https://a.example/?id={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://a.example/cancel",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {"currency": "usd", "unit_amount": 7_875, "product_data": {"name": "An hour"}},
        }
    ],
}


def client_of(server, key=SECRET_KEY, version=None) -> sdk.StripeClient:
    return sdk.StripeClient(key, base_addresses={"api": server.origin}, stripe_version=version)


@pytest.fixture
def api(stripe_server):
    return client_of(stripe_server).v1


def create(api, changes=None, key=None):
    options = {"idempotency_key": key} if key else {}
    return api.checkout.sessions.create({**SESSION, **(changes or {})}, options)


def with_price(**changes):
    price = {**SESSION["line_items"][0]["price_data"], **changes}
    return {"line_items": [{"quantity": 1, "price_data": price}]}


def test_key_and_version_are_looked_at(stripe_server):
    with pytest.raises(sdk.AuthenticationError):
        create(client_of(stripe_server, "sk_test_other").v1)
    with pytest.raises(sdk.InvalidRequestError, match="version"):
        create(client_of(stripe_server, version="2020-08-27").v1)


def test_address_that_stripe_does_not_have_is_not_found(api, stripe_server):
    with pytest.raises(sdk.InvalidRequestError, match="Unrecognized request URL"):
        api.invoices.list()


BAD = {
    "unknown": ({"colour": "red"}, "colour", "parameter_unknown"),
    "unknown inside": (with_price(colour="red"), "line_items[0][price_data][colour]", "parameter_unknown"),
    "removed": ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
    "missing": ({"line_items": []}, "line_items", "parameter_missing"),
    "missing inside": (with_price(product_data={}), "line_items[0][price_data]", ""),
    "not a number": (with_price(unit_amount="much"), "", "parameter_invalid_integer"),
    "a fraction": (with_price(unit_amount=78.75), "", "parameter_invalid_integer"),
    "negative": (with_price(unit_amount=-1), "line_items[0][price_data][unit_amount]", ""),
    "too little": (with_price(unit_amount=49), "line_items[0][price_data][unit_amount]", "amount_too_small"),
    "upper case": (with_price(currency="USD"), "currency", ""),
    "no boolean": ({"adaptive_pricing": {"enabled": "perhaps"}}, "adaptive_pricing[enabled]", ""),
    "not one of": ({"ui_mode": "hosted"}, "ui_mode", ""),
    "too long": ({"client_reference_id": "x" * 201}, "client_reference_id", ""),
    "empty": ({"client_reference_id": ""}, "client_reference_id", "parameter_invalid_empty"),
    "metadata too long": ({"metadata": {"a": "x" * 501}}, "metadata[a]", ""),
    "too many metadata": ({"metadata": {str(n): "x" for n in range(51)}}, "metadata", ""),
    "no address": ({"success_url": "somewhere"}, "success_url", "url_invalid"),
    "no e-mail address": ({"customer_email": "me"}, "customer_email", "email_invalid"),
    "no customer": ({"customer": "cus_1"}, "customer", "resource_missing"),
    "two payers": ({"customer": "cus_1", "customer_email": "a@example.com"}, "", ""),
    "too soon": ({"expires_at": int(NOW.timestamp()) + 60}, "expires_at", ""),
    "too late": ({"expires_at": int(NOW.timestamp()) + 10**6}, "expires_at", ""),
    "selling in setup": ({"mode": "setup"}, "line_items", ""),
    "unexpandable": ({"expand": ["url"]}, "expand", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_request_that_stripe_would_refuse_is_refused(api, case):
    changes, param, code = BAD[case]
    with pytest.raises(sdk.InvalidRequestError) as caught:
        create(api, changes)
    assert caught.value.http_status == 400
    if param:
        assert (caught.value.param or "").startswith(param) or case == "missing inside"
    if code:
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("currency", "amount", "passes"), [("kwd", 1_230, 1), ("kwd", 1_235, 0), ("isk", 5, 0)]
)
def test_amounts_are_held_to_their_currencys_digits(api, currency, amount, passes):
    changes = with_price(currency=currency, unit_amount=amount)
    if passes:
        assert create(api, changes).amount_total == amount
    else:
        with pytest.raises(sdk.InvalidRequestError):
            create(api, changes)


def test_answer_has_every_field_that_stripes_has(api):
    session = create(api).to_dict()
    assert len(session) == 69
    assert (session["status"], session["payment_status"], session["livemode"]) == ("open", "unpaid", False)


def test_same_key_repeats_the_answer(api, stripe_server):
    first = create(api, key="a")
    again = create(api, key="a")
    assert (again.id, again.last_response.headers["Idempotent-Replayed"]) == (first.id, "true")
    assert create(api, key="b").id != first.id


def test_same_key_repeats_a_failure_and_a_refusal_too(api, stripe_server):
    stripe_server.disturb("sticky")
    for replayed in (None, "true"):
        with pytest.raises(sdk.APIError) as caught:
            create(api, key="a")
        assert caught.value.headers.get("Idempotent-Replayed") == replayed
    refund = {"payment_intent": "pi_1"}
    for replayed in (None, "true"):
        with pytest.raises(sdk.InvalidRequestError) as refused:
            api.refunds.create(refund, {"idempotency_key": "b"})
        assert refused.value.headers.get("Idempotent-Replayed") == replayed


def test_same_key_with_another_request_is_refused(api):
    create(api, key="a")
    with pytest.raises(sdk.IdempotencyError):
        create(api, {"client_reference_id": "other"}, key="a")
    with pytest.raises(sdk.IdempotencyError):
        api.customers.create({}, {"idempotency_key": "a"})


def test_request_that_was_not_understood_spends_no_key(api):
    with pytest.raises(sdk.InvalidRequestError):
        create(api, {"colour": "red"}, key="a")
    create(api, key="a")


def test_same_key_at_the_same_moment_conflicts(api, stripe_server):
    stripe_server.disturb("slow", seconds=60)
    other = threading.Thread(target=create, args=(api,), kwargs={"key": "a"})
    other.start()
    assert wait_until(lambda: stripe_server.is_busy)
    with pytest.raises(sdk.APIError) as caught:
        create(api, key="a")
    stripe_server.calm()
    other.join()
    assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
    assert len(stripe_server.fake_stripe.sessions()) == 1


def test_list_is_read_page_by_page(api):
    made = [create(api).id for _ in range(5)][::-1]
    page = api.checkout.sessions.list({"limit": 2})
    assert ([each.id for each in page.data], page.has_more) == (made[:2], True)
    assert [each.id for each in page.auto_paging_iter()] == made
    for limit in (0, 101):
        with pytest.raises(sdk.InvalidRequestError):
            api.checkout.sessions.list({"limit": limit})


def test_too_much_is_not_refunded(api, stripe_server):
    session = create(api)
    stripe_server.fake_stripe.pay(session.id)
    intent = api.checkout.sessions.retrieve(session.id).payment_intent
    for amount in (0, -1, 7_876):
        with pytest.raises(sdk.InvalidRequestError):
            api.refunds.create({"payment_intent": intent, "amount": amount})
    api.refunds.create({"payment_intent": intent})
    with pytest.raises(sdk.InvalidRequestError) as caught:
        api.refunds.create({"payment_intent": intent, "amount": 1})
    assert caught.value.code == "charge_already_refunded"


# Pages


def press(address, **form):
    return requests.post(address, form, allow_redirects=False, timeout=30)


def test_page_takes_the_payment_and_leads_back(api):
    session = create(api)
    page = requests.get(session.url, timeout=30)
    assert "An hour: 7875 usd" in page.text
    assert 'href="https://a.example/cancel"' in page.text
    done = press(session.url, card="4242 4242 4242 4242")
    assert (done.status_code, done.headers["Location"]) == (303, f"https://a.example/?id={session.id}")
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert "all done" in requests.get(session.url, timeout=30).text


def test_page_says_that_a_card_is_declined_and_takes_another(api):
    session = create(api)
    page = press(session.url, card=DECLINED_CARD)
    assert (page.status_code, "Your card was declined." in page.text) == (200, True)
    assert press(session.url, card="4242424242424242").status_code == 303


@pytest.mark.parametrize(("answer", "status"), [("yes", "paid"), ("no", "unpaid")])
def test_page_leads_by_way_of_the_bank(api, answer, status):
    session = create(api)
    bank = press(session.url, card=SECURE_CARD).headers["Location"]
    assert "Complete authentication" in requests.get(bank, timeout=30).text
    press(bank, answer=answer)
    assert api.checkout.sessions.retrieve(session.id).payment_status == status


def test_page_of_a_closed_session_says_so(api):
    session = create(api)
    api.checkout.sessions.expire(session.id)
    assert "expired" in requests.get(session.url, timeout=30).text
    assert press(session.url, card="4242424242424242").status_code == 200
    assert requests.get(f"{session.url}x", timeout=30).status_code == 404


# Events


class Listener(BaseHTTPRequestHandler):
    heard: list[tuple[bytes, str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def listener(stripe_server):
    """Where the site's webhook would be; what it has heard."""
    server = HTTPServer(("127.0.0.1", 0), type("Bound", (Listener,), {"heard": (heard := [])}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    stripe_server.webhook_url = f"http://127.0.0.1:{server.server_port}/"
    yield heard
    server.shutdown()
    server.server_close()


def test_events_are_signed_as_stripe_signs_them(api, listener):
    press(create(api).url, card="4242424242424242")
    events = [sdk.Webhook.construct_event(body, header, WEBHOOK_SECRET) for body, header in listener]
    assert [event.type for event in events] == ["payment_intent.succeeded", "checkout.session.completed"]
    assert {event.api_version for event in events} == {API_VERSION}


def test_event_can_be_sent_again_and_is_the_same(api, stripe_server, listener):
    session = create(api)
    stripe_server.fake_stripe.pay(session.id)
    event = stripe_server.event("checkout.session.completed")
    assert stripe_server.deliver(event) == stripe_server.deliver(event) == 200
    # What the listener was told beside by the server itself is of other events, or is this one again.
    told = [body for body, _ in listener if json.loads(body)["id"] == event["id"]]
    assert len(told) >= 2
    assert len(set(told)) == 1
    assert stripe_server.deliver(event, f"http://127.0.0.1:{free_port()}/") == 0


# As a program


def test_server_runs_as_a_program_and_is_told_what_to_do():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.payments.fake_stripe_server", str(port)],
        cwd=BASE_DIR,
        env=dict(os.environ),
    )
    try:
        outside = FakeStripeServer()
        outside.origin = f"http://127.0.0.1:{port}"
        api = client_of(outside).v1
        assert wait_until(lambda: listens(port))
        session = create(api)
        control(outside, "pay", session_id=session.id)
        assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"
        kinds = [event["type"] for event in control(outside, "events")]
        assert kinds == ["payment_intent.succeeded", "checkout.session.completed"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            control(outside, "__init__")
        refused.value.close()
    finally:
        process.terminate()
        process.wait()


def control(server, name, **arguments):
    body = json.dumps(arguments).encode()
    with urllib.request.urlopen(f"{server.origin}/_control/{name}", body) as response:
        return json.loads(response.read())
