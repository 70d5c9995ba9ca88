"""`python -m benchmarks.walks`: through how many files of ours a reader follows one request.

Works on the demo in a SQLite database of its own, with a stand-in at the network's edge for Stripe. For each request it
prints

- files: Python files of the site in which a function ran,
- changes: how often a call led from one file of the site into another, libraries in between left out, and each
  such step counted once however often it was taken,
- steps: the same, each time counted.

`--files` lists the files of each request in the order in which they are first entered.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.payments.fake_stripe_server import FakeStripeServer

ROOT = Path(__file__).resolve().parent.parent
NOT_THE_SITE = ("benchmarks", "tests", ".venv", "var")


@dataclass
class Walk:
    """What `sys.setprofile` tells of one request."""

    files: list[str] = field(default_factory=list)
    changes: set[tuple[str, str, str]] = field(default_factory=set)
    steps: int = 0
    _stack: list[str] = field(default_factory=lambda: [""])

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            code = frame.f_code
            here, file = self._stack[-1], of_the_site(code.co_filename)
            if file:
                if file not in self.files:
                    self.files.append(file)
                if here and here != file:
                    self.changes.add((here, file, code.co_qualname))
                    self.steps += 1
            self._stack.append(file or here)
        elif event == "return" and len(self._stack) > 1:
            self._stack.pop()


_known: dict[str, str] = {}


def of_the_site(filename: str) -> str:
    """The file's path in the project, empty when it isn't the site's own."""
    if filename not in _known:
        path = Path(filename)
        inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] not in NOT_THE_SITE
        _known[filename] = str(path.relative_to(ROOT)) if inside else ""
    return _known[filename]


class Fields(HTMLParser):
    """What the page's forms to its own address would send besides what a person types."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name")
        if tag == "input" and name and found.get("type") == "hidden":
            self.values[name] = found.get("value") or ""


def follow(request: Callable[[], Any], *, status: int) -> Walk:
    walk = Walk()
    sys.setprofile(walk)
    try:
        response = request()
    finally:
        sys.setprofile(None)
    assert response.status_code == status, f"{response.status_code} {response.content[:2000]!r}"
    return walk


def walks(stripe: "FakeStripeServer") -> dict[str, Walk]:
    """Each of the six requests, after a first one of its kind has filled the caches of libraries."""
    from django.test import Client

    from accounts.models import User
    from bookings.models import Booking, Status
    from payments.models import Payment

    student = Client()
    student.force_login(User.objects.get(email="student@example.com"))
    found = {}

    def typed(url: str) -> dict[str, str]:
        return Fields(student.get(url).content.decode()).values | {"topic": "Measured", "reason": "Measured"}

    def book(number: int) -> Callable[[], Any]:
        url = free_start(student, number)
        data = typed(url)
        return lambda: student.post(url, data)

    def pay(reference: str) -> str:
        student.post(f"/sessions/{reference}/payment/stripe/")
        session_id = Payment.objects.get(booking__reference=reference).provider_ref
        stripe.fake_stripe.pay(session_id)
        return session_id

    def event(reference: str) -> Callable[[], Any]:
        pay(reference)
        body = stripe_body(stripe.event("checkout.session.completed"))
        return lambda: student.post(
            "/payments/webhooks/stripe/",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": stripe.sign(body)},
        )

    def cancel(reference: str) -> Callable[[], Any]:
        url = f"/sessions/{reference}/cancellation/"
        data = typed(url)
        return lambda: student.post(url, data)

    profile = "/mentors/meera-rao/"
    found["GET profile"] = twice(lambda: student.get(profile), status=200)
    times = free_start(student, 0).rpartition("&start=")[0]
    found["GET wizard times"] = twice(lambda: student.get(times), status=200)

    # Twice from the first press to the last: the first time libraries fill their caches.
    for number in (1, 2):
        found["POST confirm"] = follow(book(number), status=302)
        booking = Booking.objects.latest("pk")
        found["webhook"] = follow(event(booking.reference), status=200)
        booking.refresh_from_db()
        assert booking.status == Status.SCHEDULED, booking.status
        url = f"/sessions/{booking.reference}/"
        found["GET session page"] = twice(partial(student.get, url), status=200)
        found["POST cancel paid"] = follow(cancel(booking.reference), status=302)
        booking.refresh_from_db()
        assert booking.status == Status.CANCELLED, booking.status
    return found


def twice(request: Callable[[], Any], *, status: int) -> Walk:
    request()
    return follow(request, status=status)


def free_start(student: Any, number: int) -> str:
    """The address of the confirm step for one of Meera's free times, far enough ahead to be cancelled for money."""
    from datetime import timedelta

    from django.utils import timezone

    from mentors.models import Mentor

    mentor = Mentor.objects.get(slug="meera-rao")
    day = (timezone.now() + timedelta(days=5)).astimezone(mentor.zone).date()
    found = 0
    for _ in range(20):
        state = f"/mentors/{mentor.slug}/book/?type=resume-review&duration=60&date={day.isoformat()}"
        for start in Starts(student.get(state).content.decode()).values:
            if found == number:
                return f"{state}&start={start}"
            found += 1
        day += timedelta(days=1)
    raise AssertionError("the demo has no free time")


class Starts(HTMLParser):
    """The free times of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("name") == "start" and "disabled" not in found and found.get("value"):
            self.values.append(str(found["value"]))


def stripe_body(event: Any) -> bytes:
    import json

    return json.dumps(event).encode()


def main() -> int:
    from tests.payments.fake_stripe_server import serve, stripe_environment

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="office-hours-walks-"))
        stripe = stack.enter_context(serve())
        os.environ.update(
            DEBUG="1",
            ENV_FILE="",
            DATA_DIR=folder,
            SECRET_KEY=secrets.token_hex(40),
            ALLOWED_HOSTS="testserver",
            EMAIL_URL="memorymail://",
            DJANGO_SETTINGS_MODULE="config.settings",
            **stripe_environment(stripe),
        )
        import logging

        import django

        django.setup()
        logging.disable()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        call_command("demo", verbosity=0)
        logging.disable()
        print(f"{'':<20}{'files':>7}{'changes':>9}{'steps':>7}")
        for name, walk in sorted(walks(stripe).items()):
            print(f"{name:<20}{len(walk.files):>7}{len(walk.changes):>9}{walk.steps:>7}")
            if "--files" in sys.argv:
                print(*(f"    {file}" for file in walk.files), sep="\n")
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
