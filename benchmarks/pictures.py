"""`make pictures`: the main pages at 390 and 1280 pixels, light and dark, into `var/pictures`.

Needs what `requirements-dev.txt` installs, and Chromium.
"""

import os
import sys
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from benchmarks.demo_site import demo_site
from tests.servers import chromium_path

FOLDER = Path(__file__).resolve().parent.parent / "var" / "pictures"
WIDTHS: dict[int, int] = {390: 844, 1280: 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIZARD = "/mentors/{mentor_slug}/book/"
# Name, address and whose page it is.
PAGES: list[tuple[str, str, str]] = [
    ("home", "/", ""),
    ("home-signed-in", "/", "student"),
    ("browse", "/mentors/", ""),
    ("browse-nothing", "/mentors/?q=nothing-is-called-this", ""),
    ("profile", "/mentors/{mentor_slug}/", ""),
    ("book-type", WIZARD, ""),
    ("book-date", WIZARD + "?type={free_type}", ""),
    ("book-time", WIZARD + "?type={free_type}&date={date}", ""),
    ("book-confirm", WIZARD + "?type={paid_type}&start={start}", ""),
    ("book-confirm-signed-in", WIZARD + "?type={paid_type}&start={start}", "student"),
    ("confirmation", "/sessions/{free}/confirmation/", "student"),
    ("session", "/sessions/{paid}/", "student"),
    ("session-held", "/sessions/{held}/", "student"),
    ("session-asked", "/sessions/{requested}/", "approval"),
    ("session-cancelled", "/sessions/{cancelled}/", "student"),
    ("cancellation", "/sessions/{paid}/cancellation/", "student"),
    ("join", "/sessions/{free}/join/", "student"),
    ("payment", "/sessions/{held}/payment/", "student"),
    ("payment-failed", "/sessions/{held}/payment/failed/", "student"),
    ("my-sessions", "/my-sessions/", "student"),
    ("my-sessions-past", "/my-sessions/?show=past", "student"),
    ("payments", "/payments/", "student"),
    ("dashboard", "/dashboard/", "mentor"),
    ("dashboard-asked", "/dashboard/", "approval"),
    ("availability", "/dashboard/availability/", "mentor"),
    ("session-types", "/dashboard/session-types/", "mentor"),
    ("earnings", "/dashboard/earnings/", "mentor"),
    ("profile-form", "/dashboard/profile/", "mentor"),
    ("become-a-mentor", "/become-a-mentor/", ""),
    ("sign-in", "/accounts/login/", ""),
    ("sign-up", "/accounts/signup/", ""),
    ("settings", "/settings/", "student"),
    ("terms", "/terms/", ""),
    ("not-found", "/nowhere/", ""),
    ("staff", "/admin/", "staff"),
]


def main() -> int:
    """How many pages could not be shown."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    broken = 0
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with demo_site() as (site, facts, sessions), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=flags)
        for (width, height), scheme in product(WIDTHS.items(), SCHEMES):
            rooms = {
                who: chromium.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    timezone_id="Asia/Kolkata",
                    locale="en-IN",
                )
                for who in ("", *sessions)
            }
            for who, key in sessions.items():
                rooms[who].add_cookies([{"name": "sessionid", "value": key, "url": site.url}])
            rooms[""].add_cookies([{"name": "tz", "value": "Asia/Kolkata", "url": site.url}])
            for name, path, who in PAGES:
                page = rooms[who].new_page()
                answer = page.goto(site.url + path.format(**facts))
                if answer is None or answer.status not in (200, 404):
                    print(f"{name}: {answer.status if answer else 'no answer'}")
                    broken += 1
                page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=True)
                page.close()
            for room in rooms.values():
                room.close()
        chromium.close()
    print(f"{len(PAGES)} pages, {len(PAGES) * len(WIDTHS) * len(SCHEMES)} pictures in {FOLDER}")
    return broken


if __name__ == "__main__":
    sys.exit(min(main(), 1))
