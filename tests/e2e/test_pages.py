"""Every page of the site, found by walking its URL table: empty, filled, and with errors shown.

None may have an accessibility violation (axe, WCAG 2.2 AA), a console error, a request to another
host, or weigh more than 150 kB. A URL that is named neither in `PAGES` nor in `NOT_PAGES` fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, Page, Request, Response, expect

from tests.e2e import stage
from tests.e2e.accessibility import EVERYTHING, is_accessible
from tests.e2e.paying import zone_is_known
from tests.servers import PRODUCTION, Site, start_web

pytestmark = [pytest.mark.browser, pytest.mark.processes]

MAX_BYTES = 150_000
# Of a first visit, with nothing kept from before, as it comes over the wire.
MAX_REQUESTS, MAX_FIRST_BYTES = 8, 90_000
# What axe asks of a page in light colours, and what is left to ask once they are dark.
RULES = {"light": EVERYTHING, "dark": ("color-contrast", "link-in-text-block")}
PASSWORD = "office-hours"
# Colours that are on their way from one scheme to the other are nobody's to judge.
SETTLE = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
  document.getAnimations().forEach(each => each.finish());
  done();
})))"""

# Bytes of the page and of all that it has, unpacked, wherever they came from.
WEIGHT = "performance.getEntries().reduce((sum, each) => sum + (each.decodedBodySize || 0), 0)"

STUDENT, MENTOR, APPROVAL, STAFF, NEW, NOBODY = "student", "mentor", "approval", "staff", "new", ""

# Why a URL is not a page to look at.
NOT_PAGES = {
    "healthz": "JSON",
    "media": "photos",
    "mentor_picture": "a picture",
    "site_picture": "a picture",
    "sitemap": "XML",
    "staff_find": "leads to a row or a list",
    "sitemap_section": "XML",
    "robots": "a text file",
    "security_txt": "a text file",
    "city_list": "options for whoever types a city",
    "session_invite": "a calendar file",
    "session_receipt": "a PDF",
    "data_download": "takes a POST",
    "payment_razorpay": "needs Razorpay; the journeys with it look at the page",
    "payment_razorpay_return": "takes a POST",
    "webhook_stripe": "takes a POST",
    "webhook_razorpay": "takes a POST",
    "webhook_stripe_bare": "takes a POST",
    "webhook_razorpay_bare": "takes a POST",
    "payment_mock": "takes a POST",
    "payment_stripe": "takes a POST",
    "payment_saved_card": "takes a POST",
    "payment_methods": "needs a provider that keeps cards; the journeys with Stripe look at it",
    "payment_method_add": "takes a POST",
    "payment_method_remove": "takes a POST",
    "session_accept": "takes a POST",
    "session_decline": "takes a POST",
    "dashboard_session_type_switch": "takes a POST",
    "dashboard_session_type_move": "takes a POST",
    "dashboard_override_removal": "takes a POST",
    "mfa_download_recovery_codes": "a text file",
    "account_set_password": "for people without a password, and everybody here has one",
    "account_confirm_email": "confirmed by code; the page is allauth's for a link that nobody gets",
    "account_reset_password_from_key": "its key comes by mail; the journeys open it",
    "mfa_authenticate": "in the middle of signing in; the journeys open it",
    "mfa_reauthenticate": "in the middle of signing in; the journeys open it",
    "mfa_deactivate_totp": "needs two-step sign-in switched on; the journeys open it",
    "mfa_view_recovery_codes": "needs two-step sign-in switched on; the journeys open it",
    "mfa_generate_recovery_codes": "needs two-step sign-in switched on; the journeys open it",
    "account_confirm_login_code": "its code comes by mail; the journeys open it",
    "account_email_verification_sent": "its code comes by mail; the journeys open it",
}


@dataclass(frozen=True)
class Visit:
    """A page as somebody sees it. `path` may name things of the scene in braces."""

    name: str
    path: str
    who: str = NOBODY
    status: int = 200
    # Fields to fill before the form of `main` is sent with its own checks off; errors must then be shown.
    breaks: dict[str, str] | None = field(default=None, hash=False)
    site: str = "filled"

    @property
    def label(self) -> str:
        return (
            f"{self.name}{'-errors' if self.breaks is not None else ''}-{self.who or 'anonymous'}-{self.path}"
        )


WIZARD = "/mentors/{mentor_slug}/book/"
PAGES = [
    Visit("landing", "/"),
    Visit("landing", "/", site="empty"),
    Visit("landing", "/", STUDENT),
    Visit("terms", "/terms/"),
    Visit("privacy", "/privacy/"),
    Visit("refunds", "/refunds/"),
    Visit("contact", "/contact/", STUDENT),
    Visit("styleguide", "/styleguide/", site="developed"),
    Visit("styleguide", "/styleguide/", status=404),
    Visit("mentor_list", "/mentors/"),
    Visit("mentor_list", "/mentors/", site="empty"),
    Visit("mentor_list", "/mentors/?q=nothing-is-called-this"),
    Visit("mentor_list", "/mentors/?page=999&sort=odd&skill=nonsense"),
    Visit("mentor_list", "/mentors/?skill=%00", status=400),
    Visit("mentor_detail", "/mentors/{mentor_slug}/"),
    Visit("mentor_detail", "/mentors/{mentor_slug}/", MENTOR),
    Visit("mentor_detail", "/mentors/nobody/", status=404),
    Visit("mentor_apply", "/become-a-mentor/"),
    Visit("mentor_apply", "/become-a-mentor/", NEW, site="empty"),
    Visit("mentor_apply", "/become-a-mentor/", NEW, site="empty", breaks={"headline": ""}),
    Visit("mentor_apply", "/become-a-mentor/", MENTOR),
    Visit("book", WIZARD),
    Visit("book", WIZARD + "?type={free_type}"),
    Visit("book", WIZARD + "?type={free_type}&view=week"),
    Visit("book", WIZARD + "?type={free_type}&view=week&date={date}", STUDENT),
    Visit("book", WIZARD + "?type={free_type}&month=2099-01"),
    Visit("book", WIZARD + "?type={free_type}&date={date}"),
    Visit("book", WIZARD + "?type={paid_type}&date={date}", STUDENT),
    Visit("book", WIZARD + "?type={free_type}&start={start}", STUDENT),
    Visit("book", WIZARD + "?type={paid_type}&start={start}"),
    Visit("book", WIZARD + "?type={free_type}&start={start}", STUDENT, breaks={"topic": "x" * 201}),
    Visit("book", WIZARD + "?type={free_type}&start={start}", STUDENT, breaks={"shown": "type=another"}),
    Visit("book", WIZARD + "?type={free_type}&duration=45"),
    Visit("book", WIZARD + "?type={paid_type}&start={start}", breaks={"email": "no"}),
    Visit("book", WIZARD + "?type={free_type}&start={start}&account=yes"),
    Visit("book", WIZARD, MENTOR, status=422),
    Visit("book_code", WIZARD + "code/", status=410),
    Visit("my_sessions", "/my-sessions/", STUDENT),
    Visit("my_sessions", "/my-sessions/", NEW, site="empty"),
    Visit("my_sessions", "/my-sessions/?show=past", STUDENT),
    Visit("my_sessions", "/my-sessions/?show=cancelled", STUDENT),
    Visit("my_sessions", "/my-sessions/?show=all", STUDENT),
    Visit("session_detail", "/sessions/{held}/", STUDENT),
    Visit("session_detail", "/sessions/{checked}/", STUDENT),
    Visit("session_detail", "/sessions/{free}/", STUDENT),
    Visit("session_detail", "/sessions/{free}/", MENTOR),
    Visit("session_detail", "/sessions/{requested}/", APPROVAL),
    Visit("session_detail", "/sessions/{cancelled}/", STUDENT),
    Visit("session_confirmation", "/sessions/{free}/confirmation/", STUDENT),
    Visit("session_confirmation", "/sessions/{requested}/confirmation/", STUDENT),
    Visit("session_cancellation", "/sessions/{free}/cancellation/", STUDENT),
    Visit("session_cancellation", "/sessions/{paid}/cancellation/", STUDENT),
    Visit("session_cancellation", "/sessions/{checked}/cancellation/", STUDENT),
    Visit("payment_return", "/sessions/{checked}/payment/return/", STUDENT),
    Visit("session_cancellation", "/sessions/{paid}/cancellation/", STUDENT, breaks={"reason": "x" * 501}),
    Visit(
        "session_cancellation", "/sessions/{paid}/cancellation/", STUDENT, breaks={"quoted": "scheduled:1:1"}
    ),
    Visit("session_cancellation", "/sessions/{free}/cancellation/", MENTOR, breaks={"reason": ""}),
    Visit("session_reschedule", "/sessions/{free}/reschedule/?date={date}", STUDENT),
    Visit("session_reschedule", "/sessions/{free}/reschedule/?start={start}", STUDENT),
    Visit("session_reschedule", "/sessions/{free}/reschedule/", MENTOR, breaks={"reason": ""}),
    Visit("session_join", "/sessions/{free}/join/", STUDENT),
    Visit("payment", "/sessions/{held}/payment/", STUDENT),
    Visit("payment_failed", "/sessions/{held}/payment/failed/", STUDENT),
    Visit("payment_list", "/payments/", STUDENT),
    Visit("payment_list", "/payments/", NEW, site="empty"),
    Visit("session_receipt_page", "/sessions/{paid}/receipt/", STUDENT),
    Visit("session_receipt_page", "/sessions/{paid}/receipt/", MENTOR, status=404),
    Visit("dashboard_earnings", "/dashboard/earnings/", MENTOR),
    Visit("dashboard_earnings", "/dashboard/earnings/?page=2", MENTOR),
    Visit("dashboard", "/dashboard/", MENTOR),
    Visit("dashboard", "/dashboard/", APPROVAL),
    Visit("dashboard_availability", "/dashboard/availability/", MENTOR),
    Visit("dashboard_availability", "/dashboard/availability/", MENTOR, breaks={"form-0-ends": ""}),
    Visit("dashboard_availability", "/dashboard/availability/?preview_zone=Pacific/Auckland", APPROVAL),
    Visit("dashboard_rules", "/dashboard/availability/rules/", MENTOR),
    Visit("dashboard_rules", "/dashboard/availability/rules/", MENTOR, breaks={"window_days": "99"}),
    Visit("dashboard_dates", "/dashboard/availability/dates/", MENTOR),
    Visit("dashboard_dates", "/dashboard/availability/dates/", MENTOR, breaks={"first_date": ""}),
    Visit("dashboard_date", "/dashboard/availability/dates/{date}/", MENTOR),
    Visit("dashboard_date", "/dashboard/availability/dates/{date}/", MENTOR, breaks={"starts_1": "10:00"}),
    Visit("dashboard_session_types", "/dashboard/session-types/", MENTOR),
    Visit("dashboard_session_type_create", "/dashboard/session-types/new/", MENTOR),
    Visit("dashboard_session_type_create", "/dashboard/session-types/new/", MENTOR, breaks={"name": ""}),
    Visit("dashboard_session_type_edit", "/dashboard/session-types/{paid_type}/", MENTOR),
    Visit("dashboard_profile", "/dashboard/profile/", MENTOR),
    Visit("dashboard_profile", "/dashboard/profile/", MENTOR, breaks={"headline": "", "bio": ""}),
    Visit("dashboard_sessions", "/dashboard/sessions/", MENTOR),
    Visit("dashboard_sessions", "/dashboard/sessions/?show=cancelled", APPROVAL),
    Visit("settings", "/settings/", STUDENT),
    Visit("settings", "/settings/", STUDENT, breaks={"name": "", "phone": "not a number"}),
    Visit("data", "/settings/data/", STUDENT),
    Visit("account_closing", "/settings/data/closing/", STUDENT),
    Visit("account_closing", "/settings/data/closing/", NEW, site="empty"),
    Visit("time_zone_update", "/settings/time-zone/"),
    Visit("account_login", "/accounts/login/"),
    Visit("account_login", "/accounts/login/", breaks={"login": "nobody@example.com", "password": "wrong"}),
    Visit("account_signup", "/accounts/signup/"),
    Visit("account_signup", "/accounts/signup/", breaks={"email": "no", "password1": "a", "password2": "b"}),
    Visit("account_logout", "/accounts/logout/", STUDENT),
    Visit("account_inactive", "/accounts/inactive/"),
    Visit("account_reauthenticate", "/accounts/reauthenticate/", STUDENT),
    Visit("account_email", "/accounts/email/", STUDENT),
    Visit("account_email", "/accounts/email/", STUDENT, breaks={"email": "no"}),
    Visit("account_change_password", "/accounts/password/change/", STUDENT),
    Visit("account_change_password", "/accounts/password/change/", STUDENT, breaks={"oldpassword": "x"}),
    Visit("account_reset_password", "/accounts/password/reset/"),
    Visit("account_reset_password", "/accounts/password/reset/", breaks={"email": "no"}),
    Visit("account_reset_password_done", "/accounts/password/reset/done/"),
    Visit("account_reset_password_from_key", "/accounts/password/reset/key/0-made-up/"),
    Visit("account_reset_password_from_key_done", "/accounts/password/reset/key/done/"),
    Visit("account_request_login_code", "/accounts/login/code/"),
    Visit("mfa_index", "/accounts/2fa/", STUDENT),
    Visit("mfa_activate_totp", "/accounts/2fa/totp/activate/", STUDENT),
    Visit("mfa_activate_totp", "/accounts/2fa/totp/activate/", STUDENT, breaks={"code": "0"}),
]


def named_urls(patterns: list[Any]) -> set[str]:
    names = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":  # Django's own
                names |= named_urls(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            names.add(str(pattern.name))
    return names


def test_every_url_is_visited_or_said_to_be_no_page() -> None:
    known = {visit.name for visit in PAGES} | NOT_PAGES.keys()
    assert named_urls(get_resolver().url_patterns) == known


@pytest.fixture(scope="module")
def filled(site: Site) -> tuple[Site, dict[str, str]]:
    return site, site.call(stage.stage)


@pytest.fixture(scope="module")
def empty() -> Iterator[tuple[Site, dict[str, str]]]:
    with start_web(PRODUCTION) as site:
        site.call(stage.newcomer, "New", PASSWORD)
        yield site, {}


@pytest.fixture(scope="module")
def developed() -> Iterator[tuple[Site, dict[str, str]]]:
    with start_web({"DEBUG": "1"}) as site:
        yield site, {}


class Room:
    """Somebody's page, on a phone, and what it asked for and complained of since the last visit began.

    The same page for all visits: each new one would be a new process of the browser.
    """

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page(timezone_id="Asia/Kolkata", viewport={"width": 390, "height": 844})
        self.complaints: list[str] = []
        self.responses: list[Response] = []
        self.is_leaving = False
        self.page.on("request", self._leave)
        self.page.on("response", lambda response: self.responses.append(response))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on(
            "console",
            lambda message: message.type in ("error", "warning") and self.complaints.append(message.text),
        )

    def enter(self, site: Site, who: str) -> None:
        """The first page of all learns the zone."""
        self.page.goto(f"{site.url}/accounts/login/" if who else site.url)
        zone_is_known(self.page)
        if who:
            self.page.fill("[name=login]", f"{who}@example.com")
            self.page.fill("[name=password]", PASSWORD)
            self.page.press("[name=password]", "Enter")
            self.page.wait_for_url(lambda url: "/accounts/login/" not in url)

    def begin(self) -> None:
        self.page.emulate_media(color_scheme="light")
        self.is_leaving = True

    def _leave(self, request: Request) -> None:
        """What the page before still gets, it gets until the next one is asked for."""
        if self.is_leaving and request.is_navigation_request():
            self.complaints.clear()
            self.responses.clear()
            self.is_leaving = False


class Rooms:
    """A room for each person at each site."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.rooms: dict[tuple[str, str], Room] = {}

    def of(self, site: Site, who: str) -> Room:
        if (site.url, who) not in self.rooms:
            room = self.rooms[site.url, who] = Room(self.browser)
            room.enter(site, who)
        return self.rooms[site.url, who]


@pytest.fixture(scope="module")
def rooms(browser: Browser) -> Iterator[Rooms]:
    rooms = Rooms(browser)
    yield rooms
    for room in rooms.rooms.values():
        room.page.close()


@pytest.mark.parametrize("visit", PAGES, ids=lambda visit: visit.label)
def test_page_is_accessible_quiet_self_contained_and_light(
    visit: Visit, rooms: Rooms, request: pytest.FixtureRequest
) -> None:
    site, scene = request.getfixturevalue(visit.site)
    room = rooms.of(site, visit.who)
    room.begin()
    page = room.page
    answer = page.goto(site.url + visit.path.format(**scene))
    assert answer is not None
    if "/reauthenticate/" in page.url and visit.name != "account_reauthenticate":
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"**{visit.path}")
        room.responses.clear()
        answer = page.goto(site.url + visit.path)
    assert answer is not None
    assert answer.status == visit.status
    assert urlsplit(page.url).path == urlsplit(visit.path.format(**scene)).path
    weight = page.evaluate(WEIGHT)
    assert weight < MAX_BYTES, f"{weight} bytes"
    if visit.breaks is not None:
        break_form(page, visit.breaks)
    elsewhere = [each.url for each in room.responses if not each.url.startswith((site.url, "data:"))]
    assert elsewhere == []
    expected = ("status of 422", "status of 409", "status of 410", "status of 404", "status of 400")
    assert [words for words in room.complaints if not any(each in words for each in expected)] == []
    assert page.locator("h1").count() == 1
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(SETTLE)
        is_accessible(page, rules)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "scrolls sideways on a phone"


@pytest.mark.parametrize("path", ["/", "/mentors/", "/mentors/{mentor_slug}/", WIZARD + "?type={free_type}"])
def test_first_visit_asks_for_little_and_once(
    path: str, browser: Browser, filled: tuple[Site, dict[str, str]]
) -> None:
    site, scene = filled
    with browser.new_context(timezone_id="America/New_York") as visitor:
        page = visitor.new_page()
        requests: list[Request] = []
        page.on("requestfinished", lambda request: requests.append(request))
        page.goto(site.url + path.format(**scene), wait_until="networkidle")
        expect(page.get_by_role("contentinfo")).to_contain_text("Times in America/New York")
        asked = [each for each in requests if not each.url.startswith("data:")]
        assert [each.is_navigation_request() for each in asked].count(True) == 1
        assert len(asked) <= MAX_REQUESTS, [each.url for each in asked]
        weight = sum(each.sizes()["responseBodySize"] for each in asked)
        assert weight <= MAX_FIRST_BYTES, f"{weight} bytes"


def break_form(page: Page, fields: dict[str, str]) -> None:
    """Send the page's last form that has these fields, as a browser would that checks nothing.

    A hidden field is what the page showed: with another value the page is a stale one.
    """
    form = (
        page.locator("main form[method=post]").filter(has=page.locator(f"[name={next(iter(fields))}]")).last
    )
    for name, value in fields.items():
        box = form.locator(f"[name={name}]").first
        box.evaluate("box => box.removeAttribute('maxlength')")
        if box.is_visible():
            box.fill(value)
        else:
            box.evaluate("(box, value) => { box.value = value; }", value)
    form.evaluate("form => { form.noValidate = true; }")
    form.locator("button[type=submit]").last.click()
    page.wait_for_load_state()
    page.wait_for_selector("[aria-invalid=true], [role=alert]")
