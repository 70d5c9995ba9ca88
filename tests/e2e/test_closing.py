"""Leaving: one's data downloaded, and the account closed, on a phone, with JavaScript and without."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import stage
from tests.e2e.accessibility import is_accessible
from tests.e2e.paying import phone, press, zone_is_known
from tests.servers import Site
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PASSWORD = "office-hours"


def sign_in(page: Page, site: Site, email: str) -> None:
    page.goto(f"{site.url}/accounts/login/")
    zone_is_known(page)
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_load_state()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()


def farewells(site: Site, email: str) -> int:
    mails = [mail for mail in (site.data_dir / "mail").glob("*.eml") if email in mail.name]
    return len([mail for mail in mails if "Subject: Your account is closed" in mail.read_text()])


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_an_account_is_closed_and_its_data_downloaded(browser: Browser, site: Site, javascript: bool) -> None:
    name = "Lea" if javascript else "Leo"
    email = f"{name.lower()}@example.com"
    reference = site.call(stage.leaver, name, PASSWORD)
    with phone(browser, javascript=javascript) as page:
        sign_in(page, site, email)
        page.goto(f"{site.url}/settings/")
        follow(page, "Open your data")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download your data").click()
        with ZipFile(Path(download.value.path())) as archive:
            data = json.loads(archive.read("data.json"))
        assert data["account"]["email"] == email
        assert [each["reference"] for each in data["sessions_as_student"]] == [reference]

        follow(page, "Close your account…")
        page.fill("[name=password]", PASSWORD)
        press(page, "Continue")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your account can’t be closed yet")
        follow(page, "Cancel it…")
        press(page, "Cancel Session")
        page.goto(f"{site.url}/settings/data/closing/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Close your account?")
        if javascript:
            is_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        press(page, "Close your account")
        expect(page.get_by_text("Your account is closed.")).to_be_visible()

        sign_in(page, site, email)
        expect(page.get_by_text("do not belong together").first).to_be_visible()
        assert wait_until(lambda: farewells(site, email) == 1)
