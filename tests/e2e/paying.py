"""What journeys with every provider have in common: a phone, and the way to a session's payment page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from playwright.sync_api import Browser, Page, expect

from tests.e2e import stage
from tests.servers import Site

payers = count(1)


@contextmanager
def phone(browser: Browser, *, javascript: bool) -> Iterator[Page]:
    """A page on a phone; whatever the policy blocks is a failure of the test."""
    context = browser.new_context(java_script_enabled=javascript, viewport={"width": 390, "height": 844})
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [each for each in complaints if "Content Security Policy" in each] == []


def open_payment(page: Page, site: Site) -> str:
    """Somebody new, signed in, on the payment page of a session that is held for them; its reference."""
    payer = site.call(stage.held, f"Payer {next(payers)}")
    # By another name than the provider's stand-in, so that the two are different sites.
    shop = site.url.replace("127.0.0.1", "localhost")
    page.context.add_cookies([{"name": "sessionid", "value": payer["session"], "url": shop}])
    page.goto(f"{shop}/sessions/{payer['reference']}/payment/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pay to confirm your session")
    return payer["reference"]


def runs_scripts(page: Page) -> bool:
    """Whether the site's own script has been at work: it tells the device's zone by a cookie."""
    return bool(page.evaluate("document.cookie.includes('tz=')"))


def zone_is_known(page: Page) -> None:
    """The first page that a device opens learns its zone and is worded anew. Without JavaScript nothing does."""
    if runs_scripts(page):
        expect(page.locator("html")).not_to_have_attribute("data-time-zone", "")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def is_booked(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/confirmation/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
