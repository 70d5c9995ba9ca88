"""What journeys with every provider have in common: a phone, and the way to a session's payment page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from tests.servers import Site

HOLD = """
from accounts.models import User
from tests.e2e.stage import booked
student = User.objects.get(email="student@example.com")
print("HELD " + booked("mentor@example.com", "Career Guidance", student).reference)
"""


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
    """Sign in, on the payment page of a held session; the session's reference."""
    reference = re.search(r"HELD (\S+)", site.manage("shell", "-v0", "-c", HOLD))
    assert reference is not None
    # By another name than the provider's stand-in, so that the two are different sites.
    shop = site.url.replace("127.0.0.1", "localhost")
    page.goto(f"{shop}/sessions/{reference[1]}/payment/", wait_until="networkidle")
    page.fill("[name=login]", "student@example.com")
    page.fill("[name=password]", "office-hours")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pay to confirm your session")
    return reference[1]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def is_booked(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/confirmation/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
