"""A mentor sets up their time on a phone, without JavaScript, and by keyboard alone; then students elsewhere look.

What students must see is worked out here from the wall clock in Kolkata, not by the site's own engine.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e import stage
from tests.e2e.paying import zone_is_known
from tests.servers import Site

pytestmark = [pytest.mark.browser, pytest.mark.processes]

HOME = ZoneInfo("Asia/Kolkata")
WINDOW_DAYS = 13
ONE_DAY = timedelta(days=1)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
MONDAY, WEDNESDAY, FRIDAY = 0, 2, 4
# Every half hour at which an hour's session fits: 9 to 5 with lunch from 12 to 1, and 7 to half past 8.
USUAL = [time(9), time(9, 30), time(10), time(10, 30), time(11)]
USUAL += [time(hour, minute) for hour in (13, 14, 15) for minute in (0, 30)] + [time(16)]
USUAL += [time(19), time(19, 30)]
# Somebody books with each of the mentors.
TAKEN = {"thumb": time(9), "plain": time(10), "keys": time(11)}
ONE_OFF = [time(18), time(18, 30), time(19)]


def sign_in(page: Page, site: Site, name: str, path: str) -> None:
    """A new mentor of that name, on that page."""
    key = site.call(stage.empty_week, name)
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": site.url}])
    page.goto(site.url + path)


class Thumb:
    """Presses what can be seen, and writes into what is called so."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def named(self, name: str) -> Locator:
        button = self.page.get_by_role("button", name=name, exact=True)
        return button.or_(self.page.get_by_role("link", name=name, exact=True)).first

    def field(self, name: str) -> Locator:
        return self.page.get_by_label(re.compile(rf"^{name}( \(optional\))?$"))

    def press(self, name: str) -> None:
        self.named(name).click()
        self.settle()

    def unfold(self, name: str) -> None:
        self.page.locator("summary", has_text=name).click()

    def tick(self, name: str) -> None:
        self.field(name).check()

    def write(self, name: str, value: str, *, at: int = 0) -> None:
        self.field(name).nth(at).fill(value)

    def settle(self) -> None:
        """As a person waits to see what a press did."""
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        self.page.wait_for_load_state()


class Keys(Thumb):
    """Nothing but Tab, Enter, Space and what is typed."""

    def reach(self, target: Locator) -> None:
        for _ in range(400):
            if target.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    def press(self, name: str) -> None:
        self.reach(self.named(name))
        self.page.keyboard.press("Enter")
        self.settle()

    def unfold(self, name: str) -> None:
        self.reach(self.page.locator("summary", has_text=name))
        self.page.keyboard.press("Enter")

    def tick(self, name: str) -> None:
        self.reach(self.field(name))
        self.page.keyboard.press("Space")

    def write(self, name: str, value: str, *, at: int = 0) -> None:
        """Digit by digit, as this browser asks for it: with am and pm or without, the day or the month first."""
        field = self.field(name).nth(at)
        kind, typed = field.get_attribute("type"), [value]
        if kind == "time":
            moment = time.fromisoformat(value)
            typed = [f"{moment:%I%M%p}", f"{moment:%H%M}"]
        elif kind == "date":
            day = date.fromisoformat(value)
            typed = [f"{day:%d%m%Y}", f"{day:%m%d%Y}"]
        for keys in typed:
            self.reach(field)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(keys)
            if field.input_value() == value:
                return
            while field.evaluate("each => each === document.activeElement"):
                self.page.keyboard.press("Shift+Tab")
        raise AssertionError(f"{name} takes no {value}")


@pytest.fixture(params=["thumb", "plain", "keys"])
def hand(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Thumb]:
    """The mentor of that name, signed in, with a phone or a keyboard."""
    name = request.param
    context = browser.new_context(
        java_script_enabled=name != "plain",
        viewport=DESK if name == "keys" else PHONE,
        timezone_id=HOME.key,
        locale="en-GB",
    )
    page = context.new_page()
    sign_in(page, site, name, "/dashboard/availability/")
    yield (Keys if name == "keys" else Thumb)(page)
    context.close()


def coming(weekday: int, since: date) -> date:
    return since + timedelta(days=(weekday - since.weekday()) % 7)


def set_up(hand: Thumb, holiday: date, evening: date) -> None:
    hand.press("Add hours on Monday")
    hand.write("Monday, open from", "09:00")
    hand.write("Monday, open to", "17:00")
    hand.press("Add break on Monday")
    hand.write("Monday, break from", "12:00")
    hand.write("Monday, break to", "13:00")
    hand.press("Add hours on Monday")
    hand.write("Monday, open from", "19:00", at=1)
    hand.write("Monday, open to", "20:30", at=1)
    hand.unfold("Copy a day to others")
    hand.tick("Wednesday")
    hand.tick("Friday")
    hand.press("Copy")
    expect(hand.field("Friday, break to")).to_have_value("13:00")
    hand.press("Save")
    expect(hand.page.get_by_text("Your weekly hours are saved.")).to_be_visible()

    hand.press("Days off and other hours")
    hand.write("First day off", holiday.isoformat())
    hand.press("Block these days")
    expect(hand.page.locator(".dated__row")).to_contain_text("off")
    if evening.month != holiday.month:
        hand.press(f"{evening:%B %Y}")
    hand.press(f"{evening:%A} {evening.day} {evening:%B %Y}: no hours")
    hand.write("Hours 1, from", "18:00")
    hand.write("Hours 1, to", "20:00")
    hand.press("Use these hours")
    expect(hand.page.get_by_text("has hours of its own")).to_be_visible()

    hand.press("Booking rules")
    hand.write("How many days ahead students may book", str(WINDOW_DAYS))
    hand.write("Most sessions a day", "1")
    hand.press("Save")
    expect(hand.page.get_by_text("Your booking rules are saved.")).to_be_visible()


def expected(today: date, holiday: date, evening: date, full: date, zone: ZoneInfo) -> dict[str, list[str]]:
    """Dates and times as they read in that zone."""
    found: dict[str, list[str]] = {}
    for day in (today + timedelta(days=ahead) for ahead in range(1, WINDOW_DAYS + 1)):
        usual = USUAL if day.weekday() in (MONDAY, WEDNESDAY, FRIDAY) else []
        times = {holiday: [], full: [], evening: ONE_OFF}.get(day, usual)
        for each in times:
            there = datetime.combine(day, each, HOME).astimezone(zone)
            clock = f"{there.hour % 12 or 12}:{there:%M} {'am' if there.hour < 12 else 'pm'}"
            found.setdefault(f"{there:%Y-%m-%d}", []).append(clock)
    return found


def offered(context: BrowserContext, site: Site, mentor: str) -> dict[str, list[str]]:
    """What the wizard shows somebody who is signed out: each month's days, each day's times."""
    page = context.new_page()
    page.goto(site.url)
    zone_is_known(page)
    page.goto(f"{site.url}/mentors/{mentor}/book/?type=mock-interview")
    days: list[str] = []
    while True:
        days += [str(day.get_attribute("href")) for day in page.locator("a.month__day").all()]
        following = page.locator(".month a[rel=next]")
        if not following.count():
            break
        here = page.locator(".month__title").first.inner_text()
        following.first.click()
        expect(page.locator(".month__title").first).not_to_have_text(here)
    found = {}
    for href in days:
        page.goto(f"{site.url}/mentors/{mentor}/book/{href}")
        date_of = re.search(r"date=([\d-]+)", href)
        assert date_of
        slots = page.locator(".slot").all_inner_texts()  # below their own time the mentor's may stand
        found[date_of[1]] = [time[0] for slot in slots if (time := re.match(r"\d+:\d\d [ap]m", slot))]
    return found


def test_a_week_set_up_by_hand_is_what_students_elsewhere_see(
    hand: Thumb, browser: Browser, site: Site, request: pytest.FixtureRequest
) -> None:
    mentor = request.node.callspec.params["hand"]
    today = datetime.now(HOME).date()
    holiday = coming(WEDNESDAY, today + ONE_DAY)
    evening = coming(5, holiday)
    full = coming(FRIDAY, today + ONE_DAY)
    set_up(hand, holiday, evening)
    start = datetime.combine(full, TAKEN[mentor], HOME).astimezone(ZoneInfo("UTC"))
    site.call(stage.take, f"{mentor}@example.com", f"{start:%Y-%m-%dT%H:%MZ}")
    for name in ("Asia/Kolkata", "America/Los_Angeles", "Pacific/Auckland"):
        context = browser.new_context(timezone_id=name, locale="en-US", viewport=PHONE)
        assert offered(context, site, mentor) == expected(today, holiday, evening, full, ZoneInfo(name)), name
        context.close()
    hand.page.goto(f"{site.url}/dashboard/availability/?preview_zone=America/Los_Angeles")
    shown = hand.page.locator(".preview__day:not([data-empty]) .preview__date").all_inner_texts()
    there = expected(today, holiday, evening, full, ZoneInfo("America/Los_Angeles"))
    until = datetime.now(ZoneInfo("America/Los_Angeles")).date() + 6 * ONE_DAY
    dates = [day for each in there if (day := date.fromisoformat(each)) <= until]
    assert shown == [f"{each:%a} {each.day} {each:%b}" for each in dates]


def test_changes_show_in_the_preview_as_they_are_made(browser: Browser, site: Site) -> None:
    context = browser.new_context(timezone_id=HOME.key, locale="en-GB", viewport=PHONE)
    page = context.new_page()
    sign_in(page, site, "live", "/dashboard/availability/dates/")
    site.call(stage.open_always, "live")
    page.reload()
    before = page.locator(".preview__day[data-empty]").count()
    tomorrow = datetime.now(HOME).date() + ONE_DAY
    page.get_by_label("First day off").fill(tomorrow.isoformat())
    page.get_by_label("Last day off").fill((tomorrow + 6 * ONE_DAY).isoformat())
    page.get_by_label("Note").focus()
    expect(page.locator("#preview")).to_contain_text("not saved yet")
    expect(page.locator(".preview__day[data-empty]")).to_have_count(before + 6)
    page.reload()
    expect(page.locator(".preview__day[data-empty]")).to_have_count(before)
    context.close()


@pytest.mark.parametrize(("mentor", "javascript"), [("smooth", True), ("bare", False)])
def test_what_a_press_led_to_is_in_view(browser: Browser, site: Site, mentor: str, javascript: bool) -> None:
    context = browser.new_context(
        java_script_enabled=javascript, timezone_id=HOME.key, locale="en-GB", viewport=PHONE
    )
    hand = Thumb(context.new_page())
    page = hand.page
    sign_in(page, site, mentor, "/dashboard/availability/")
    saved, wrong = page.get_by_text("Your weekly hours are saved."), page.get_by_role("alert")

    def press(name: str, *, in_place: bool = False) -> None:
        if in_place and javascript:
            hand.press(name)
            return
        with page.expect_navigation(wait_until="load"):
            hand.named(name).click()

    press("Add hours on Sunday", in_place=True)
    hand.write("Sunday, open from", "09:00", at=-1)
    hand.write("Sunday, open to", "10:00", at=-1)

    press("Preview without saving")
    expect(page.get_by_text("which are not saved yet")).to_be_in_viewport()
    press("Save")
    expect(saved).to_be_in_viewport()
    press("The week after")
    expect(page.get_by_role("heading", name="What students see")).to_be_in_viewport()
    press("Save")
    expect(saved).to_be_in_viewport()

    for button in ("Save", "Preview without saving"):
        press("Preview without saving")
        hand.write("Sunday, open to", "", at=-1)
        press(button)
        expect(wrong).to_be_in_viewport()
        expect(wrong).to_be_focused()
        hand.write("Sunday, open to", "10:00", at=-1)

    press("Preview without saving")
    hand.unfold("Copy a day to others")
    page.get_by_label("Copy the hours and breaks of").select_option("Sunday")
    hand.tick("Thursday")
    press("Copy", in_place=True)
    expect(hand.named("Add hours on Thursday")).to_be_focused()
    expect(hand.named("Add hours on Thursday")).to_be_in_viewport()
    hand.unfold("Copy a day to others")
    press("Copy", in_place=True)
    expect(page.get_by_text("Tick the days that get these hours.")).to_be_in_viewport()
    context.close()
