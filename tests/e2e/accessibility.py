from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# axe's tags for WCAG 2.2 AA and what it recommends beside.
EVERYTHING = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def is_accessible(page: Page, rules: tuple[str, ...] = EVERYTHING) -> None:
    is_loaded = page.evaluate("typeof axe !== 'undefined'")
    results = Axe("0" if is_loaded else AXE_SCRIPT).run(
        page, options={"runOnly": rules, "resultTypes": ["violations"]}
    )
    assert results.violations_count == 0, results.generate_report()
