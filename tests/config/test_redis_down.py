"""Redis goes, while the site runs or before it starts: people book and sign in all the same."""

import re
import socket
from html import unescape
from typing import Any

import pytest
import requests

from tests.e2e import stage
from tests.servers import Site, free_port, start_redis, start_site
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

PASSWORD = "office-hours"


class Visitor:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = requests.Session()

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.site.url + path, timeout=20)

    def post(self, path: str, **data: str) -> requests.Response:
        """As a form does: its own token and hidden fields come along."""
        page = self.get(path).text
        forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
        form = next(
            each for each in forms if 'method="post"' in each and f'name="{next(iter(data))}"' in each
        )
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
        hidden = {name: unescape(value) for name, value in found}
        return self.session.post(self.site.url + path, {**hidden, **data}, timeout=20)

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/healthz").json()
        return found

    def sign_in(self) -> requests.Response:
        return self.post("/accounts/login/", login="somebody@example.com", password=PASSWORD)

    def book(self) -> requests.Response:
        profile = self.get("/mentors/meera/").text
        start = re.search(r'href="(/mentors/meera/book/\?[^"]*start=[^"]+)"', profile)
        assert start, profile
        return self.post(start[1].replace("&amp;", "&"), topic="What next")


def test_site_goes_on_without_redis_says_so_and_catches_up() -> None:
    port = free_port()
    with start_site({"REDIS_URL": f"redis://127.0.0.1:{port}/0"}) as site:
        site.call(stage.empty_week, "meera")
        site.call(stage.open_always, "meera")
        site.call(stage.newcomer, "Somebody", PASSWORD)
        visitor = Visitor(site)

        # Refused from the start.
        assert visitor.sign_in().url == f"{site.url}/"
        assert "/confirmation/" in visitor.book().url
        assert visitor.health()["cache"] == {"status": "failed", "error": "ConnectionError"}

        # There: what was booked meanwhile is told.
        with start_redis(port):
            assert wait_until(lambda: visitor.health()["cache"]["status"] == "ok")
            assert wait_until(lambda: len(list((site.data_dir / "mail").glob("*.eml"))) == 2), site.log

        # Killed, with connections open.
        assert "/confirmation/" in visitor.book().url
        assert wait_until(lambda: visitor.health()["cache"]["status"] == "failed")

        # Silent: connections are taken, and nothing is ever answered.
        with socket.create_server(("127.0.0.1", port), backlog=512):
            assert "/confirmation/" in visitor.book().url
            for _ in range(10):
                visitor.post("/settings/time-zone/", time_zone="Europe/Berlin").raise_for_status()
            assert visitor.health()["cache"]["status"] == "failed"
        assert site.process.poll() is None
        # Twice gone, in each of two web workers.
        assert 1 <= site.log.count("the queue does not answer") <= 4
        assert 1 <= site.log.count("the cache does not answer") <= 4
