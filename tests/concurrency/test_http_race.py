"""Forty students on eight connections press "Confirm Booking" at the same moment, on two web workers."""

import html
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
import requests

from tests.concurrency.crowd import STUDENTS, arrive, report
from tests.servers import start_web

pytestmark = pytest.mark.processes

CONNECTIONS = 8
WEB_WORKERS = 2


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request):
    environment = {}
    if request.param == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgresql_databases")("race")
    with start_web(environment, web_workers=WEB_WORKERS) as site:
        yield site
        if request.param == "postgresql":
            with psycopg.connect(environment["DATABASE_URL"]) as connection:
                counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'race'"
                assert connection.execute(counted).fetchone() == (0,)


@pytest.fixture(scope="module")
def crowd(site):
    return site.call(arrive)


def starts_at(site, slug):
    return [datetime.fromisoformat(start) for mentor, start in site.call(report) if mentor == slug]


def press_at_once(site, crowd, slug, start_of):
    """What everybody is answered. All have the last step open before the first of them presses."""

    def look(student):
        browser = requests.Session()
        browser.cookies.set("sessionid", crowd["sessions"][student])
        url = (
            f"{site.url}/mentors/{slug}/book/?type=free&duration=60&start={start_of(student):%Y-%m-%dT%H:%MZ}"
        )
        page = browser.get(url, timeout=60)
        assert (page.status_code, "Confirm Booking" in page.text) == (200, True), page.text
        shown = re.search(r'name="shown" value="([^"]+)"', page.text)
        return browser, url, html.unescape(shown[1])

    def press(opened):
        browser, url, shown = opened
        token = browser.cookies["csrftoken"]
        typed = {"csrfmiddlewaretoken": token, "shown": shown, "topic": "Mine", "notes": ""}
        with browser:
            return browser.post(url, typed, timeout=60, allow_redirects=False)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(press, list(pool.map(look, range(STUDENTS)))))


def confirmed(answers):
    return [each for each in answers if each.headers.get("Location", "").endswith("/confirmation/")]


def is_friendly(answer):
    """Says what happened, and links to other times."""
    return "just taken" in answer.text and answer.text.count("start=") >= 1


def test_of_forty_who_want_one_time_exactly_one_gets_it(site, crowd):
    start = datetime.fromisoformat(crowd["start"])
    answers = press_at_once(site, crowd, "one-time", lambda student: start)
    assert Counter(each.status_code for each in answers) == {302: 1, 409: STUDENTS - 1}
    assert len(confirmed(answers)) == 1
    assert all(is_friendly(each) for each in answers if each.status_code == 409)
    assert starts_at(site, "one-time") == [start]


def test_of_forty_who_want_overlapping_times_no_two_winners_overlap(site, crowd):
    start = datetime.fromisoformat(crowd["start"]) + timedelta(days=1)
    answers = press_at_once(
        site, crowd, "overlaps", lambda student: start + timedelta(minutes=15 * (student % 10))
    )
    winners = starts_at(site, "overlaps")
    assert Counter(each.status_code for each in answers) == {302: len(winners), 409: STUDENTS - len(winners)}
    assert len(confirmed(answers)) == len(winners) >= 1
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(winners))
    assert all(is_friendly(each) for each in answers if each.status_code == 409)
    assert "Traceback" not in site.log
