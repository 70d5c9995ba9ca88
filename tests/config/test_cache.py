"""The caches that all processes share, and what becomes of the site when theirs is away."""

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import time_machine
from django.core.cache.backends.base import BaseCache

from config.cache import SharedFileCache, SharedRedisCache
from lib.breaker import Breaker
from tests.servers import BASE_DIR, free_port, site_environment, start_redis
from tests.waiting import wait_until


@pytest.fixture
def file_cache(tmp_path: Path) -> BaseCache:
    return SharedFileCache(str(tmp_path / "cache.sqlite3"), {})


@pytest.fixture
def redis_cache(redis_url: str) -> BaseCache:
    cache = SharedRedisCache(redis_url, {})
    cache.clear()
    return cache


@pytest.fixture(params=["file_cache", "redis_cache"])
def cache(request: pytest.FixtureRequest) -> BaseCache:
    found: BaseCache = request.getfixturevalue(request.param)
    return found


def test_cache_gives_back_what_was_put_in(cache: BaseCache) -> None:
    cache.set("words", ["a", {"b": 1.5}])
    cache.set_many({"one": 1, "two": None})
    assert cache.get("words") == ["a", {"b": 1.5}]
    assert cache.get("nothing", "instead") == "instead"
    assert (cache.get("one"), "two" in cache, "three" in cache) == (1, True, False)
    assert cache.delete("words") is True
    assert cache.delete("words") is False
    cache.clear()
    assert cache.get_many(["one", "two"]) == {}


def test_cache_adds_a_key_once_and_counts_only_what_is_there(cache: BaseCache) -> None:
    assert cache.add("hits", 1) is True
    assert cache.add("hits", 5) is False
    assert cache.incr("hits", 2) == 3
    assert cache.decr("hits") == 2
    with pytest.raises(ValueError, match="not found"):
        cache.incr("misses")


def test_file_cache_forgets_in_time_and_keeps_longer_when_touched(file_cache: BaseCache) -> None:
    with time_machine.travel("2026-12-02T10:00Z", tick=False) as clock:
        file_cache.set("short", 1, timeout=60)
        file_cache.set("kept", 1, timeout=60)
        file_cache.set("ever", 1, timeout=None)
        assert file_cache.touch("kept", timeout=600) is True
        assert file_cache.touch("nothing") is False
        clock.shift(61)
        assert [file_cache.get(key) for key in ("short", "kept", "ever")] == [None, 1, 1]
        assert file_cache.add("short", 2) is True
        with pytest.raises(ValueError, match="not found"):
            file_cache.incr("gone")


def test_file_cache_does_not_grow_by_what_is_over(file_cache: SharedFileCache) -> None:
    with time_machine.travel("2026-12-02T10:00Z", tick=False) as clock:
        for number in range(100):
            file_cache.set(f"old-{number}", 1, timeout=60)
        clock.shift(61)
        for _ in range(file_cache._file.WRITES_BETWEEN_SWEEPS):
            file_cache.set("new", 1)
    with file_cache._file.reading() as run:
        assert run("SELECT count(*) FROM cache", ()).fetchone() == (1,)


# Each process tries 40 times, at once with the other; together they may 25 times, and allauth lets 5 pass.
CROWD = """
import json
from django.test import RequestFactory
from allauth.core.internal.ratelimit import consume
from lib.ratelimit import count
request = RequestFactory().post("/")
ours = [count("ip-192.0.2.1", "crowd", times=25, seconds=86400) for _ in range(40)]
rate = {"app": "allauth.account", "action": "login_failed", "config": {"login_failed": "5/1d/key"}}
theirs = [consume(request, key="meera@example.com", **rate) for _ in range(20)]
print("FOUND", json.dumps([ours.count(0), sum(each is not None for each in theirs)]))
"""


def crowd(environment: dict[str, str]) -> list[int]:
    """How many of two processes' attempts were let through by our limiter, and by allauth's."""
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", CROWD]
    both = [
        subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    found = [json.loads(output.partition("FOUND ")[2]) for output in outputs]
    return [sum(numbers) for numbers in zip(*found, strict=True)]


@pytest.mark.processes
def test_limits_hold_across_processes_without_redis(tmp_path: Path) -> None:
    assert crowd(site_environment(tmp_path, 8000)) == [25, 5]


def test_cache_that_is_away_is_as_an_empty_one_until_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    with start_redis(port) as url:
        cache = SharedRedisCache(url, {"OPTIONS": {"pause_seconds": 0.2}})
        cache.set("hits", 5)
        assert cache.incr("hits") == 6
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            assert cache.get("hits", "nothing") == "nothing"
            assert cache.add("hits", 1) is True
            with pytest.raises(ValueError, match="does not answer"):
                cache.incr("hits")
            cache.set("hits", 1)
            assert cache.delete("hits") is False
            assert cache.get_many(["hits"]) == {}
        assert cache.breaker.error == "ConnectionError"
        with start_redis(port):
            assert wait_until(lambda: cache.add("hits", 1) and cache.get("hits") == 1)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the cache does not answer: rate limits do not count and nothing is cached until it does",
        "the cache answers again",
    ]


@contextmanager
def black_hole() -> Iterator[socket.socket]:
    """A port that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        yield silent


def visitors(silent: socket.socket) -> int:
    """How many have come since they were last counted."""
    silent.setblocking(False)
    found = 0
    with suppress(BlockingIOError):
        while True:
            silent.accept()[0].close()
            found += 1
    return found


def test_silent_redis_is_waited_for_once_and_then_skipped() -> None:
    with black_hole() as silent:
        cache = SharedRedisCache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", {})
        assert cache.get("key") is None
        assert visitors(silent) == 1
        for _ in range(200):
            assert cache.get("key") is None
        assert visitors(silent) == 0
    assert cache.breaker.error == "TimeoutError"


def test_file_that_cannot_be_opened_is_a_cache_that_is_away(tmp_path: Path) -> None:
    cache = SharedFileCache(str(tmp_path / "no such folder" / "cache.sqlite3"), {})
    assert cache.add("key", 1) is True
    assert cache.get("key") is None
    assert cache.breaker.error == "OperationalError"


def test_breaker_says_so_once_in_a_while_and_lets_one_try_at_a_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    breaker = Breaker("the oracle", without="nothing is foretold", pause_seconds=0)
    assert breaker.is_open is False
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            breaker.failed(OSError("no route"))
        breaker.pause_seconds = 60
        assert [breaker.is_open for _ in range(3)] == [False, True, True]
        breaker.worked()
        breaker.worked()
    assert breaker.is_open is False
    said = [record.getMessage() for record in caplog.records]
    assert said == ["the oracle does not answer: nothing is foretold", "the oracle answers again"]
