"""The main job, clicked as a person would, with JavaScript and without, on a phone."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e import stage
from tests.e2e.accessibility import is_accessible
from tests.e2e.paying import runs_scripts, zone_is_known
from tests.servers import Site
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PHONE = {"width": 390, "height": 844}
visitors = count(1)


class Visitor:
    """Somebody with a phone; counts the presses that a person makes."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site, self.presses = page, site, 0
        self.name = f"Visitor {next(visitors)}"

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)
        zone_is_known(self.page)

    def press(self, target: Locator) -> None:
        """Press something that can be seen without scrolling sideways, as a thumb would."""
        self.presses += 1
        target.click()
        self.page.wait_for_load_state()

    def button(self, name: str) -> Locator:
        button = self.page.get_by_role("button", name=name, exact=True)
        return button.or_(self.page.get_by_role("link", name=name, exact=True)).first

    def say_who(self) -> None:
        """On the last step, as somebody new."""
        self.email = f"{self.name.lower().replace(' ', '.')}@example.com"
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("E-mail").fill(self.email)

    def enter_code(self, button: str) -> None:
        """The one that was mailed to them."""
        expect(self.page.get_by_text(f"We sent a code to {self.email}")).to_be_visible()
        [mail] = (self.site.data_dir / "mail").glob(f"*-{self.email}-*.eml")
        code = re.search(r"^[A-Z]{4}-[A-Z]{4}", mail.read_text(), re.M)
        assert code
        if runs_scripts(self.page):  # axe waits for ever where no script runs
            is_accessible(self.page)
        self.page.get_by_label("Code").fill(code[0])
        self.press(self.button(button))

    def sign_in(self) -> None:
        """With an account of their own. The sign-in form's own presses are not counted."""
        email = self.site.call(stage.newcomer, self.name, "office-hours")
        self.page.fill("[name=login]", email)
        self.page.fill("[name=password]", "office-hours")
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_load_state()


@pytest.fixture(params=[True, False], ids=["javascript", "plain"])
def visitor(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Visitor]:
    context = browser.new_context(
        java_script_enabled=request.param, viewport=PHONE, timezone_id="Asia/Kolkata", locale="en-GB"
    )
    yield Visitor(context.new_page(), site)
    context.close()


def in_view(page: Page, target: Locator) -> bool:
    """Once the page is drawn, without scrolling."""
    page.wait_for_load_state()
    box = target.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= PHONE["height"]


def book(visitor: Visitor, name: str, pick: int, minutes: int = 0) -> None:
    """From the profile to the confirming press; each step's next action is in view as the page opens."""
    page = visitor.page
    assert in_view(page, visitor.button("Book Session"))
    visitor.press(visitor.button("Book Session"))
    assert in_view(page, visitor.button("Continue"))
    visitor.press(page.locator("label.choice__main", has_text=name))
    if minutes:
        visitor.press(page.locator("label.segments__part", has_text=f"{minutes} min"))
    visitor.press(visitor.button("Continue"))
    pick_time(visitor, pick)


def pick_time(visitor: Visitor, pick: int) -> None:
    page = visitor.page
    days = page.locator("a.month__day")
    assert in_view(page, days.first)
    visitor.press(days.nth(pick % days.count()))  # a month's last days leave few to pick from
    assert in_view(page, visitor.button("Continue"))
    visitor.press(page.locator("label.slot").first)
    visitor.press(visitor.button("Continue"))
    page.wait_for_url("**start=**")


def test_a_free_session_from_signed_out_to_my_sessions(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/mentors/?q=Meera")
    page.get_by_role("link", name="Meera Rao").first.click()
    book(visitor, "Mock Interview", pick=2)
    page.get_by_label("What would you like to talk about?").fill("My first mock interview")
    assert in_view(page, visitor.button("Confirm Booking"))
    visitor.press(visitor.button("I have an account"))
    expect(page.get_by_label("What would you like to talk about?")).to_have_value("My first mock interview")
    visitor.sign_in()
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    assert visitor.presses <= 7
    expect(page.get_by_text("SESSION-").first).to_be_visible()
    with page.expect_download() as download:
        visitor.button("Add to Calendar").click()
    assert "METHOD:PUBLISH" in Path(download.value.path()).read_text()
    visitor.button("View My Sessions").click()
    expect(page.locator(".row, .ticket", has_text="Mock Interview").first).to_contain_text("Booked, free")


def test_somebody_new_pays_a_session_in_eleven_presses_and_another_in_five(visitor: Visitor) -> None:
    """From home, beside typing; a declined card's detour is not counted."""
    page = visitor.page
    visitor.open("/")
    page.get_by_role("searchbox").first.fill("Marcus")
    visitor.press(page.get_by_role("search").get_by_role("button"))
    visitor.press(page.get_by_role("link", name="Marcus Ellery").first)
    book(visitor, "Analysis Review", pick=4)
    visitor.say_who()
    visitor.press(visitor.button("Proceed to Payment"))
    visitor.enter_code("Proceed to Payment")
    expect(page).to_have_url(re.compile(r"/sessions/SESSION-\w+/payment/$"))
    expect(page.get_by_text("ORDER-").first).to_be_visible()
    expect(page.get_by_text("$115.50").first).to_be_visible()
    visitor.button("Simulate Payment Failure").click()
    expect(page).to_have_url(re.compile(r"/payment/failed/$"))
    expect(page.get_by_text("The card was declined.")).to_be_visible()
    visitor.button("Try again").click()
    visitor.press(visitor.button("Simulate Payment Success"))
    expect(page).to_have_url(re.compile(r"/confirmation/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    expect(page.get_by_text("PAY-").first).to_be_visible()
    assert visitor.presses <= 11

    visitor.open("/mentors/?q=Marcus")
    visitor.presses = 1  # of the search
    visitor.press(page.get_by_role("link", name="Marcus Ellery").first)
    visitor.press(page.locator("a.opentime").last)
    visitor.press(visitor.button("Proceed to Payment"))
    visitor.press(visitor.button("Simulate Payment Success"))
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    assert visitor.presses <= 5
    visitor.button("View My Sessions").click()
    row = page.locator(".row, .ticket", has_text="Analysis Review").first
    expect(row).to_contain_text("Booked and paid")


def offer(site: Site, **offers: dict[str, object]) -> None:
    """What Meera's sessions are from now on, by their names."""
    for name, facts in offers.items():
        site.call(stage.change_offer, "mentor@example.com", name, **facts)


def test_a_price_raised_and_a_length_dropped_before_the_last_press_are_said_and_not_booked(
    visitor: Visitor,
) -> None:
    page, review, design = visitor.page, "Resume Review", "System Design Review"
    offer(visitor.site, **{review: {"price_minor": 150_000}, design: {"durations": [30, 60, 90, 120]}})
    visitor.open("/accounts/login/")
    visitor.sign_in()
    topic = page.get_by_label("What would you like to talk about?")

    visitor.open("/mentors/meera-rao/")
    book(visitor, review, pick=3)
    expect(page.get_by_text("₹1,575.00").last).to_be_visible()
    topic.fill("Two pages or one")
    offer(visitor.site, **{review: {"price_minor": 900_000}})
    visitor.press(visitor.button("Proceed to Payment"))
    changed = page.get_by_text("The price is now ₹9,450; it was ₹1,575 when you looked.")
    expect(changed).to_be_visible()
    assert in_view(page, changed)
    assert in_view(page, visitor.button("Proceed to Payment"))
    expect(topic).to_have_value("Two pages or one")
    visitor.press(visitor.button("Proceed to Payment"))
    expect(page).to_have_url(re.compile(r"/payment/$"))
    expect(page.get_by_text("₹9,450.00").first).to_be_visible()

    visitor.open("/mentors/meera-rao/")
    book(visitor, design, pick=5, minutes=90)
    expect(page.get_by_text("$78.75").first).to_be_visible()
    topic.fill("A queue that loses nothing")
    offer(visitor.site, **{design: {"durations": [30, 60]}})
    visitor.press(visitor.button("Proceed to Payment"))
    gone = page.get_by_text("System Design Review isn’t offered for 90 minutes. Please choose again.")
    expect(gone).to_be_visible()
    assert in_view(page, gone)
    visitor.press(page.locator("label.segments__part", has_text="60 min"))
    visitor.press(visitor.button("Continue"))
    pick_time(visitor, pick=5)
    expect(topic).to_have_value("A queue that loses nothing")
    visitor.press(visitor.button("Proceed to Payment"))
    expect(page).to_have_url(re.compile(r"/payment/$"))
    expect(page.get_by_text("$52.50").first).to_be_visible()


def test_back_and_reload_keep_every_choice(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/mentors/?q=Meera")
    page.get_by_role("link", name="Meera Rao").first.click()
    book(visitor, "System Design Review", pick=6)
    here = page.url
    page.reload()
    expect(page).to_have_url(here)
    expect(page.get_by_text("System Design Review").first).to_be_visible()
    visitor.button("Back").click()
    expect(page.locator("label.slot").first).to_be_visible()
    page.go_back()
    expect(page).to_have_url(here)


def test_a_time_taken_while_somebody_looks_is_struck_through_without_a_reload(
    browser: Browser, site: Site
) -> None:
    looking = Visitor(browser.new_page(timezone_id="Asia/Kolkata"), site)
    looking.open("/mentors/?q=Meera")
    looking.page.get_by_role("link", name="Meera Rao").first.click()
    book(looking, "Mock Interview", pick=8)
    looking.button("Back").click()
    slot = looking.page.locator("label.slot").first
    label = slot.inner_text()
    start = slot.locator("input").get_attribute("value")
    day = looking.page.url.partition("?")[2]
    site.call(stage.take, "mentor@example.com", start)
    looking.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(looking.page.locator(".slot[data-state=taken]", has_text=label)).to_be_visible(timeout=20_000)
    assert looking.page.url.partition("?")[2] == day


def test_the_confirmation_mail_reaches_both_through_the_worker(visitor: Visitor) -> None:
    page, folder = visitor.page, visitor.site.data_dir / "mail"
    visitor.open("/mentors/?q=Meera")
    page.get_by_role("link", name="Meera Rao").first.click()
    book(visitor, "Mock Interview", pick=10)
    visitor.press(visitor.button("I have an account"))
    visitor.sign_in()
    page.wait_for_url("**/confirmation/")
    match = re.search(r"SESSION-\w+", page.url)
    assert match
    assert wait_until(
        lambda: len([each for each in folder.glob("*.eml") if match[0] in each.read_text()]) == 2
    ), [each.name for each in folder.glob("*")]
