"""What static/js/timezone.js does with the device's zone."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
URL = "/accounts/inactive/"  # a page that shows no times of its own


@pytest.fixture
def device(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A device in Kolkata, where Chromium says Asia/Calcutta."""
    context = browser.new_context(base_url=live_server.url, timezone_id="Asia/Calcutta", locale="en-IN")
    yield context.new_page()
    context.close()


def sign_in(device: Page, live_server: LiveServer, user: User) -> None:
    client = Client()
    client.force_login(user)
    device.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )


def test_first_visit_finds_the_devices_zone(device: Page) -> None:
    device.goto(URL)
    expect(device.get_by_role("contentinfo")).to_contain_text("Times in Asia/Kolkata")
    expect(device.locator("[data-time-zone-offer]")).to_be_hidden()


def test_other_spelling_of_the_saved_zone_is_no_reason_to_ask(device: Page, live_server: LiveServer) -> None:
    sign_in(device, live_server, UserFactory(time_zone="Asia/Kolkata"))
    device.goto(URL)
    expect(device.locator("[data-time-zone-offer]")).to_be_hidden()


def test_traveller_is_asked_and_may_switch(device: Page, live_server: LiveServer) -> None:
    traveller = UserFactory(time_zone="Europe/Berlin")
    sign_in(device, live_server, traveller)
    device.goto(URL)
    device.get_by_role("button", name="Use my device's zone").click()
    expect(device.get_by_text("Times are now shown in Asia/Kolkata.")).to_be_visible()
    expect(device).to_have_url(f"{live_server.url}{URL}")
    traveller.refresh_from_db()
    assert traveller.time_zone == "Asia/Kolkata"


def test_traveller_who_keeps_the_zone_is_not_asked_again(device: Page, live_server: LiveServer) -> None:
    sign_in(device, live_server, UserFactory(time_zone="Europe/Berlin"))
    device.goto(URL)
    device.get_by_role("button", name="Keep Europe/Berlin").click()
    expect(device.locator("[data-time-zone-offer]")).to_be_hidden()
    device.reload()
    expect(device.locator("[data-time-zone-offer]")).to_be_hidden()


def test_zone_chosen_by_hand_is_not_asked_about(device: Page) -> None:
    device.goto("/settings/time-zone/?next=/accounts/inactive/")
    device.get_by_label("Time zone").select_option("America/New_York")
    device.get_by_role("button", name="Save").click()
    expect(device.get_by_role("contentinfo")).to_contain_text("Times in America/New York")
    expect(device.locator("[data-time-zone-offer]")).to_be_hidden()
