"""What nobody types: every address, form and parameter of the site with input that makes no sense finds no 500.

The addresses come from the URL table, forms and parameters from the pages themselves, so that new ones are tried
without being named here.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from bookings.models import Review, Status
from bookings.services import book
from mentors.models import Mentor
from notifications.models import Kind, Message
from payments.models import Dispute, Payout, WebhookEvent
from tests import factories, site_map
from tests.factories import NOW
from tests.payments.factories import paid_session, refunded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_served")]

# The same every time; HYPOTHESIS_PROFILE=thorough tries ten times as much.
ROUNDS = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1
MOST_FIELDS = 2 * ROUNDS

ODD = [
    *(
        "\0",
        "x\0y",
        "\x7f\x1b\x08",
        "\u202etxt",
        "\r\nX-Odd: 1",
        "<script>",
        "'\";--",
        "{{ 7 }}",
        "../../etc/passwd",
    ),
    *(
        "9" * 20,
        "-" + "9" * 20,
        "9" * 5000,
        "1e999999",
        "-1e-999999",
        "1e20",
        "NaN",
        "sNaN",
        "Infinity",
        "-0",
        "0.000001",
    ),
    *("²", "٣٤", "１２", "1_000", "0x10", "+1", "1,5", "12,34,567.50"),
    *("99999-12-31", "9999-12-31", "0001-01-01", "2026-02-30", "2026-00", "9999-12", "0001-01", "99999999"),
    *("9999-12-31T23:59Z", "0001-01-01T00:00Z", "2026-12-02T25:00Z", "24:00", "23:59:60", "00:00:00.0000001"),
    *("", " ", "x" * 5000, "😀" * 300, "[]", "null", "%00", "%", "\ufffd", "a@b", "x" * 300 + "@example.com"),
]
PATH_PARTS = [
    *(
        "%00",
        "x%00y",
        "%FF",
        "%ED%A0%80",
        "%2F",
        "..%2F..%2Fetc",
        "%0D%0AX-Odd:1",
        "9" * 20,
        "9" * 5000,
        "-1",
    ),
    *(
        "x" * 240,
        "x" * 240 + ".jpg",
        "x" * 5000,
        "%F0%9F%98%80",
        "SESSION-",
        "SESSION-%00%00%00%00%00%00%00%00",
    ),
    *("0000-00-00", "9999-12-31", "0001-01-01", "2026-02-30", "%C2%B2", "_", "1_000"),
]
PARAMETERS = (
    "page",
    "p",
    "o",
    "q",
    "show",
    "next",
    "e",
    "id__gte",
    "id__in",
    "pk",
    "_popup",
    "_to_field",
    "_facets",
)
HEADERS: list[dict[str, str]] = [
    {"range": "bytes=99999999999999999999-"},
    {"range": "bytes=-0,,x"},
    {"if-modified-since": "Fri, 31 Dec 99999 23:59:59 GMT"},
    {"if-modified-since": "\u00b2"},
    {"if-none-match": '"' * 99},
    {"host": "example.com\\@evil"},
    {"host": "[::1"},
    {"host": "x" * 300},
    {"cookie": 'sessionid="\\000"'},
    {"cookie": "sessionid=" + "x" * 4000},
    {"cookie": 'tz="\\000"; tz_detected="\\000"'},
    {"cookie": "tz=" + "x" * 300 + "; csrftoken=\u00ff; messages=[[\\"},
    {"referer": "http://["},
    {"hx-request": "true", "hx-current-url": "http://[", "hx-target": "%00"},
    {"x-forwarded-for": "x, y, [", "x-forwarded-proto": "gopher"},
    {"accept-language": "x" * 5000},
    {"accept": "\u00ff/*;q=x"},
    {"content-type": "text/plain; charset=nonsense"},
    {"content-type": "text/plain; charset=rot13"},
    {"content-type": "text/plain; charset=undefined"},
    {"content-type": "text/plain; charset=utf-7"},
    {"x-request-id": "x" * 5000},
]
BODIES: list[tuple[str, bytes]] = [
    ("application/x-www-form-urlencoded", b"name=%00"),
    ("application/x-www-form-urlencoded", b"%00=name"),
    ("application/x-www-form-urlencoded", b"name=%FF&%ED%A0%80=%F0%28%8C%28"),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(1500))),
    ("application/x-www-form-urlencoded", b"&;=&&==;"),
    ("application/x-www-form-urlencoded; charset=utf-16", "name=x".encode("utf-16")),
    ("application/x-www-form-urlencoded; charset=nonsense", b"name=x"),
    ("application/x-www-form-urlencoded; charset=unicode_escape", b"name=\\ud800"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=", b"----"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="\0"\r\n\r\n\0\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Disposition: form-data; name*=nonsense''x\r\n\r\ny\r\n--x--\r\n",
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="\0.jpg"\r\n\r\ny\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--\r\n',
    ),
    ("application/json", b'{"a":'),
    ("application/json", b"\xff\x00"),
    ("", b"\x00"),
]


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


class Reader(HTMLParser):
    """The forms of a page with what stands in them, and the parameters of its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: set[str] = set()
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        if not self.forms:
            return
        fields, name = self.forms[-1].fields, given.get("name", "")
        if tag == "select" and name:
            self.select = name
            fields.setdefault(name, [])
        elif tag == "option" and self.select and ("selected" in given or not fields[self.select]):
            fields[self.select] = [given.get("value", "")]
        elif name and given.get("type") == "file":
            self.forms[-1].files.add(name)
        elif name and given.get("type") in ("checkbox", "radio"):
            fields.setdefault(name, [])
            if "checked" in given or given["type"] == "radio":
                fields[name] = [*fields[name], given.get("value", "on")][:3]
        elif name and tag in ("input", "textarea", "button"):
            fields.setdefault(name, [given.get("value", "x")])

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""


@dataclass
class Fuzzer:
    """One person who tries everything; what they change is undone at once."""

    who: str
    user: User | None
    broken: list[str] = field(default_factory=list)
    pages: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.who)
        self.client = Client(raise_request_exception=False)
        if self.user:
            self.client.force_login(self.user)
        self.session = {name: morsel.value for name, morsel in self.client.cookies.items()}

    def ask(self, method: str, path: str, *args: Any, **kwargs: Any) -> HttpResponse:
        cache.clear()  # limits would keep the rest from being tried
        self.client.cookies.clear()
        self.client.cookies.load(self.session)
        before = transaction.savepoint()
        try:
            response: HttpResponse = getattr(self.client, method)(path, *args, **kwargs)
            if response.streaming:
                response.getvalue()
        finally:
            transaction.savepoint_rollback(before)
        if response.status_code == 500:
            error = response.exc_info[1] if response.exc_info else ""
            said = f"{args} {kwargs}".encode("unicode_escape").decode()[:300]
            self.broken.append(f"{self.who}: {method} {path[:120]} {said}: {error!r:.200}")
        return response

    def odd(self, count: int = 1) -> list[str]:
        return self.dice.sample(ODD, count)

    def try_page(self, name: str, path: str) -> None:
        self.dice.seed(f"{self.who} {name}")  # what one page is asked does not depend on the others
        page = self.ask("get", path)
        if page.status_code != 200 or not page.get("Content-Type", "").startswith("text/html"):
            self.ask("post", path, dict.fromkeys(PARAMETERS, self.odd()[0]))
            return
        first = name not in self.pages
        self.pages.add(name)
        reader = Reader(page.content.decode())
        if first:
            self.try_parameters(path, sorted(parameters_of(reader, path)) + columns_of(name))
        for form in reader.forms:
            if (form.action or path) not in self.pages:
                self.try_form(form, path)
                self.pages.add(form.action or path)

    def try_parameters(self, path: str, known: list[str]) -> None:
        address = urlsplit(path).path
        for _ in range(ROUNDS):
            self.ask("get", address, {name: self.odd()[0] for name in (*known, *PARAMETERS)})
        for name in self.dice.sample(known, min(MOST_FIELDS, len(known))) + self.dice.sample(PARAMETERS, 2):
            for value in self.odd(ROUNDS):
                self.ask("get", address, {name: value})

    def try_form(self, form: Form, path: str) -> None:
        action = form.action or path
        if form.method != "post" or not action.startswith("/"):
            return
        self.ask("post", action, form.fields)
        names = [name for name in form.fields if name != "csrfmiddlewaretoken"]
        for _ in range(2 * ROUNDS):
            self.ask("post", action, {name: self.odd() for name in names})
        for name in self.dice.sample(names, min(MOST_FIELDS, len(names))):
            for value in self.odd(ROUNDS):
                self.ask("post", action, {**form.fields, name: [value]})
        for name in form.files:
            for odd in (SimpleUploadedFile("x" * 300, b"\xff\xd8\xff\0"), SimpleUploadedFile("x.jpg", b"")):
                self.ask("post", action, {**form.fields, name: odd})


def parameters_of(reader: Reader, path: str) -> Iterator[str]:
    for link in reader.links:
        if link.startswith("?") or urlsplit(link).path == urlsplit(path).path:
            yield from (name for name, _ in parse_qsl(urlsplit(link).query))
    for form in reader.forms:
        if form.method == "get":
            yield from form.fields


def model_of(name: str) -> type[Model] | None:
    """Whose page of admin that is."""
    for model in admin.site._registry:
        if name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_"):
            return model
    return None


def columns_of(name: str) -> list[str]:
    """What a list in admin lets itself be asked for in its address."""
    model = model_of(name)
    if model is None or not name.endswith("_changelist"):
        return []
    names = [each.name for each in model._meta.concrete_fields]
    dates = [admin.site._registry[model].date_hierarchy or "pk"]
    return [
        *(f"{each}__{lookup}" for each in names for lookup in ("exact", "gte", "in", "isnull")),
        *(f"{each}__{lookup}" for each in dates for lookup in ("year", "month", "day", "gte", "lt")),
    ]


@pytest.fixture
def scene(mentor: Mentor, student: User, staff: User) -> dict[str, list[str]]:
    """Rows for the pages to show; for each argument of an address, what leads to them."""
    free = factories.SessionTypeFactory(mentor=mentor, slug="interview", price_minor=0)
    career = factories.SessionTypeFactory(mentor=mentor, slug="career")
    mine: dict[str, Any] = {"session_type": free, "student": student}
    day = timedelta(days=1)
    held = book(
        student=student, session_type=career, duration_minutes=60, starts_at=NOW + day * 8 - day / 24, now=NOW
    )
    sessions = [
        held,
        factories.BookingFactory(**mine),
        factories.BookingFactory(**mine, status=Status.REQUESTED, starts_at=NOW + day * 9),
        factories.BookingFactory(**mine, status=Status.COMPLETED, starts_at=NOW - day * 9),
        factories.BookingFactory(**mine, status=Status.CANCELLED, starts_at=NOW + day * 10),
        factories.BookingFactory(**mine, starts_at=NOW + timedelta(minutes=5)),
    ]
    paid = paid_session(session_type=career, student=student)
    sessions.append(paid.booking)
    refunded(paid, 10_000)
    sold = {"payment": paid, "amount_minor": 100, "reason": "fraudulent", "opened_at": NOW}
    Dispute.objects.create(dispute_id="DISPUTE-1", **sold)
    WebhookEvent.objects.create(
        gateway="mock",
        event_id="EVENT-1",
        type="paid",
        kind="payment",
        order=paid,
        received_at=NOW,
        due_at=NOW,
    )
    Payout.objects.create(
        mentor=mentor,
        currency="INR",
        amount_minor=1,
        transfer_reference="X",
        recorded_at=NOW,
        recorded_by=staff,
    )
    Message.objects.create(
        event="odd", kind=Kind.SESSION_SCHEDULED, recipient=student, booking=held, due_at=NOW, created_at=NOW
    )
    Review.objects.create(booking=paid.booking, rating=5, words="Good.", created_at=NOW)
    override = mentor.date_overrides.create(first_date=NOW.date() + day, last_date=NOW.date() + day * 2)
    return {
        "slug": [mentor.slug, "interview"],
        "reference": [each.reference for each in sessions],
        "pk": [str(override.pk)],
        "day": ["2026-12-09"],
        "path": ["face.jpg"],
    }


def addresses(place: site_map.Place, scene: dict[str, list[str]]) -> list[str]:
    """Those of the rows that there are."""
    model = model_of(place.name)
    row = model._default_manager.first() if model else None
    if row:
        scene = {**scene, "object_id": [str(row.pk)], "pk": [str(row.pk)]}
    known = {name: scene[name] for name in place.kinds if name in scene}
    longest = max((len(values) for values in known.values()), default=1)
    rows = [{name: values[at % len(values)] for name, values in known.items()} for at in range(longest)]
    return [place.path_with(each) for each in rows]


PEOPLE = ("nobody", "student", "mentor", "staff")


@pytest.fixture
def people(mentor: Mentor, student: User, staff: User) -> dict[str, User | None]:
    return {"nobody": None, "student": student, "mentor": mentor.user, "staff": staff}


# A fuzzer that is sent away everywhere would find nothing: some of the pages that each has to get to.
FOUND = {
    "nobody": {"landing", "mentor_list", "book", "account_login", "account_signup", "time_zone_update"},
    "student": {
        "my_sessions",
        "session_detail",
        "session_cancellation",
        "session_reschedule",
        "payment",
        "settings",
        "mentor_apply",
    },
    "mentor": {"dashboard_availability", "dashboard_rules", "dashboard_date", "dashboard_session_type_edit"},
    "staff": {
        "admin:payments_payment_refund",
        "admin:bookings_booking_changelist",
        "admin:accounts_user_change",
    },
}


@pytest.mark.postgresql  # which refuses what SQLite takes for a text or a number
@pytest.mark.parametrize("who", PEOPLE)
def test_no_form_and_no_parameter_is_answered_by_a_failure(who: str, scene, people) -> None:
    fuzzer = Fuzzer(who, people[who])
    for place in site_map.places():
        if place.name.startswith("admin:") == (who == "staff"):
            for path in addresses(place, scene):
                fuzzer.try_page(place.name, path)
    assert not fuzzer.broken, "\n".join(fuzzer.broken)
    assert fuzzer.pages >= FOUND[who]


@pytest.mark.parametrize("who", ["nobody", "staff"])
def test_no_address_is_answered_by_a_failure(who: str, people) -> None:
    fuzzer = Fuzzer(who, people[who])
    for place in site_map.places():
        fuzzer.dice.seed(place.name)
        for name in place.kinds:
            for part in fuzzer.dice.sample(PATH_PARTS, min(2 * ROUNDS, len(PATH_PARTS))):
                fuzzer.ask("get", place.path_with({name: part}))
    for part in PATH_PARTS if who == "nobody" else []:
        fuzzer.ask("get", f"/{part}")
        fuzzer.ask("get", f"/media/{part}.jpg")
        fuzzer.ask("get", f"/static/{part}")
        fuzzer.ask("get", f"/mentors/?q={part}&{part}=x")
    assert not fuzzer.broken, "\n".join(fuzzer.broken)


@pytest.mark.once  # refused before any query
def test_no_header_and_no_body_is_answered_by_a_failure(people) -> None:
    fuzzer = Fuzzer("student", people["student"])
    odd_pages = ("/", "/mentors/", "/media/face.jpg", "/settings/time-zone/", "/accounts/login/", "/healthz")
    for path in odd_pages:
        for headers in HEADERS:
            given = dict(headers)
            kind = {"CONTENT_TYPE": given.pop("content-type")} if "content-type" in given else {}
            fuzzer.ask("get", path, {"q": "x"}, headers=given, **kind)
    for path in (
        "/settings/time-zone/",
        "/accounts/login/",
        "/payments/webhooks/stripe/",
        "/become-a-mentor/",
    ):
        for kind, body in BODIES:
            fuzzer.ask("generic", "POST", path, body, kind)
    assert not fuzzer.broken, "\n".join(fuzzer.broken)
