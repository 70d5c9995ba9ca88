"""Stripe's page, the bank's page and saved cards, in a browser: under our policy, with and without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import is_accessible
from tests.e2e.paying import is_booked, open_payment, phone, press, runs_scripts
from tests.payments.fake_stripe_server import FakeStripeServer
from tests.servers import Site

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture(params=[True, False], ids=["javascript", "plain"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with phone(browser, javascript=request.param) as page:
        yield page


@pytest.fixture
def paying(page: Page, site: Site) -> str:
    """Signed in, on the payment page of a held session; the session's reference."""
    return open_payment(page, site)


def test_paying_on_stripes_page(page: Page, paying: str) -> None:
    press(page, "Pay with Stripe")
    press(page, "Pay")
    is_booked(page)
    page.go_back()
    if "/pay/" in page.url:  # Stripe's page, which has nothing to take any more
        page.go_back()
    page.goto(page.url)
    is_booked(page)


def test_declined_card_and_then_another(page: Page, paying: str) -> None:
    press(page, "Pay with Stripe")
    press(page, "Pay with a card that is declined")
    expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    press(page, "Pay")
    is_booked(page)


def test_leaving_stripes_page_keeps_the_time_and_the_page(page: Page, paying: str) -> None:
    press(page, "Pay with Stripe")
    first = page.url
    page.get_by_role("link", name="Back to the shop").click()
    expect(page.get_by_text("held for you")).to_be_visible()
    press(page, "Pay with Stripe")
    assert page.url == first
    press(page, "Pay")
    is_booked(page)


def test_card_that_its_bank_asks_about(page: Page, paying: str) -> None:
    press(page, "Pay with Stripe")
    press(page, "Pay with 3-D Secure")
    press(page, "Complete authentication")
    is_booked(page)


def test_delayed_payment_is_waited_for_and_goes_on_by_itself(
    page: Page, paying: str, stripe: FakeStripeServer, request: pytest.FixtureRequest
) -> None:
    press(page, "Pay with Stripe")
    session_id = page.url.rpartition("/")[2]
    press(page, "Pay by debit")
    expect(page.get_by_role("heading", level=1)).to_have_text("We are checking with the bank")
    has_javascript = "plain" not in request.node.name and runs_scripts(page)
    if has_javascript:
        is_accessible(page)
    stripe.fake_stripe.settle_delayed(session_id, paid=True)
    if not has_javascript:
        page.get_by_role("link", name="Check again").click()
    is_booked(page)


def test_payment_being_checked_is_asked_for_nowhere_again(
    page: Page, paying: str, stripe: FakeStripeServer, request: pytest.FixtureRequest
) -> None:
    shop = page.url.partition("/sessions/")[0]
    press(page, "Pay with Stripe")
    session_id = page.url.rpartition("/")[2]
    press(page, "Pay by debit")
    page.get_by_role("link", name="To your session").click()
    session = f"{shop}/sessions/{paying}/"
    for address in (session, f"{session}payment/"):  # the second leads to the first
        page.goto(address)
        expect(page).to_have_url(session)
        expect(page.get_by_text("Your payment is being checked by the bank.")).to_be_visible()
    if "plain" not in request.node.name:
        is_accessible(page)
    for address in (session, f"{shop}/my-sessions/", f"{shop}/payments/", f"{session}cancellation/"):
        page.goto(address)
        expect(page.locator(f"main a[href='/sessions/{paying}/payment/']")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_text("goes back to you, all of it")).to_be_visible()
    stripe.fake_stripe.settle_delayed(session_id, paid=False)
    page.goto(f"{session}payment/return/")
    expect(page.get_by_text("The payment did not go through")).to_be_visible()
    expect(page.get_by_text("The debit was returned.")).to_be_visible()
    if "plain" not in request.node.name:
        is_accessible(page)


def test_two_tabs_pay_one_session_once(page: Page, paying: str, stripe: FakeStripeServer) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        press(tab, "Pay with Stripe")
    assert page.url == other.url
    press(page, "Pay")
    is_booked(page)
    press(other, "Pay")
    expect(other.get_by_role("heading", level=1)).to_have_text("You’re all done here")
    other.get_by_role("link", name="Back to the shop").click()
    is_booked(other)
    charges = [each for each in stripe.fake_stripe.objects.values() if each.get("object") == "charge"]
    assert [each["metadata"]["session"] for each in charges].count(paying) == 1


def test_card_is_saved_pays_by_way_of_its_bank_and_is_removed(
    page: Page, paying: str, request: pytest.FixtureRequest
) -> None:
    payment = page.url
    page.goto(payment.partition("/sessions/")[0] + "/payments/methods/")
    expect(page.get_by_text("You have no saved cards")).to_be_visible()
    press(page, "Add a card")
    page.get_by_label("Card number").fill("4000 0025 0000 3155")
    press(page, "Save card")
    expect(page.get_by_text("Visa ending in 3155 is saved.")).to_be_visible()
    if "plain" not in request.node.name:
        is_accessible(page)
    page.goto(payment)
    if "plain" not in request.node.name:
        is_accessible(page)
    press(page, "Pay with Visa ending in 3155")
    press(page, "Fail authentication")
    expect(page.get_by_text("unable to authenticate")).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    press(page, "Pay with Visa ending in 3155")
    press(page, "Complete authentication")
    is_booked(page)
    page.goto(payment.partition("/sessions/")[0] + "/payments/methods/")
    press(page, "Remove Visa ending in 3155")
    expect(page.get_by_text("You have no saved cards")).to_be_visible()
