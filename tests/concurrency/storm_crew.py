"""The processes of the storm; run by `manage.py shell`.

Students book and open checkouts; workers answer over HTTP and sweep, and are killed all the time; the aftermath
sweeps until nothing is left to do, and says what is wrong. Each prints one line of JSON in the end.
"""

import gc
import json
import multiprocessing
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import requests
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.models import Count
from django.urls import resolve
from django.utils import timezone

from bookings import services as sessions
from bookings.models import Booking, BookingEvent, Status, TimeClaim
from notifications.models import Message
from payments import services
from payments.gateways.base import GatewayError
from payments.models import UNSETTLED, Payment, PaymentStatus, Refund, RefundStatus, WebhookEvent
from payments.reports.audit import audit
from payments.services import ReturnUrls
from tests.concurrency.crowd import EVERY_DAY
from tests.concurrency.guards import LOCK, Execute, on_new_connections, without_row_locks
from tests.factories import MentorFactory, SessionTypeFactory, UserFactory
from tests.payments.fake_stripe_parameters import API_VERSION

# Of ten students of one mentor: most pay; the late one's time is taken by the next one, who pays too.
KINDS = ("plain", "plain", "plain", "plain", "plain", "plain", "twice", "cancelled", "late", "taker")
GATEWAYS = ("stripe", "razorpay")
WEB, SWEEPERS = 6, 2
# Between two kills.
LULL = (0.5, 2.0)
# Seconds, once a payment is read to be changed: room for somebody to come between; more where nothing keeps them out.
ROOM, UNLOCKED_ROOM = 0.05, 0.25
URLS = ReturnUrls(success="https://example.com/return/", cancel="https://example.com/payment/")


def say(answer: object) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201


# Students


def students(count: int) -> None:
    groups = []
    for number in range(count // len(KINDS)):
        mentor = MentorFactory(slug=f"mentor-{number}", time_zone="UTC", hours=EVERY_DAY)
        session_type = SessionTypeFactory(mentor=mentor)
        groups.append((number, session_type, [UserFactory() for _ in KINDS]))
    leave_database()
    with multiprocessing.get_context("fork").Pool(4) as pool:
        say([each for group in pool.starmap(study, groups) for each in group])


def study(number: int, session_type: Any, people: list[Any]) -> list[dict[str, Any]]:
    day = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=3)
    made: list[dict[str, Any]] = []
    for index, (kind, student) in enumerate(zip(KINDS, people, strict=True)):
        slot = index - (kind == "taker")
        booking = sessions.book(
            student=student,
            session_type=session_type,
            duration_minutes=60,
            starts_at=day + timedelta(days=slot // 6, hours=slot % 6),
            now=timezone.now(),
        )
        # An order at Razorpay can't be closed, so that both can be paid.
        names = ["razorpay", "stripe"] if kind == "twice" else [GATEWAYS[(number + index) % 2]]
        orders = [open_checkout(booking, name) for name in names]
        if kind == "late":
            past = timezone.now() - timedelta(seconds=1)
            Booking.objects.filter(pk=booking.pk).update(hold_expires_at=past)
            booking.claims.update(expires_at=past)
        made.append({"kind": kind, "booking": booking.pk, "orders": orders})
    return made


def open_checkout(booking: Booking, name: str) -> dict[str, Any]:
    """As somebody who presses the button until it works."""
    for _ in range(20):
        with suppress(GatewayError):
            payment = services.open_checkout(booking.pk, name, now=timezone.now(), urls=URLS)
            return {"pk": payment.pk, "gateway": name, "ref": payment.provider_ref}
    raise AssertionError(f"No checkout could be opened at {name}")


def leave_database() -> None:
    """What is open here must not be inherited."""
    connection.close()
    connection.close_pool()


# Workers


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing."""

    def address_string(self) -> str:
        return str(self.client_address[0])


def serve(listening: socket.socket, application: Any) -> None:
    server = WSGIServer(("127.0.0.1", 0), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.server_name, server.server_port = "127.0.0.1", listening.getsockname()[1]
    server.setup_environ()
    server.set_app(application)
    server.serve_forever()


def sweep_for_ever() -> None:
    while True:
        sweep(timezone.now())
        time.sleep(random.uniform(0.1, 0.5))


def sweep(now: datetime) -> None:
    sessions.sweep(now)
    services.sweep(now)


def make_room(*, locked: bool) -> AbstractContextManager[None]:
    """Whoever has read a payment in order to change it takes its time; without locks others come between."""

    def dawdle(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        found = execute(sql, params, many, context)
        if LOCK.search(sql) and 'FROM "payments_payment"' in sql:
            time.sleep(ROOM)
        return found

    if locked:
        return on_new_connections(dawdle)
    return without_row_locks(
        "accounts_user", "bookings_booking", "payments_payment", after_read=lambda: time.sleep(UNLOCKED_ROOM)
    )


def workers(port: int, seed: int, *, locked: bool) -> None:
    """Until the end of the input: kills one at random, again and again, and starts another in its place."""
    with make_room(locked=locked):
        say(kill_again_and_again(port, seed))


def kill_again_and_again(port: int, seed: int) -> dict[str, int]:
    application = get_wsgi_application()
    resolve("/payments/webhooks/stripe/")  # so that nobody has to load it again
    listening = socket.create_server(("127.0.0.1", port), backlog=256)
    # Looking through what all have in common would give each of them a copy of it.
    gc.disable()
    gc.freeze()
    dice, kills, crashes = random.Random(seed), 0, 0
    roles: list[Callable[[], None]] = [
        *[lambda: serve(listening, application)] * WEB,
        *[sweep_for_ever] * SWEEPERS,
    ]
    crew = [start(role) for role in roles]
    say("ready")
    while not select.select([sys.stdin], [], [], dice.uniform(*LULL))[0]:
        for place, pid in enumerate(crew):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                crashes += 1
                crew[place] = start(roles[place])
        place = dice.randrange(len(crew))
        kill(crew[place])
        crew[place] = start(roles[place])
        kills += 1
    for pid in crew:
        kill(pid)
    return {"kills": kills, "crashes": crashes}


def start(role: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    gc.enable()
    try:
        role()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# Aftermath


def aftermath() -> None:
    sweeps = sweep_until_quiet()
    calm_down()
    repaired = services.reconcile(timezone.now())
    before = everything()
    again = services.reconcile(timezone.now())
    found = list(wrong())
    if again.repaired or again.reported or again.unreachable:
        found.append(f"The second reconciliation says {vars(again)}")
    if everything() != before:
        found.append("The second reconciliation changes something")
    say(
        {
            "found": found,
            "sweeps": sweeps,
            "reconciled": len(repaired.repaired),
            "confirmed": Booking.objects.filter(status=Status.SCHEDULED).count(),
            "refunds": dict(Counter(Refund.objects.values_list("reason", flat=True))),
            "events": WebhookEvent.objects.count(),
        }
    )


def sweep_until_quiet() -> int:
    """The clock is moved on, as nobody waits for hours until a provider is asked once more."""
    now, sweeps = timezone.now(), 0
    for minutes in (0, 1, 1, 1, 2, 2, 2, *[20] * 6, *[120] * 12):
        now += timedelta(minutes=minutes)
        sweep(now)
        sweeps += 1
        if not unsettled():
            break
    return sweeps


def unsettled() -> bool:
    return (
        WebhookEvent.objects.unprocessed().exists()
        or Payment.objects.at_provider().exists()
        or Refund.objects.filter(status__in=UNSETTLED).exists()
    )


def calm_down() -> None:
    requests.post(f"{settings.STRIPE_API_BASE}/_control/calm", json={}, timeout=30).raise_for_status()
    quiet = requests.post(f"{settings.RAZORPAY_API_BASE}/control/disturb", json={"share": 0}, timeout=30)
    quiet.raise_for_status()


def everything() -> list[list[tuple[Any, ...]]]:
    tables = (Booking, BookingEvent, TimeClaim, Payment, Refund, WebhookEvent, Message)
    return [list(table._default_manager.order_by("pk").values_list()) for table in tables]


def wrong() -> Iterator[str]:
    yield from wrong_beside_the_providers()
    yield from wrong_sessions()
    yield from wrong_messages()
    yield from wrong_claims()
    if unsettled():
        yield "Something never settled"
    yield from audit().problems
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        if deadlocks := cursor.fetchone()[0]:
            yield f"{deadlocks} deadlocks"


def wrong_beside_the_providers() -> Iterator[str]:
    """What came in there came in here, and what went back there went back once."""
    came_in: Counter[str] = Counter()
    for payment_id, (amount, currency, went_back) in provider_books().items():
        came_in[currency] += amount
        payment = Payment.objects.filter(payment_id=payment_id, status=PaymentStatus.SUCCEEDED).first()
        if payment is None:
            yield f"{payment_id} was paid, and is not known here"
        elif (payment.amount_minor, payment.refunded_minor) != (amount, sum(went_back)):
            yield f"{payment.reference}: other amounts there"
        elif len(went_back) > 1 or any(each != amount for each in went_back):
            yield f"{payment.reference}: went back in {went_back}"
    totals = {currency: total.came_in for currency, total in audit().totals.items()}
    if totals != came_in:
        yield f"{totals} came in here, {came_in} there"


def provider_books() -> dict[str, tuple[int, str, list[int]]]:
    """Amount, currency, and what went back of every payment, asked for without our gateways."""
    went_back: dict[str, list[int]] = defaultdict(list)
    for each in stripe_list("refunds"):
        went_back[each["payment_intent"]].append(each["amount"])
    books = {
        each["id"]: (each["amount_received"], each["currency"].upper(), went_back[each["id"]])
        for each in stripe_list("payment_intents")
        if each["status"] == "succeeded"
    }
    for each in razorpay_list("payments"):
        if each["captured"]:
            refunds = razorpay_list(f"payments/{each['id']}/refunds") if each["amount_refunded"] else []
            books[each["id"]] = (each["amount"], each["currency"], [one["amount"] for one in refunds])
    return books


def stripe_list(name: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {settings.STRIPE_SECRET_KEY}", "Stripe-Version": API_VERSION}
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": found[-1]["id"]} if found else {}
        address = f"{settings.STRIPE_API_BASE}/v1/{name}"
        answer = requests.get(address, {"limit": 100, **after}, headers=headers, timeout=30)
        answer.raise_for_status()
        found += answer.json()["data"]
        if not answer.json()["has_more"]:
            return found


def razorpay_list(name: str) -> list[dict[str, Any]]:
    keys, found = (settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET), []
    while True:
        address, page = f"{settings.RAZORPAY_API_BASE}/v1/{name}", {"count": 100, "skip": len(found)}
        answer = requests.get(address, page, auth=keys, timeout=30)
        answer.raise_for_status()
        found += answer.json()["items"]
        if len(answer.json()["items"]) < 100:
            return found


def wrong_sessions() -> Iterator[str]:
    """Whoever paid has the session, or all the money back."""
    succeeded = Payment.objects.filter(status=PaymentStatus.SUCCEEDED).select_related("booking")
    for payment in succeeded:
        takes_place = payment.booking.status == Status.SCHEDULED and not payment.is_surplus
        refunds = list(payment.refunds.values_list("status", "amount_minor"))
        if refunds != ([] if takes_place else [(RefundStatus.SUCCEEDED, payment.amount_minor)]):
            yield f"{payment.reference} of a {payment.booking.status} session has refunds {refunds}"
    paid = succeeded.filter(is_surplus=False).values("booking")
    for booking in Booking.objects.filter(status=Status.SCHEDULED).exclude(pk__in=paid):
        yield f"{booking.reference} takes place, and nobody paid"
    confirmed = BookingEvent.objects.filter(kind=BookingEvent.Kind.SCHEDULED).order_by()
    for pk, times in confirmed.values_list("booking").annotate(times=Count("pk")).filter(times__gt=1):
        yield f"Booking {pk} was confirmed {times} times"


def wrong_messages() -> Iterator[str]:
    told = Message.objects.order_by().values_list("booking", "kind", "recipient", "channel")
    for *what, times in told.annotate(times=Count("pk")).filter(times__gt=1):
        yield f"Message {what} is there {times} times"
    for booking in Booking.objects.filter(status=Status.SCHEDULED).select_related("mentor"):
        people = set(booking.messages.filter(kind="session_scheduled").values_list("recipient", flat=True))
        if people != {booking.student_id, booking.mentor.user_id}:
            yield f"{booking.reference}: {people} are told of it"


def wrong_claims() -> Iterator[str]:
    for booking in Booking.objects.annotate(claimed=Count("claims")):
        if booking.claimed != (2 if booking.status == Status.SCHEDULED else 0):
            yield f"{booking.reference} is {booking.status} and has {booking.claimed} claims"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings_timeclaim a JOIN bookings_timeclaim b"
            " ON a.person_id = b.person_id AND a.booking_id < b.booking_id"
            " AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at"
        )
        if overlaps := cursor.fetchone()[0]:
            yield f"{overlaps} claims overlap"
