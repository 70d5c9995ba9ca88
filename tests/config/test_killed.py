"""Each process of a running site is killed in turn: what it did goes on, or everything stops and says why."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery

from config import celery  # noqa: F401  # names the file queue's transport
from config.processes import plan
from tests.config.test_up import children, gone
from tests.inside import Inside
from tests.servers import BASE_DIR, Site, free_port, site_environment, start_site
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

# By what their command lines say.
ROLES = {
    "web": "granian",
    "messages": "--queues messages",
    "sweeps": "--queues sweeps",
    "schedule": "config.schedule",
}


@pytest.fixture(scope="module", params=["embedded", "grown up"])
def environment(request) -> dict[str, str]:
    """A site on SQLite and files, and one on PostgreSQL and Redis."""
    one_of_each = {"WEB_WORKERS": "1"}
    if request.param == "embedded":
        return one_of_each
    servers = {"DATABASE_URL": "postgresql_url", "REDIS_URL": "redis_url"}
    return one_of_each | {name: request.getfixturevalue(fixture) for name, fixture in servers.items()}


@pytest.fixture(scope="module")
def site(environment, tmp_path_factory) -> tuple[dict[str, str], str]:
    """The variables of a site that does not run yet, and what `manage.py up` would have its supervisor know."""
    variables = site_environment(tmp_path_factory.mktemp("site"), free_port(), environment)
    with closing(Inside(variables)) as process:
        return variables, json.dumps(process.call(plan, greeting=""))


@pytest.mark.parametrize("role", ROLES)
def test_everything_stops_and_says_why_when_a_process_is_killed(site, tmp_path, role):
    variables, told = site
    (tmp_path / "plan").write_text(told)
    with (tmp_path / "plan").open() as standard_input, (tmp_path / "log").open("wb") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "config.running"],
            cwd=BASE_DIR,
            env=variables,
            stdin=standard_input,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert wait_until(lambda: set(processes(up.pid)) == set(ROLES))
        below = children(up.pid)
        os.kill(processes(up.pid)[role], signal.SIGKILL)
        assert up.wait(30) == 1
        words = f"The {role} process was killed by SIGKILL, so everything was stopped."
        assert words in (tmp_path / "log").read_text()
        assert gone(below)
    finally:
        up.kill()
        up.wait()


def test_child_of_a_process_that_is_killed_is_replaced_or_everything_stops(environment):
    with start_site(environment) as site:
        assert wait_until(lambda: works(site))
        # The web server's last: it may end with its only child.
        for role in ("messages", "sweeps", "web"):
            below = children(site.process.pid)
            for child in own_children(processes(site.process.pid)[role]):
                os.kill(child, signal.SIGKILL)
            assert wait_until(lambda: site.process.poll() is not None or works(site)), (
                f"{role} misses its child"
            )
        if site.process.poll() is None:
            return
        assert site.process.returncode == 1
        assert "The web process ended with 1, so everything was stopped." in site.log
        assert gone(below)


def processes(up: int) -> dict[str, int]:
    """Those that `up` itself has started, by what they do."""
    return {
        role: child
        for child, command in children(up).items()
        for role, words in ROLES.items()
        if words in command and parent_of(child) == up
    }


def own_children(pid: int) -> list[int]:
    return [each for each in children(pid) if parent_of(each) == pid]


def parent_of(pid: int) -> int | None:
    """None when it has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def works(site: Site) -> bool:
    """A page is shown, and each queue brings a new message to somebody who acts on it."""
    try:
        if site.get("/healthz?live")[0] != 200:
            return False
    except OSError:
        return False
    sent = [send_heartbeat(site, queue) for queue in ("messages", "sweeps")]
    return wait_until(lambda: all(f"task_id={task}" in site.log for task in sent), 20)


def send_heartbeat(site: Site, queue: str) -> str:
    folder = str(site.data_dir / "queue" / "messages")
    with Celery(
        "test", broker=site.environment.get("REDIS_URL") or "filesystem://", set_as_current=False
    ) as sender:
        sender.conf.broker_transport_options = {
            "data_folder_in": folder,
            "data_folder_out": folder,
            "control_folder": str(site.data_dir / "queue" / "control"),
        }
        return str(sender.send_task("config.tasks.heartbeat", (queue,), queue=queue, task_id=uuid4().hex).id)
