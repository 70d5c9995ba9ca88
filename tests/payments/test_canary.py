"""Keys, a card's number and signatures are planted everywhere, and looked for everywhere they must not come out.

The search is worth something only while it finds a leak: each test of a leak switches one on.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
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
from payments.gateways.base import InvalidSignature
from payments.models import Payment, Refund, WebhookEvent
from payments.services import webhooks
from tests.payments import razorpay_stand_in
from tests.payments.stripe_parameters import Refusal
from tests.payments.test_cases import PART, booked_letter, writing
from tests.payments.worlds import Letter
from tests.servers import BASE_DIR

pytestmark = [pytest.mark.django_db, writing]

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
KEYS = {
    "STRIPE_SECRET_KEY": CANARIES["stripe key"],
    "STRIPE_WEBHOOK_SECRETS": [CANARIES["stripe webhook secret"]],
    "RAZORPAY_KEY_SECRET": CANARIES["razorpay key"],
    "RAZORPAY_WEBHOOK_SECRETS": [CANARIES["razorpay webhook secret"]],
}
ECHO = "You sent " + ", ".join(canary for canary in CANARIES.values() if canary != FORGED)


class Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [JsonFormatter().format(record), PlainFormatter().format(record)]


@dataclass
class Search:
    log: Log
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
        return {
            (place, name): text[max(text.index(canary) - 300, 0) : text.index(canary) + 100]
            for place, texts in self.places().items()
            for name, canary in self.canaries.items()
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


@pytest.fixture(autouse=True)
def impatient(settings):
    settings.PROVIDER_RETRIES = 0


@pytest.fixture
def search(settings, monkeypatch):
    """Every logger says all that it has to say, and errors are mailed too."""
    settings.ADMINS = [("Ada Admin", "ada@example.com")]
    log, mails = Log(), AdminEmailHandler()
    mails.setLevel(logging.ERROR)
    root = logging.getLogger()
    noisy = ("stripe", "urllib3", "requests", "razorpay", "django", "django.request", "payments", "config")
    levels = {name: logging.getLogger(name).level for name in noisy} | {"": root.level}
    for handler in (log, mails):
        root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield Search(log)
    for handler in (log, mails):
        root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def planted(world, settings, monkeypatch):
    """The world, with keys that are easily recognised, and with a provider that repeats what it must not."""
    if world.name == "stripe":
        world.stand_in.secret_key = CANARIES["stripe key"]
        world.stand_in.webhook_secret = CANARIES["stripe webhook secret"]
    else:
        world.account.key_secret = CANARIES["razorpay key"]
        world.account.webhook_secret = CANARIES["razorpay webhook secret"]
    # A provider can only repeat what we have sent it: with the one provider's keys, the other's are set as well.
    for name, value in KEYS.items():
        setattr(settings, name, value)
    plain = razorpay_stand_in.error
    monkeypatch.setattr(
        razorpay_stand_in, "error", lambda words, *more, **named: plain(f"{ECHO} {words}", *more, **named)
    )
    return world


def echo(world, status: int) -> None:
    """The next call fails, and its answer repeats all that should be kept secret."""
    if world.name == "razorpay":
        world.stand_in.fail("GET", ".*", str(status))
        world.stand_in.fail("POST", ".*", str(status))
        return

    def refuse(trouble):
        kind = "card_error" if status == 402 else "invalid_request_error"
        raise Refusal(ECHO, status=status, kind=kind, code="card_declined" if status == 402 else "")

    world.stand_in._happen = refuse
    world.stand_in.disturb("error")


def calm(world) -> None:
    world.recover()
    if world.name == "stripe":
        vars(world.stand_in).pop("_happen", None)


def with_everything(world, letter: Letter) -> Letter:
    """The same event, rightly signed, in which somebody has written down what nobody should."""
    event = json.loads(letter.body)
    secrets = {"number": CANARIES["card"], "key": CANARIES["razorpay key"], "note": ECHO}
    if world.name == "stripe":
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
        subject["metadata" if world.name == "stripe" else "notes"] |= {"card": CANARIES["card"], "said": ECHO}
    body = json.dumps(event | secrets).encode()
    return Letter(letter.type, body, letter.headers | world.sign(body).headers)


def post(search: Search, world, letter: Letter) -> int:
    """Delivered; what it was signed with is looked for as well."""
    for name, value in letter.headers.items():
        if name.endswith("Signature"):
            search.canaries[f"signature {len(search.canaries)}"] = value.rpartition("v1=")[2]
    answer = Client(raise_request_exception=False).post(
        reverse(f"webhook_{world.name}"), letter.body, "application/json", headers=letter.headers
    )
    search.pages += [answer.content.decode(), str(answer.headers)]
    return answer.status_code


def look(search: Search, client: Client, *addresses: str) -> None:
    for address in addresses:
        answer = client.get(address, follow=True)
        search.pages += [answer.content.decode(), str(answer.headers)]


def run(search: Search, world, booking, student, staff) -> None:
    """All that may go wrong with one session, and everybody looks at everything."""
    payer, support = Client(raise_request_exception=False), Client(raise_request_exception=False)
    payer.force_login(student)
    support.force_login(staff)
    own = booking.get_absolute_url()
    for status in (400, 401, 500):
        echo(world, status)
        answer = world.press(payer, booking)
        search.pages += [answer.content.decode(), str(answer.headers)]
        calm(world)
    payment = world.open(booking)
    world.decline(payment.provider_ref)
    declined(world, payment)
    services.settle(payment.pk, source="test", now=timezone.now())
    look(search, payer, own, own + "payment/", own + "payment/failed/")
    world.pay(payment.provider_ref)
    letter = with_everything(world, booked_letter(world))
    forged = dict.fromkeys(letter.headers, FORGED)
    assert post(search, world, Letter("", letter.body, forged)) == 400
    assert (
        post(search, world, Letter("", letter.body, {**forged, "Stripe-Signature": f"t=1,v1={ECHO}"})) == 400
    )
    echo(world, 400)
    assert post(search, world, letter) == 200
    calm(world)
    services.sweep(timezone.now() + services.webhooks.BACKOFF[0])
    payment.refresh_from_db()
    assert payment.status == "succeeded"
    refund(world, payment, staff)
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


def declined(world, payment) -> None:
    """The bank's reason, with a card's number in it."""
    if world.name == "stripe":
        intent = world.books.session(payment.provider_ref)["payment_intent"]
        world.books.objects[intent]["last_payment_error"]["message"] = ECHO
    else:
        world.try_of(payment.provider_ref)["error_description"] = ECHO


def refund(world, payment, staff) -> None:
    """Refused by the provider, in so many words."""
    made = services.refund_by_staff(
        payment.pk, amount_minor=PART, seen_refunds=0, actor=staff, note="Sorry.", now=timezone.now()
    )
    echo(world, 400)
    services.send_refund(made.pk, now=timezone.now())
    calm(world)


def admin_pages() -> list[str]:
    pages = []
    for model in (Payment, Refund, WebhookEvent):
        name = f"admin:payments_{model._meta.model_name}"
        pages += [reverse(f"{name}_changelist")]
        pages += [
            reverse(f"{name}_change", args=[pk]) for pk in model._default_manager.values_list("pk", flat=True)
        ]
    return pages


def break_down(monkeypatch, words="The database is away.") -> None:
    def fail(*args, **kwargs):
        raise RuntimeError(words)

    monkeypatch.setattr(services, "store_event", fail)


def report(search: Search, world, letter: Letter, *, without: Sequence[str] = ()) -> None:
    """What Sentry is sent when this letter meets a webhook that breaks in so many words."""
    asked = {
        "address": reverse(f"webhook_{world.name}"),
        "body": letter.body.decode(),
        "headers": letter.headers,
        "settings": KEYS,
        "words": f"The webhook is broken. {ECHO}",
        "without": without,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.payments.canary_report"],
        cwd=BASE_DIR,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    reports = json.loads(done.stdout.splitlines()[-1])
    assert "The webhook is broken." in "".join(reports)
    search.reports += reports


def test_case_31_nothing_secret_comes_out_anywhere(search, planted, booking, student, staff, monkeypatch):
    run(search, planted, booking, student, staff)
    break_down(monkeypatch)
    letter = with_everything(planted, booked_letter(planted))
    assert post(search, planted, letter) == 500
    report(search, planted, letter)
    places = search.places()
    assert all(places.values()), {name: len(texts) for name, texts in places.items()}
    assert search.found() == {}


def test_case_31_errors_that_repeat_a_secret_would_be_found(
    search, planted, booking, student, staff, monkeypatch
):
    translators = [f"payments.gateways.{name}.client" for name in ("stripe", "razorpay")]
    for name in (*translators, "config.logging"):
        monkeypatch.setattr(f"{name}.redacted", lambda words: words)
    run(search, planted, booking, student, staff)
    found = search.found().keys()
    assert {(place, "card") for place in ("log", "page", "database")} <= found
    assert {(place, "razorpay webhook secret") for place in ("log", "page", "database")} <= found


def test_case_31_bodies_that_are_kept_whole_would_be_found(
    search, planted, booking, student, staff, monkeypatch
):
    monkeypatch.setattr(webhooks, "kept", lambda body: body)
    run(search, planted, booking, student, staff)
    assert {("database", "card"), ("page", "card"), ("database", "razorpay key")} <= search.found().keys()


def test_case_31_signature_in_a_log_would_be_found(search, planted, booking, student, staff, monkeypatch):
    def parse(body, headers, plain=planted.bench.gateway.parse_webhook):
        try:
            return plain(body, headers)
        except InvalidSignature:
            raise InvalidSignature(f"Signed with {dict(headers)}") from None

    for name in ("redacted", "redacted_all"):
        monkeypatch.setattr(f"config.logging.{name}", lambda words: words)
    monkeypatch.setattr(type(planted.bench.gateway), "parse_webhook", lambda self, *given: parse(*given))
    run(search, planted, booking, student, staff)
    assert ("log", "forged signature") in search.found()


def test_case_31_secret_in_a_crash_would_be_found(search, planted, booking, monkeypatch):
    monkeypatch.setattr("config.logging.redacted", lambda words: words)
    break_down(monkeypatch, ECHO)
    payment = planted.open(booking)
    planted.pay(payment.provider_ref)
    assert post(search, planted, with_everything(planted, booked_letter(planted))) == 500
    assert {("log", "stripe key"), ("mail", "stripe key"), ("mail", "card")} <= search.found().keys()


@pytest.mark.parametrize("without", [["before_send"], ["before_send", "event_scrubber"]])
def test_case_31_secret_in_a_report_would_be_found(search, planted, booking, without):
    payment = planted.open(booking)
    planted.pay(payment.provider_ref)
    letter = booked_letter(planted)
    post(search, planted, letter)
    report(search, planted, letter, without=without)
    signatures = {name for name in search.canaries if name.startswith("signature")}
    words = CANARIES.keys() - {"forged signature"}
    leaked = words | signatures if "event_scrubber" in without else words
    assert set(search.found()) == {("report", name) for name in leaked}
