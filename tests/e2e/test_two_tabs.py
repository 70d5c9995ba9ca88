"""One session, two tabs, two providers: whatever is pressed where, it is paid once."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.paying import is_booked, open_payment, press
from tests.e2e.test_razorpay import in_widget
from tests.payments.fake_razorpay_server import FakeRazorpayServer
from tests.payments.fake_stripe_server import FakeStripeServer
from tests.servers import Site
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture(autouse=True)
def webhooks(site: Site, stripe: FakeStripeServer, razorpay: FakeRazorpayServer) -> Iterator[None]:
    """Both providers tell the site what happens."""
    stripe.webhook_url = f"{site.url}/payments/webhooks/stripe/"
    razorpay.fake_razorpay.webhook_url = f"{site.url}/payments/webhooks/razorpay/"
    yield
    stripe.webhook_url = razorpay.fake_razorpay.webhook_url = ""


@pytest.fixture
def tabs(browser: Browser, site: Site) -> Iterator[tuple[Page, Page]]:
    """Both on the payment page of the same held session."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    first, second = context.new_page(), context.new_page()
    open_payment(first, site)
    second.goto(first.url)
    yield first, second
    context.close()


def reference_of(page: Page) -> str:
    return re.search(r"SESSION-\w+", page.url)[0]  # type: ignore[index]


def charges(stripe: FakeStripeServer, reference: str) -> list[dict[str, Any]]:
    objects = stripe.fake_stripe.objects.copy().values()
    return [
        each
        for each in objects
        if each.get("object") == "charge" and each["metadata"].get("session") == reference
    ]


def tries(razorpay: FakeRazorpayServer, reference: str) -> list[dict[str, Any]]:
    payments = list(razorpay.fake_razorpay.payments.values())
    return [each for each in payments if each["notes"]["session"] == reference]


def test_razorpay_taken_up_in_another_tab_closes_stripes_page(
    tabs: tuple[Page, Page], site: Site, stripe: FakeStripeServer, razorpay: FakeRazorpayServer
) -> None:
    at_stripe, at_razorpay = tabs
    reference = reference_of(at_stripe)
    press(at_stripe, "Pay with Stripe")
    press(at_razorpay, "Pay with Razorpay")
    expect(at_razorpay.locator("iframe[title='Razorpay Checkout']")).to_be_visible()
    press(at_stripe, "Pay")
    expect(at_stripe.get_by_role("heading", level=1)).to_have_text("This page has expired")
    in_widget(at_razorpay, "Pay")
    is_booked(at_razorpay)
    at_stripe.get_by_role("link", name="Back to the shop").click()
    is_booked(at_stripe)
    assert charges(stripe, reference) == []
    assert [each["status"] for each in tries(razorpay, reference)] == ["captured"]
    assert "All of it adds up." in site.manage("audit_money")


def test_stripe_paid_in_another_tab_sends_razorpays_money_back(
    tabs: tuple[Page, Page], site: Site, stripe: FakeStripeServer, razorpay: FakeRazorpayServer
) -> None:
    """An order at Razorpay can't be closed: who pays it all the same is paid back, once."""
    at_razorpay, at_stripe = tabs
    reference = reference_of(at_stripe)
    press(at_razorpay, "Pay with Razorpay")
    expect(at_razorpay.locator("iframe[title='Razorpay Checkout']")).to_be_visible()
    press(at_stripe, "Pay with Stripe")
    press(at_stripe, "Pay")
    is_booked(at_stripe)
    in_widget(at_razorpay, "Pay")
    is_booked(at_razorpay)
    assert wait_until(lambda: [each["status"] for each in tries(razorpay, reference)] == ["refunded"])
    (refund,) = (
        each
        for each in razorpay.fake_razorpay.refunds.values()
        if each["payment_id"] == tries(razorpay, reference)[0]["id"]
    )
    assert refund["amount"] == 105_000
    assert [each["amount_refunded"] for each in charges(stripe, reference)] == [0]
    assert "All of it adds up." in site.manage("audit_money")
