"""Stalled bodies, slow readers and a provider that never answers, all at once: nobody else notices."""

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode, urlsplit

import pytest

from tests.concurrency.outage import PAYERS, arrive
from tests.payments.silent_server import silent_server
from tests.servers import start_site
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

STALLED = SLOW = 20
VISITS = 15
PAGE = "/mentors/busy/"
LARGE = "large.jpg"
CSRF = "x" * 32  # Django takes the cookie's own value for its token


@pytest.fixture
def provider():
    with silent_server() as provider:
        yield provider


@pytest.fixture(params=["sqlite and files", "postgresql and redis"])
def site(request, provider):
    environment = {
        "WEB_WORKERS": "2",
        "PAYMENT_GATEWAYS": "stripe",
        "STRIPE_SECRET_KEY": "sk_test_silent",
        "STRIPE_WEBHOOK_SECRET": "whsec_silent",
        "STRIPE_API_BASE": provider.url,
    }
    if request.param == "postgresql and redis":
        environment["DATABASE_URL"] = request.getfixturevalue("postgresql_databases")("outage")
        environment["REDIS_URL"] = request.getfixturevalue("redis_url")
    with start_site(environment) as site:
        # Larger than what systems buffer for somebody who does not read.
        (site.data_dir / "media" / LARGE).write_bytes(bytes(30_000_000))
        yield site


def connect(site):
    address = urlsplit(site.url)
    return http.client.HTTPConnection(address.hostname, address.port, timeout=20)


def ask(site, path, *, session="", form=None):
    """Status and body; whoever waits for too long is an error of its own."""
    headers = {"Cookie": f"csrftoken={CSRF}; sessionid={session}"}
    visitor = connect(site)
    if form is None:
        visitor.request("GET", path, headers=headers)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        visitor.request("POST", path, urlencode({"csrfmiddlewaretoken": CSRF, **form}), headers)
    answer = visitor.getresponse()
    body = answer.read().decode()
    visitor.close()
    return answer.status, body


def begin(site, request, buffer=None):
    line = socket.socket()
    if buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    address = urlsplit(site.url)
    line.connect((address.hostname, address.port))
    line.sendall(request.encode())
    return line


def stalled_body(site, number):
    """Half of them at an address that takes what anybody sends, half at one that looks for its form's token in it."""
    path = ("/payments/webhooks/stripe/", "/accounts/login/")[number % 2]
    return begin(
        site,
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={CSRF}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ncsrf",
    )


def slow_reader(site):
    """Has read the first byte of many, and reads no more."""
    line = begin(site, f"GET /media/{LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n", buffer=4096)
    line.settimeout(20)
    assert line.recv(1) == b"H"
    return line


@contextmanager
def slow_visitors(site):
    with ExitStack() as stack:
        for number in range(STALLED):
            stack.enter_context(stalled_body(site, number))
        for _ in range(SLOW):
            stack.enter_context(slow_reader(site))
        yield


def test_slow_visitors_and_a_provider_that_never_answers_stop_nobody_else(site, provider):
    """Those who press "Pay" are more than the threads of the web server; how long others wait is in `make bench`."""
    payers = site.call(arrive)
    with ThreadPoolExecutor(PAYERS) as crowd, slow_visitors(site):
        pressed = [crowd.submit(press_pay, site, *payer) for payer in payers]
        # Each press is answered, or waits for the provider.
        assert wait_until(lambda: sum(each.done() for each in pressed) + len(provider.heard) >= PAYERS)
        visits, health = [], []
        while len(visits) < VISITS and not all(each.done() for each in pressed):
            visits.append(ask(site, PAGE)[0])
            health.append(ask(site, "/healthz")[1])
        answers = [each.result() for each in pressed]
    assert len(visits) >= 3, "nobody else was answered while the provider was waited for"
    assert set(visits) == {200}
    assert all('"database": {"status": "ok"}' in body for body in health)
    for status, body in answers:
        assert status == 503
        assert "Held for you" in body
        assert "Try again" in body
    for path, session in payers:
        status, body = ask(site, f"{path}payment/", session=session)
        assert (status, "Held for you" in body, "Pay with Stripe" in body) == (200, True, True)


def press_pay(site, path, session):
    return ask(site, f"{path}payment/stripe/", session=session, form={})
