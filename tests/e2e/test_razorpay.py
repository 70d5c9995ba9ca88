"""Razorpay's widget and its own page, in a browser: under the page's policy, across sites, and without JavaScript."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.paying import is_booked, open_payment, phone, press
from tests.payments.fake_razorpay_server import FakeRazorpayServer
from tests.servers import Site

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture(params=[True])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with phone(browser, javascript=request.param) as page:
        yield page


@pytest.fixture
def paying(page: Page, site: Site) -> str:
    """Signed in, on the payment page of a held session; the session's reference."""
    return open_payment(page, site)


def in_widget(page: Page, name: str) -> None:
    page.frame_locator("iframe[title='Razorpay Checkout']").get_by_role("button", name=name).click()


def test_paying_in_the_widget(page: Page, paying: str, razorpay: FakeRazorpayServer) -> None:
    press(page, "Pay with Razorpay")
    in_widget(page, "Pay")
    is_booked(page)
    expect(page.get_by_text("pay_").first).to_be_visible()
    page.go_back()
    is_booked(page)


def test_declined_card_and_then_another(page: Page, paying: str, razorpay: FakeRazorpayServer) -> None:
    press(page, "Pay with Razorpay")
    in_widget(page, "Decline")
    in_widget(page, "Pay")
    is_booked(page)


def test_leaving_after_a_declined_card_says_why_and_pays_the_same_order(
    page: Page, paying: str, razorpay: FakeRazorpayServer
) -> None:
    press(page, "Pay with Razorpay")
    in_widget(page, "Decline")
    in_widget(page, "Close")
    expect(page).to_have_url(re.compile(r"/payment/failed/$"))
    expect(page.get_by_text("The card was declined.")).to_be_visible()
    orders = len(razorpay.fake_razorpay.orders)
    page.get_by_role("link", name="Try again").click()
    press(page, "Pay with Razorpay")
    in_widget(page, "Pay")
    is_booked(page)
    assert len(razorpay.fake_razorpay.orders) == orders


def test_closing_the_widget_leads_back_with_the_time_still_held(page: Page, paying: str) -> None:
    press(page, "Pay with Razorpay")
    in_widget(page, "Close")
    expect(page).to_have_url(re.compile(rf"/sessions/{paying}/payment/$"))
    expect(page.get_by_text("held for you")).to_be_visible()
    press(page, "Pay with Razorpay")
    in_widget(page, "Pay")
    is_booked(page)


def test_widget_can_be_opened_again(page: Page, paying: str) -> None:
    press(page, "Pay with Razorpay")
    page.locator("iframe").evaluate("frame => frame.remove()")
    press(page, "Open Razorpay")
    in_widget(page, "Pay")
    is_booked(page)


def test_blocked_script_leaves_razorpays_own_page(
    page: Page, paying: str, razorpay: FakeRazorpayServer
) -> None:
    page.route("**/v1/checkout.js", lambda route: route.abort())
    press(page, "Pay with Razorpay")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    press(page, "Pay on Razorpay’s page")
    expect(page).to_have_url(re.compile(re.escape(razorpay.url)))
    press(page, "Pay")
    is_booked(page)


def test_razorpays_own_page_leads_back_when_it_is_left_or_fails(page: Page, paying: str) -> None:
    page.route("**/v1/checkout.js", lambda route: route.abort())
    press(page, "Pay with Razorpay")
    press(page, "Pay on Razorpay’s page")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("held for you")).to_be_visible()
    press(page, "Pay with Razorpay")
    press(page, "Pay on Razorpay’s page")
    press(page, "Decline")
    expect(page).to_have_url(re.compile(r"/payment/failed/$"))
    page.get_by_role("link", name="Try again").click()
    press(page, "Pay with Razorpay")
    press(page, "Pay on Razorpay’s page")
    press(page, "Pay")
    is_booked(page)


@pytest.mark.parametrize("page", [False], indirect=True)
def test_without_javascript_the_page_says_what_is_needed(page: Page, paying: str) -> None:
    press(page, "Pay with Razorpay")
    expect(page.get_by_text("Razorpay takes payments only with JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Open Razorpay")).to_be_hidden()
    page.get_by_role("link", name="Other ways to pay").click()
    expect(page).to_have_url(re.compile(rf"/sessions/{paying}/payment/$"))


def test_two_tabs_pay_one_order_once(page: Page, paying: str, razorpay: FakeRazorpayServer) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        press(tab, "Pay with Razorpay")
        # Once the session is paid, a tab that has not come so far is led to the confirmation instead.
        widget = tab.frame_locator("iframe[title='Razorpay Checkout']")
        expect(widget.get_by_role("button", name="Pay")).to_be_visible()
    in_widget(page, "Pay")
    is_booked(page)
    in_widget(other, "Pay")
    expect(
        other.frame_locator("iframe[title='Razorpay Checkout']").get_by_text("already paid")
    ).to_be_visible()
    in_widget(other, "Close")
    is_booked(other)
    paid = [each for each in razorpay.fake_razorpay.payments.values() if each["notes"]["session"] == paying]
    assert [each["status"] for each in paid] == ["captured"]
