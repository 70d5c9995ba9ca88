"""Keys, a card's number and signatures are planted everywhere, and looked for everywhere they must not come out.

The search is worth something only while it finds a leak: words that nobody hides go the same ways, and are found.
"""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.log import AdminEmailHandler

from config.logging import JsonFormatter, PlainFormatter
from payments import services
from payments.models import Payment, Refund, WebhookEvent
from tests.broken_database import failing_statements
from tests.inside import Inside
from tests.payments import sentry_report
from tests.payments.fake_stripe_parameters import Refusal
from tests.payments.gateway_harness import SignedEvent
from tests.payments.markers import with_webhooks
from tests.payments.steps import PART

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("one_try"), with_webhooks]

CANARIES = {
    "card": "4000056655665556",
    "spaced card": "4000 0566 5566 5556",
    "stripe key": "sk_test_canary51Zq8Rt6Yx2",
    "stripe webhook secret": "whsec_canary77Uw3Pb9Nm4",
    "razorpay key": "canary90Kd5Lg1Sv8Hj",
    "razorpay webhook secret": "canary34Fr7Ce2Aq6Tz",
    "forged signature": "canaryc0ffee5ba11ad0b5",
}
FORGED = CANARIES["forged signature"]
# Looks like no secret, and is repeated wherever a secret would be if nothing kept it back.
PLAIN = "a canary that nobody hides"
KEYS = {
    "STRIPE_SECRET_KEY": CANARIES["stripe key"],
    "STRIPE_WEBHOOK_SECRETS": [CANARIES["stripe webhook secret"]],
    "RAZORPAY_KEY_SECRET": CANARIES["razorpay key"],
    "RAZORPAY_WEBHOOK_SECRETS": [CANARIES["razorpay webhook secret"]],
}
ECHO = f"You sent {PLAIN}, " + ", ".join(canary for canary in CANARIES.values() if canary != FORGED)


class Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [JsonFormatter().format(record), PlainFormatter().format(record)]


@dataclass
class Search:
    log: Log
    sentry: Inside
    pages: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    canaries: dict[str, str] = field(default_factory=lambda: dict(CANARIES))

    def places(self) -> dict[str, list[str]]:
        return {
            "log": self.log.lines,
            "page": self.pages,
            "database": database(),
            "mail": [str(each.message()) for each in mail.outbox],
            "report": self.reports,
        }

    def found(self) -> dict[tuple[str, str], str]:
        """Where what came out, and what stands around it."""
        return self._found(self.canaries)

    def reached(self) -> set[str]:
        """The places to which words come that nobody hides."""
        return {place for place, _ in self._found({"plain": PLAIN})}

    def _found(self, canaries: dict[str, str]) -> dict[tuple[str, str], str]:
        return {
            (place, name): text[max(text.index(canary) - 300, 0) : text.index(canary) + 100]
            for place, texts in self.places().items()
            for name, canary in canaries.items()
            for text in texts
            if canary in text
        }


def database() -> list[str]:
    rows = [
        f"{model.__name__} {row}"
        for model in apps.get_models(include_auto_created=True)
        for row in model._default_manager.order_by().values()
    ]
    return rows + [str(each.get_decoded()) for each in Session.objects.all()]


@pytest.fixture(scope="module")
def sentry() -> Iterator[Inside]:
    """A process that reports to Sentry."""
    with closing(Inside(os.environ)) as process:
        yield process


@pytest.fixture
def search(settings, sentry):
    """Every logger says all that it has to say, and errors are mailed too."""
    settings.ADMINS = [("Ada Admin", "ada@example.com")]
    log, mails = Log(), AdminEmailHandler()
    mails.setLevel(logging.ERROR)
    root = logging.getLogger()
    noisy = (
        "stripe",
        "urllib3",
        "requests",
        "razorpay",
        "django",
        "django.request",
        "django.template",
        "payments",
        "config",
    )
    levels = {name: logging.getLogger(name).level for name in noisy} | {"": root.level}
    for handler in (log, mails):
        root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger("django.template").setLevel(
        logging.INFO
    )  # it tells of each name that a page does not have
    yield Search(log, sentry)
    for handler in (log, mails):
        root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def planted(harness, settings):
    """The harness, with keys that are easily recognised, and with a provider that repeats what it must not."""
    if harness.name == "stripe":
        harness.server.secret_key = CANARIES["stripe key"]
        harness.server.webhook_secret = CANARIES["stripe webhook secret"]
    else:
        harness.fake_razorpay.key_secret = CANARIES["razorpay key"]
        harness.fake_razorpay.webhook_secret = CANARIES["razorpay webhook secret"]
    # A provider can only repeat what we have sent it: with the one provider's keys, the other's are set as well.
    for name, value in KEYS.items():
        setattr(settings, name, value)
    return harness


def echo(harness, status: int, said: str = ECHO) -> None:
    """The next call fails, and its answer repeats what should be kept secret."""
    if harness.name == "razorpay":
        harness.server.echo = said
        for method in ("GET", "POST"):
            harness.server.fail(method, ".*", str(status))
    else:
        harness.server.disturb("refusal", refusal=Refusal(said, status=status))


def with_everything(harness, signed_event: SignedEvent, note: str = "") -> SignedEvent:
    """The same event, rightly signed, in which somebody has written down what nobody should."""
    event = json.loads(signed_event.body)
    secrets = {"number": CANARIES["card"], "key": CANARIES["razorpay key"], "note": ECHO}
    if harness.name == "stripe":
        subjects = [event["data"]["object"]]
    else:
        subjects = [each["entity"] for each in event["payload"].values()]
    for subject in subjects:
        subject |= {
            "card": secrets,
            "description": ECHO,
            "error_description": ECHO,
            "source": {"card": secrets},
        }
        subject["metadata" if harness.name == "stripe" else "notes"] |= {
            "card": CANARIES["card"],
            "said": ECHO,
            "reason": note,
        }
    body = json.dumps(event | secrets).encode()
    return SignedEvent(signed_event.type, body, signed_event.headers | harness.sign(body).headers)


def post(search: Search, harness, signed_event: SignedEvent) -> int:
    """Delivered; what it was signed with is looked for as well."""
    for name, value in signed_event.headers.items():
        if name.endswith("Signature"):
            search.canaries[f"signature {len(search.canaries)}"] = value.rpartition("v1=")[2]
    answer = Client(raise_request_exception=False).post(
        reverse(f"webhook_{harness.name}"),
        signed_event.body,
        "application/json",
        headers=signed_event.headers,
    )
    search.pages += [answer.content.decode(), str(answer.headers)]
    return answer.status_code


def look(search: Search, client: Client, *addresses: str) -> None:
    for address in addresses:
        answer = client.get(address, follow=True)
        search.pages += [answer.content.decode(), str(answer.headers)]


def run(search: Search, harness, booking, student, staff, *, said: str = ECHO, note: str = "") -> None:
    """All that may go wrong with one session, and everybody looks at everything.

    A provider's errors say what is `said`; `note` stands in an event where we write a refund's reason.
    """
    payer, support = Client(raise_request_exception=False), Client(raise_request_exception=False)
    payer.force_login(student)
    support.force_login(staff)
    own = booking.get_absolute_url()
    for status in (400, 401, 500):
        echo(harness, status, said)
        answer = harness.press(payer, booking)
        search.pages += [answer.content.decode(), str(answer.headers)]
        harness.recover()
    payment = harness.open(booking)
    harness.decline(payment.provider_ref)
    declined(harness, payment, said)
    services.settle(payment.pk, source="test", now=timezone.now())
    look(search, payer, own, own + "payment/", own + "payment/failed/")
    harness.pay(payment.provider_ref)
    signed_event = with_everything(harness, harness.paid_event(), note)
    forged = dict.fromkeys(signed_event.headers, FORGED)
    assert post(search, harness, SignedEvent("", signed_event.body, forged)) == 400
    assert (
        post(
            search,
            harness,
            SignedEvent("", signed_event.body, {**forged, "Stripe-Signature": f"t=1,v1={ECHO}"}),
        )
        == 400
    )
    echo(harness, 400, said)
    assert post(search, harness, signed_event) == 200
    harness.recover()
    services.sweep(timezone.now() + services.webhooks.BACKOFF[0])
    payment.refresh_from_db()
    assert payment.status == "succeeded"
    refund(harness, payment, staff, said)
    look(
        search,
        payer,
        own,
        own + "confirmation/",
        own + "receipt/",
        "/payments/",
        "/my-sessions/",
        "/nowhere/",
    )
    look(search, support, *admin_pages())


def declined(harness, payment, said: str) -> None:
    """The bank's reason, with a card's number in it."""
    if harness.name == "stripe":
        intent = harness.fake_stripe.session(payment.provider_ref)["payment_intent"]
        harness.fake_stripe.objects[intent]["last_payment_error"]["message"] = said
    else:
        harness.try_of(payment.provider_ref)["error_description"] = said


def refund(harness, payment, staff, said: str) -> None:
    """Refused by the provider, in so many words."""
    made = services.refund_by_staff(
        payment.pk, amount_minor=PART, seen_refunds=0, actor=staff, note="Sorry.", now=timezone.now()
    )
    echo(harness, 400, said)
    services.send_refund(made.pk, now=timezone.now())
    harness.recover()


def admin_pages() -> list[str]:
    pages = []
    for model in (Payment, Refund, WebhookEvent):
        name = f"admin:payments_{model._meta.model_name}"
        pages += [reverse(f"{name}_changelist")]
        pages += [
            reverse(f"{name}_change", args=[pk]) for pk in model._default_manager.values_list("pk", flat=True)
        ]
    return pages


def broken(words: str = f"The database is away. {PLAIN}"):
    """Within, no event can be stored."""
    return failing_statements("payments_webhookevent", RuntimeError(words))


def report(search: Search, harness, signed_event: SignedEvent, *, without: Sequence[str] = ()) -> None:
    """What Sentry is sent when this signed_event meets a webhook that breaks in so many words."""
    reports = search.sentry.call(
        sentry_report.report,
        reverse(f"webhook_{harness.name}"),
        signed_event.body.decode(),
        signed_event.headers,
        words=f"The webhook is broken. {ECHO}",
        keys=KEYS,
        without=without,
    )
    assert "The webhook is broken." in "".join(reports)
    search.reports += reports


def test_nothing_secret_comes_out_anywhere(search, planted, booking, student, staff):
    run(search, planted, booking, student, staff)
    signed_event = with_everything(planted, planted.paid_event())
    with broken():
        assert post(search, planted, signed_event) == 500
    report(search, planted, signed_event)
    places = search.places()
    assert all(places.values()), {name: len(texts) for name, texts in places.items()}
    assert search.found() == {}
    assert search.reached() == places.keys()


def test_errors_that_repeat_a_secret_would_be_found(search, planted, booking, student, staff):
    """Where nothing recognises it: with a wrong check digit it is no card's number."""
    misspelt = CANARIES["card"][:-1] + "0"
    search.canaries = {"misspelt": misspelt}
    run(search, planted, booking, student, staff, said=f"You sent {misspelt}")
    assert {("log", "misspelt"), ("page", "misspelt"), ("database", "misspelt")} <= search.found().keys()


def test_bodies_that_are_kept_whole_would_be_found(search, planted, booking, student, staff):
    """Our own reference is kept of an event as it stands there."""
    run(search, planted, booking, student, staff, note=CANARIES["card"])
    assert {("database", "card"), ("page", "card")} <= search.found().keys()


def test_signature_in_a_log_would_be_found(search, planted, booking):
    """A request's own id is repeated as it came."""
    planted.pay(planted.open(booking).provider_ref)
    signed_event = planted.paid_event()
    headers = {**dict.fromkeys(signed_event.headers, FORGED), "X-Request-ID": FORGED}
    assert post(search, planted, SignedEvent("", signed_event.body, headers)) == 400
    assert ("log", "forged signature") in search.found()


def test_secret_in_a_crash_would_be_found(search, planted, booking):
    """The mails to the site's owner repeat an error as it is."""
    payment = planted.open(booking)
    planted.pay(payment.provider_ref)
    with broken(ECHO):
        assert post(search, planted, with_everything(planted, planted.paid_event())) == 500
    assert {("mail", "stripe key"), ("mail", "card")} <= search.found().keys()
    assert {"log", "mail"} <= search.reached()


@pytest.mark.parametrize("without", [["before_send"], ["before_send", "event_scrubber"]])
def test_secret_in_a_report_would_be_found(search, planted, booking, without):
    payment = planted.open(booking)
    planted.pay(payment.provider_ref)
    signed_event = planted.paid_event()
    post(search, planted, signed_event)
    report(search, planted, signed_event, without=without)
    signatures = {name for name in search.canaries if name.startswith("signature")}
    words = CANARIES.keys() - {"forged signature"}
    leaked = words | signatures if "event_scrubber" in without else words
    assert set(search.found()) == {("report", name) for name in leaked}
