"""Each page against a bare view: the same middleware, the same queries sent as they are, a ready string for an answer.

What is left between the two is what our views, forms, models and templates cost. Nothing is compressed.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from accounts.models import User
from benchmarks.timing import compare, say
from bookings.booker.state import Choice
from bookings.models import Booking, Status
from config import urls
from mentors.models import Mentor, SessionType

ROUNDS = 41
BARE = "/benchmark/"
Query = tuple[str, Any]


@dataclass
class Bare:
    """What the bare view answers next."""

    queries: list[Query] = field(default_factory=list)
    html: str = ""


bare = Bare()


def bare_view(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        for sql, params in bare.queries:
            cursor.execute(sql, params)
            cursor.fetchall()
    return HttpResponse(bare.html)


@dataclass(frozen=True)
class Page:
    """`most`: in times of the bare one; about a quarter more than it took on a busy machine."""

    name: str
    path: str
    most: float
    who: str = ""


def run() -> bool:
    """Whether every target is met."""
    urls.urlpatterns.append(path(BARE.removeprefix("/"), bare_view))
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # the transaction is one for all
    with transaction.atomic():
        call_command("demo", "--force", verbosity=0, stdout=StringIO())
        logging.disable(logging.INFO)  # a line for each request
        met = [measure(page) for page in pages()]
        transaction.set_rollback(True)
    return all(met)


def pages() -> list[Page]:
    student = User.objects.get(email="student@example.com")
    mentor = Mentor.objects.get(user__email="mentor@example.com")
    session_type = SessionType.objects.get(mentor=mentor, price_minor=100_000)
    wizard = f"{mentor.get_absolute_url()}book/"
    month = wizard + Choice(session_type, 60).url()
    day = wizard + Choice(session_type, 60, day=(timezone.now() + timedelta(days=3)).date()).url()
    ahead = Booking.objects.filter(student=student, status=Status.SCHEDULED, starts_at__gt=timezone.now())
    paid = ahead.filter(price_minor__gt=0)[0]
    skill = mentor.skills.all()[0].slug
    return [
        Page("home", "/", 10),
        Page("browse", "/mentors/", 13),
        Page("browse, filtered", f"/mentors/?skill={skill}", 13),
        Page("search", "/mentors/?q=design", 12),
        Page("profile", mentor.get_absolute_url(), 10),
        Page("wizard, month", month, 10),
        Page("wizard, day", day, 10),
        Page("wizard, day", day, 6, "student"),
        Page("My Sessions", "/my-sessions/?show=all", 6, "student"),
        Page("session", f"/sessions/{paid.reference}/", 6.5, "student"),
        Page("payments", "/payments/", 7, "student"),
        Page("dashboard", "/dashboard/", 6.5, "mentor"),
        Page("its sessions", "/dashboard/sessions/?show=past", 6.5, "mentor"),
        Page("availability", "/dashboard/availability/", 10, "mentor"),
        Page("earnings", "/dashboard/earnings/", 8, "mentor"),
    ]


def measure(page: Page) -> bool:
    cookies = "tz=America/New_York"
    if page.who:
        cookies += f"; sessionid={signed_in(page.who)}"
    ask, ask_bare = visit(page.path, cookies), visit(BARE, cookies)
    ask()
    bare.queries, bare.html = [], ""
    ask_bare()
    with recorded() as of_middleware:
        ask_bare()
    with recorded() as queries:
        bare.html = ask()
    bare.queries = [query for query in queries if query not in of_middleware]
    ours, least = compare(ask, ask_bare, rounds=ROUNDS)
    name = f"{page.name}{', signed in' if page.who else ''}"
    what = f"{name}: {len(queries)} queries, {len(bare.html) // 1000} kB"
    return say("page", what, ours, least, page.most)


def visit(url: str, cookies: str) -> Callable[[], str]:
    """A request as the server hands it over; the answer's text."""
    address, _, query = url.partition("?")
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": address,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookies,
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_ACCEPT": "text/html",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
    }

    def ask() -> str:
        response = handler(dict(environ), start_response)
        text = b"".join(response).decode()
        response.close()
        assert response.status_code == 200, (url, response.status_code)
        return text

    return ask


handler = WSGIHandler()


def start_response(*_: object) -> Callable[[bytes], object]:
    return lambda _: None


def signed_in(who: str) -> str:
    user = User.objects.get(email=f"{who}@example.com")
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return str(store.session_key)


@contextmanager
def recorded() -> Iterator[list[Query]]:
    found: list[Query] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found
