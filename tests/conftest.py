"""What every test may use. Programs that a test starts are in `tests/servers.py`."""

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from accounts.models import User
from config import wsgi
from lib import enqueue
from mentors.models import Mentor
from tests import factories, servers

# Races against providers need them as well as `tests/payments`.
pytest_plugins = ["tests.payments.gateway_fixtures"]

# Playwright's event loop lives in the test's thread, where Django would refuse to touch the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Property tests: the same 200 examples every time, or with HYPOTHESIS_PROFILE=thorough 2,000 new ones; `few` are
# enough where another run of the same suite has them all.
slow = [HealthCheck.too_slow]  # says more about the machine than about the test
settings.register_profile(
    "steady", max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=slow
)
settings.register_profile("few", settings.get_profile("steady"), max_examples=50)
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: nobody looks through it for rubbish again and again, a sixth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 10, 10)
        gc.enable()


LONGEST = ("tests/test_on_postgresql.py", "tests/e2e/", "tests/concurrency/")
# Fixtures of pytest-django that open the database.
DATABASES = {"db", "transactional_db"}


def pytest_configure(config: pytest.Config) -> None:
    if servers.SHARED_FOLDER not in os.environ:
        os.environ[servers.SHARED_FOLDER] = folder = tempfile.mkdtemp(prefix="office-hours-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def fixtures_of(item: pytest.Item) -> set[str]:
    return set(item.fixturenames) if isinstance(item, pytest.Function) else set()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What the other database's run has is not collected: its own tests, and on PostgreSQL also those that need no
    database, or are the same on every one."""
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]

    def belongs(item: pytest.Item) -> bool:
        needs_database = item.get_closest_marker("django_db") or not DATABASES.isdisjoint(fixtures_of(item))
        if other == "postgresql":
            return not item.get_closest_marker(other)
        return bool(needs_database) and not (
            item.get_closest_marker(other) or item.get_closest_marker("once")
        )

    config.hook.pytest_deselected(items=[item for item in items if not belongs(item)])
    items[:] = [item for item in items if belongs(item)]
    # What takes longest begins first, so that nothing long is left for the end.
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


class ByPlace(LoadFileScheduling):  # type: ignore[misc]
    """The tests of a file run in one process, and so do those of a folder that share what they start."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in LONGEST if nodeid.startswith(place)), super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlace:
    return ByPlace(config, log)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line says what was not proven."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput") or config.option.collectonly:
        return
    reasons = Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix(
            "Skipped: "
        )
        for report in reporter.stats.get("skipped", [])
    )
    words = "; ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items()))
    reporter.write_line(f"Skipped: {reasons.total()}" + (f" ({words})" if words else ""))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with servers.start_postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_url: str) -> Callable[[str], str]:
    """Makes a migrated database of the name that it is given on that server; its URL."""
    return servers.migrated_databases(postgresql_url)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.start_redis() as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    flags = [
        *("--disable-quic", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync"),
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    path = servers.chromium_path()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def present(request: pytest.FixtureRequest) -> Iterator[datetime]:
    """Every test but those that start real programs happens at `NOW`, from which the clock runs on."""
    if request.node.get_closest_marker("browser") or request.node.get_closest_marker("processes"):
        yield datetime.now(UTC)
    else:
        with time_machine.travel(factories.NOW, tick=True):
            yield factories.NOW


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Attempts that another test made don't count, nor what it could not reach."""
    cache.clear()
    enqueue.broker.worked()


@pytest.fixture
def as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test client reads a request as the site's own handler does, from the first header on."""
    monkeypatch.setattr("django.test.client.WSGIRequest", wsgi.Request)


@pytest.fixture
def mentor(db: None) -> Mentor:
    """Meera Rao in Kolkata, approved, open Monday to Saturday 9:00 to 17:00."""
    return factories.MentorFactory(slug="meera-rao", user__name="Meera Rao", user__email="meera@example.com")


@pytest.fixture
def student(db: None) -> User:
    """Arjun Kapoor, who lives in Berlin."""
    return factories.UserFactory(name="Arjun Kapoor", email="arjun@example.com", time_zone="Europe/Berlin")


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody with an account and nothing to do with anything."""
    return factories.UserFactory(name="Sam Stranger", email="sam@example.com")


@pytest.fixture
def staff(db: None) -> User:
    return factories.UserFactory(
        name="Stella Staff", email="stella@example.com", is_staff=True, is_superuser=True
    )
