"""Filters are applied as they change, and by a button where there are no scripts."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.paying import zone_is_known
from tests.servers import Site

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_filter_is_applied_on_a_phone(browser: Browser, site: Site, scripts: bool) -> None:
    viewport = {"width": 390, "height": 844}
    with browser.new_context(viewport=viewport, java_script_enabled=scripts) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{site.url}/mentors/?sort=newest")
        if scripts:
            zone_is_known(page)  # the page is worded anew, and goes on working
        all_of_them = page.locator("[data-results]").get_attribute("data-results")
        page.locator("summary", has_text="Filters").first.click()
        page.get_by_label("Language").focus()
        page.get_by_label("Language").select_option("hi")
        if scripts:
            expect(page.get_by_role("button", name="Show")).to_be_hidden()
            expect(page.get_by_label("Language")).to_be_focused()
        else:
            page.get_by_role("button", name="Show").click()
        page.wait_for_url("**language=hi**")
        assert "sort=newest" in page.url
        found = page.locator("[data-results]").get_attribute("data-results")
        assert found != all_of_them
        if scripts:
            expect(page.locator("#live")).to_have_text(str(found))
        page.get_by_role("link", name="Remove filter: Hindi").click()
        expect(page.locator("[data-results]")).to_have_attribute("data-results", str(all_of_them))
