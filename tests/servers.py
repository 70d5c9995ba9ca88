"""Programs that tests start for themselves: on free ports, in folders of their own, gone afterwards."""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from config.processes import processes
from config.static_files import collect_changed
from tests import inside
from tests.waiting import wait_until

BASE_DIR = Path(__file__).resolve().parent.parent
# What a server started here must not inherit: each names its own.
SITE_VARIABLES = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "ALLOWED_HOSTS", "SITE_URL")

# A site as it is served to the public, on this machine. Sign-up asks for codes, errors have their pages.
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "only-for-tests-" + "0" * 45,
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "PAYMENT_GATEWAYS": "mock",
    "EMAIL_BACKEND": "notifications.backends.FileAndConsoleBackend",
}
# The variable that names a folder which all processes of one run of the suite share.
SHARED_FOLDER = "TESTS_SHARED_FOLDER"


def missing(reason: str) -> NoReturn:
    """A skip, which is a failure where nothing may be missing."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{reason}, and REQUIRE_ALL=1", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium_path() -> str:
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    missing("Chromium is not installed")


@contextmanager
def start_postgresql(kept_in: Path | None = None, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """A PostgreSQL server, empty unless its data is kept in a folder; yields the URL of its database `postgres`."""
    binaries = _postgresql_binaries()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="office-hours-postgresql-") as name:
        folder = Path(name)
        data = (kept_in or folder) / "data"
        for each in {folder, data.parent}:
            each.mkdir(parents=True, exist_ok=True)
            as_user = _unprivileged(each)
        if not data.exists():
            flags = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
            _run([*as_user, binaries / "initdb", "-D", data, *flags])
        settings = {"synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}
        command = [
            *(*as_user, binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder),
            *("-F", *(f"--{name}={value}" for name, value in (settings | dict(options or {})).items())),
        ]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, start_new_session=True)
        try:
            ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            _wait(
                lambda: subprocess.run(ready, check=False).returncode == 0,
                server,
                lambda: (folder / "log").read_text(),
            )
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            # What is kept is written to the end, so that the next start has nothing to recover.
            _end(server, signal.SIGINT if kept_in else signal.SIGQUIT, grace=60)


def migrated_databases(url: str) -> Callable[[str], str]:
    """Makes databases on the PostgreSQL server of that URL: copies of one that is migrated for the first of them."""
    server = url.rpartition("/")[0]

    def create(name: str, template: str) -> str:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(Identifier, (name, template)))
            )
        return f"{server}/{name}"

    @cache
    def template() -> str:
        migrated = create("migrated", "template0")
        with tempfile.TemporaryDirectory() as folder:
            variables = site_environment(Path(folder), 8000, {"DATABASE_URL": migrated})
            with closing(inside.Inside(variables)) as process:
                process.call(inside.manage, "migrate")
        return "migrated"

    return lambda name: create(name, template())


@contextmanager
def start_redis(port: int | None = None) -> Iterator[str]:
    """An empty Redis server; with `port` at the address that another one had."""
    program = shutil.which("redis-server") or missing("Redis is not installed")
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="office-hours-redis-") as folder:
        server = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait(lambda: listens(port), server, lambda: "redis-server did not start")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            _end(server)


@dataclass(frozen=True)
class Site:
    url: str
    data_dir: Path
    process: "subprocess.Popen[bytes]"
    environment: Mapping[str, str]
    inside: inside.Inside

    @property
    def log(self) -> str:
        return (self.data_dir / "log").read_text(errors="replace")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body, without a cookie jar and without following a redirect to another host."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def manage(self, *arguments: str) -> str:
        """Run a management command on this site's data; its output."""
        return str(self.call(inside.manage, *arguments))

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What the function returns in a process with this site's settings, on its data; in JSON's types."""
        return self.inside.call(function, *arguments, **named)


def site_environment(
    data_dir: Path, port: int, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SITE_VARIABLES}
    inherited.pop("DJANGO_SETTINGS_MODULE", None)
    return {
        **inherited,
        "DEBUG": "1",
        "ENV_FILE": "",
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        **(environment or {}),
    }


@contextmanager
def start_site(
    environment: Mapping[str, str] | None = None, *, demo: bool = False, data_dir: Path | None = None
) -> Iterator[Site]:
    """The whole site as `manage.py up` runs it, on a free port, with its data in a folder of its own.

    Without `data_dir` it starts with a migrated SQLite database and static files, which saves each start some seconds.
    """
    command = [sys.executable, "manage.py", "up", *(["--demo"] if demo else [])]
    with _started(command, free_port(), environment, data_dir) as site:
        yield site


@contextmanager
def start_web(environment: Mapping[str, str] | None = None, *, web_workers: int = 1) -> Iterator[Site]:
    """The site's web server alone, as `manage.py up` starts it, on a migrated database; nobody works off its queue."""
    port = free_port()
    web = processes(host="127.0.0.1", port=port, web_workers=web_workers)[0]
    assert web.name == "web"
    with _started(web.command, port, environment) as site:
        yield site


@contextmanager
def _started(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None, data_dir: Path | None = None
) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="office-hours-site-") as temporary:
        folder = data_dir or Path(temporary)
        if data_dir is None:
            prepare(folder)
        variables = site_environment(folder, port, environment)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=BASE_DIR, env=variables, stdout=log, stderr=log, start_new_session=True
            )
        site = Site(f"http://127.0.0.1:{port}", folder, process, variables, inside.Inside(variables))
        try:
            _wait(lambda: listens(port) and site.get("/healthz?live")[0] == 200, process, lambda: site.log)
            yield site
        finally:
            site.inside.close()
            if process.poll() is not None:
                print(site.log[-4000:])  # noqa: T201 - it ended by itself, and pytest shows why
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
            _end(process)  # told a second time, it waits for nobody


def prepare(folder: Path) -> None:
    """Put a migrated SQLite database and collected static files there.

    They are made once in a run of the suite, by whichever of its processes needs them first.
    """
    shared = Path(os.environ[SHARED_FOLDER])
    made = shared / "site"
    with (shared / "making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = Path(tempfile.mkdtemp(dir=shared))
            with closing(inside.Inside(site_environment(making, 8000, PRODUCTION))) as process:
                process.call(inside.manage, "migrate")
                process.call(collect_changed)
            making.rename(made)
    for name in ("db.sqlite3", "static.collected"):
        shutil.copy(made / name, folder)
    shutil.copytree(made / "static", folder / "static", copy_function=os.link)


def _postgresql_binaries() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    found = installed[-1] if installed else Path(on_path).resolve() if on_path else None
    if found is None or not (found.parent / "pg_isready").exists():
        missing("PostgreSQL is not installed")
    return found.parent


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: how to become somebody else, who then owns the folder."""
    if os.geteuid() != 0:
        return []
    for user in ("postgres", "nobody"):
        with suppress(KeyError):
            person = pwd.getpwnam(user)
            os.chown(folder, person.pw_uid, person.pw_gid)
            return ["setpriv", f"--reuid={person.pw_uid}", f"--regid={person.pw_gid}", "--clear-groups"]
    missing("There is no user besides root to run PostgreSQL")


def _run(command: Sequence[object], environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(
    ready: Callable[[], bool],
    server: "subprocess.Popen[bytes]",
    explain: Callable[[], str],
    seconds: float = 90,
) -> None:
    came_up = wait_until(lambda: server.poll() is not None or ready(), seconds)
    if not came_up or server.poll() is not None:
        raise AssertionError(f"It did not start:\n{explain()}")


def _end(server: "subprocess.Popen[bytes]", how: int = signal.SIGTERM, grace: float = 10) -> None:
    with suppress(ProcessLookupError):
        server.send_signal(how)
    with suppress(subprocess.TimeoutExpired):
        server.wait(grace)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
