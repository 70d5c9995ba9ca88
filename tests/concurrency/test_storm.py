"""200 sessions are paid at two providers in the worst of weathers, and the money is where it belongs.

Each event comes one to five times, shuffled, many at once; a fifth of the calls to the providers fail or are
answered late; workers die all the time. STORM_SEED repeats or changes what is drawn by lot.
"""

import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.payments.fake_razorpay import KEY_ID, KEY_SECRET, FakeRazorpay
from tests.payments.fake_razorpay import WEBHOOK_SECRET as RAZORPAY_WEBHOOK_SECRET
from tests.payments.fake_razorpay_server import Remote
from tests.payments.fake_stripe_server import SECRET_KEY, FakeStripeServer
from tests.payments.fake_stripe_server import WEBHOOK_SECRET as STRIPE_WEBHOOK_SECRET
from tests.servers import BASE_DIR, free_port, site_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

BOOKINGS = 200
# Enough to break things without a lock.
FEWER = 60
SEED = int(os.environ.get("STORM_SEED", "4"))
TROUBLE = 0.2
AT_ONCE = 16
# Sessions that are paid in the same moments.
WAVE = 10
MOST_COPIES = 5


@dataclass
class Outcome:
    found: list[str]
    facts: dict[str, Any]
    statuses: Counter[str] = field(default_factory=Counter)


def ask(address: str, body: bytes | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(address, body), timeout=30) as response:
        return json.load(response)


class Storm:
    def __init__(self, url: str, folder: Path, *, unlocked: bool) -> None:
        self.folder, self.unlocked, self.dice = folder, unlocked, random.Random(SEED)
        self.site, self.stripe, self.razorpay = (
            f"http://127.0.0.1:{port}" for port in (free_port(), free_port(), free_port())
        )
        self.variables = site_environment(
            folder,
            8000,
            {
                "DJANGO_SETTINGS_MODULE": "tests.concurrency.storm_settings",
                "DATABASE_URL": url,
                "PAYMENT_GATEWAYS": "stripe,razorpay",
                "STRIPE_SECRET_KEY": SECRET_KEY,
                "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
                "STRIPE_API_BASE": self.stripe,
                "RAZORPAY_KEY_ID": KEY_ID,
                "RAZORPAY_KEY_SECRET": KEY_SECRET,
                "RAZORPAY_WEBHOOK_SECRET": RAZORPAY_WEBHOOK_SECRET,
                "RAZORPAY_API_BASE": self.razorpay,
                "RAZORPAY_CHECKOUT_JS": f"{self.razorpay}/v1/checkout.js",
            },
        )
        self.seen: set[str] = set()
        self.statuses: Counter[str] = Counter()
        self.signer, self.account = FakeStripeServer(), FakeRazorpay()

    # Programs

    @contextmanager
    def running(self, name: str, *command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        with (self.folder / name).open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=self.variables,
                stderr=log,
                text=True,
                start_new_session=True,
                **options,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()

    def crew(self, part: str) -> list[str]:
        code = f"from tests.concurrency.storm_crew import *; {part}"
        return [sys.executable, "manage.py", "shell", "--no-imports", "--command", code]

    def run(self, part: str) -> Any:
        """That part of the crew; what it says in the end."""
        with (self.folder / "crew").open("wb") as log:
            done = subprocess.run(
                self.crew(part),
                cwd=BASE_DIR,
                env=self.variables,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=False,
            )
        assert done.returncode == 0, (self.folder / "crew").read_text()[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def providers(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name, address in (("stripe", self.stripe), ("razorpay", self.razorpay)):
                command = [
                    sys.executable,
                    "-m",
                    f"tests.payments.fake_{name}_server",
                    address.rpartition(":")[2],
                ]
                stack.enter_context(self.running(name, *command))
            self.wait_for(f"{self.stripe}/_control/events")
            self.wait_for(f"{self.razorpay}/v1/checkout.js")
            kinds = ("error", "conflict", "throttled", "lost", "slow")
            for nth, kind in enumerate(kinds):
                # Each is asked only when those before it did not strike.
                share = TROUBLE / len(kinds) / (1 - TROUBLE / len(kinds) * nth)
                self.tell_stripe("disturb", kind=kind, rate=share, times=1, seconds=0.4)
            Remote(self.razorpay).disturb(share=TROUBLE, seed=SEED)
            yield

    def wait_for(self, address: str) -> None:
        def answers() -> bool:
            with suppress(OSError), urllib.request.urlopen(address, timeout=5):
                return True
            return False

        assert wait_until(answers), f"{address} does not answer"

    @contextmanager
    def workers(self, facts: dict[str, Any]) -> Iterator[None]:
        port = int(self.site.rpartition(":")[2])
        command = self.crew(f"workers({port}, {SEED}, locked={not self.unlocked})")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with self.running("workers", *command, **pipes) as master:
            assert master.stdout
            assert master.stdin
            assert master.stdout.readline() == '"ready"\n', (self.folder / "workers").read_text()[-4000:]
            yield
            master.stdin.close()
            facts.update(json.loads(master.stdout.readline()))

    # Payers

    def tell_stripe(self, name: str, **arguments: Any) -> Any:
        """Also what it refuses, such as money for a checkout that was closed meanwhile."""
        with suppress(urllib.error.HTTPError):
            return ask(f"{self.stripe}/_control/{name}", json.dumps(arguments).encode())

    def pay(self, order: dict[str, Any]) -> None:
        if order["gateway"] == "stripe":
            self.tell_stripe("pay", session_id=order["ref"])
        else:
            Remote(self.razorpay).pay(order_id=order["ref"])

    # What providers tell

    def new_events(self) -> list[tuple[str, dict[str, Any]]]:
        stripe = ask(f"{self.stripe}/_control/events")
        told = [("stripe", event) for event in stripe]
        told += [("razorpay", event) for event in Remote(self.razorpay).list_events()]
        new = [each for each in told if each[1]["id"] not in self.seen]
        self.seen |= {event["id"] for _, event in new}
        return new

    def letter(self, name: str, event: dict[str, Any]) -> tuple[str, bytes, dict[str, str]]:
        address = f"/payments/webhooks/{name}/"
        if name == "razorpay":
            return address, event["body"].encode(), self.account.headers(event)
        body = json.dumps(event).encode()
        return address, body, {"Stripe-Signature": self.signer.sign(body)}

    def send(self, address: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Until it is answered: whoever was being talked to may just have been killed."""
        for _ in range(30):
            request = urllib.request.Request(self.site + address, body, headers or {}, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    status = str(response.status)
            except urllib.error.HTTPError as error:
                error.close()
                status = str(error.code)
            except OSError:
                status = "none"
            self.statuses[f"{address.split('/')[2]} {status}"] += 1
            if status in ("200", "202", "409"):
                return
            time.sleep(0.1)
        raise AssertionError(f"{address} is never taken")

    # The storm

    def rage(self, bookings: int) -> Outcome:
        with self.providers():
            facts: dict[str, Any] = {}
            made = self.run(f"students({bookings})")
            for each in made:
                if each["kind"] == "late":
                    self.pay(each["orders"][0])
            with self.workers(facts), ThreadPoolExecutor(AT_ONCE) as crowd:
                self.blow(made, crowd)
            facts |= self.run("aftermath()")
        return Outcome(facts.pop("found"), facts, self.statuses)

    def blow(self, made: list[dict[str, Any]], crowd: ThreadPoolExecutor) -> None:
        """Each wave begins while the one before it is still on its way."""
        self.dice.shuffle(made)
        before: list[Future[None]] = []
        for start in range(0, len(made), WAVE):
            wave = made[start : start + WAVE]
            paying = [order for each in wave if each["kind"] != "late" for order in each["orders"]]
            list(crowd.map(self.pay, paying))
            now = self.fling(wave, crowd)
            arrive(before)
            before = now
        while before:
            arrive(before)
            time.sleep(0.5)
            before = self.fling([], crowd)  # of refunds, until no new ones come

    def fling(self, wave: list[dict[str, Any]], crowd: ThreadPoolExecutor) -> list[Future[None]]:
        """What is new, each one to five times, among payers who come back or cancel; all shuffled, all at once."""
        letters = [self.letter(*each) for each in self.new_events()]
        flung: list[tuple[Any, ...]] = [
            each for each in letters for _ in range(self.dice.randint(1, MOST_COPIES))
        ]
        for each in wave:
            flung += [(f"/storm/return/{order['pk']}/",) for order in each["orders"]] * self.dice.randint(
                0, 2
            )
            if each["kind"] == "cancelled":
                flung += [(f"/storm/cancel/{each['booking']}/",)] * 2
        self.dice.shuffle(flung)
        return [crowd.submit(self.send, *each) for each in flung]


def arrive(flung: list[Future[None]]) -> None:
    for each in flung:
        each.result()


def storm(url: str, folder: Path, *, bookings: int, unlocked: bool = False) -> Outcome:
    began = time.monotonic()
    outcome = Storm(url, folder, unlocked=unlocked).rage(bookings)
    seconds = round(time.monotonic() - began)
    facts = f"{outcome.facts} {dict(outcome.statuses)}"
    print(f"seed {SEED}, {bookings} bookings, {seconds} s: {facts} {outcome.found}")  # noqa: T201
    return outcome


def test_storm_leaves_every_payment_confirmed_or_refunded_once(postgresql_databases, tmp_path):
    outcome = storm(postgresql_databases("storm"), tmp_path, bookings=BOOKINGS)
    assert outcome.found == []
    facts, groups = outcome.facts, BOOKINGS // 10
    # It was one: everything that can happen to money has happened.
    assert facts["confirmed"] == 8 * groups
    assert facts["refunds"]["surplus"] == groups
    assert sum(facts["refunds"].values()) == 3 * groups
    assert facts["kills"] >= 10
    assert facts["crashes"] == 0
    assert {each for each in outcome.statuses if each.startswith("webhooks")} <= {
        "webhooks 200",
        "webhooks none",
    }


def test_without_settles_lock_the_same_storm_breaks_things(postgresql_databases, tmp_path):
    outcome = storm(postgresql_databases("storm_without_lock"), tmp_path, bookings=FEWER, unlocked=True)
    assert outcome.found != []
