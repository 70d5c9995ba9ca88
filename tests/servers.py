"""Programs that tests start for themselves: on free ports, in folders of their own, gone afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

BASE_DIR = Path(__file__).resolve().parent.parent
# What a server started here must not inherit: each names its own.
SITE_VARIABLES = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "ALLOWED_HOSTS", "SITE_URL")


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
            _wait(lambda: _listens(port), server, lambda: "redis-server did not start")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            _end(server)


@dataclass(frozen=True)
class Site:
    url: str
    data_dir: Path
    process: "subprocess.Popen[bytes]"
    environment: Mapping[str, str]

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
        return _run([sys.executable, "manage.py", *arguments], self.environment)


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

    Without `data_dir` it starts with a migrated SQLite database, which saves each start some seconds.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="office-hours-site-") as temporary:
        folder = data_dir or Path(temporary)
        if data_dir is None:
            (folder / "db.sqlite3").write_bytes(_migrated_database())
        variables = site_environment(folder, port, environment)
        command = [sys.executable, "manage.py", "up", *(["--demo"] if demo else [])]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=BASE_DIR, env=variables, stdout=log, stderr=log, start_new_session=True
            )
        site = Site(f"http://127.0.0.1:{port}", folder, process, variables)
        try:
            _wait(lambda: _listens(port) and site.get("/healthz?live")[0] == 200, process, lambda: site.log)
            yield site
        finally:
            if process.poll() is not None:
                print(site.log[-4000:])  # noqa: T201 - it ended by itself, and pytest shows why
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
            _end(process)  # told a second time, it waits for nobody


@cache
def _migrated_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        _run([sys.executable, "manage.py", "migrate", "-v0"], site_environment(Path(folder), 8000))
        return (Path(folder) / "db.sqlite3").read_bytes()


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


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(
    ready: Callable[[], bool],
    server: "subprocess.Popen[bytes]",
    explain: Callable[[], str],
    seconds: float = 90,
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError(f"It did not start:\n{explain()}")


def _end(server: "subprocess.Popen[bytes]", how: int = signal.SIGTERM, grace: float = 10) -> None:
    with suppress(ProcessLookupError):
        server.send_signal(how)
    with suppress(subprocess.TimeoutExpired):
        server.wait(grace)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
