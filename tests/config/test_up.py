"""The site as people run it: `manage.py up`, its processes, its queue and its end."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers import BASE_DIR, site_environment, start_site
from tests.waiting import wait_until

pytestmark = pytest.mark.processes


def health(site):
    return json.loads(site.get("/healthz")[1])


def children(pid):
    """Every process below this one, as command lines by id; what ends meanwhile is left out."""
    found = {}
    with suppress(OSError):
        # Each thread has children of its own.
        lists = [(thread / "children").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
        for each in " ".join(lists).split():
            with suppress(OSError):
                found[int(each)] = Path(f"/proc/{each}/cmdline").read_text().replace("\0", " ")
            found |= children(int(each))
    return found


def megabytes(pid):
    """What a process keeps in memory."""
    (line,) = (each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in each)
    return int(line.split()[1]) / 1024


def gone(pids):
    return wait_until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids))


def test_up_serves_works_off_the_file_queue_and_stops_when_it_is_told_to(tmp_path):
    (tmp_path / "celerybeat").write_bytes(b"what another version left behind")
    with start_site(data_dir=tmp_path, demo=True) as site:
        assert wait_until(lambda: health(site)["queues"]["status"] == "ok")
        assert site.get("/healthz")[0] == 200
        assert site.get("/mentors/")[1].count('<article class="card">') > 10
        assert site.get("/static/admin/css/base.css")[0] == 200
        assert wait_until(lambda: "is up: http://localhost:" in site.log)
        assert not list(BASE_DIR.glob("celerybeat*"))
        assert megabytes(site.process.pid) < 40  # it knows what it supervises, and neither settings nor apps
        below = children(site.process.pid)
        site.process.send_signal(signal.SIGINT)
        assert site.process.wait(20) == 0
        assert gone(below)


def test_up_refuses_a_port_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=BASE_DIR,
            env=site_environment(tmp_path, taken.getsockname()[1]),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Cannot listen on 127.0.0.1" in done.stderr


def test_up_leaves_nothing_behind_when_it_is_killed_itself():
    with start_site() as site:
        assert wait_until(lambda: health(site)["schedule"]["status"] == "ok")
        below = children(site.process.pid)
        site.process.kill()
        assert gone(below)


def test_up_runs_without_debug_behind_a_proxy():
    production = {
        "DEBUG": "0",
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": "127.0.0.1",
        "SITE_URL": "https://127.0.0.1",
        "TRUSTED_PROXIES": "1",
    }
    with start_site(production) as site:
        assert site.get("/healthz?live")[0] == 200
        assert wait_until(lambda: '"event": "task"' in site.log)
        log = [line for line in site.log.splitlines() if line.startswith("{")]
        assert all(json.loads(line)["level"] for line in log)


def test_up_runs_on_postgresql_and_redis(postgresql_url, redis_url):
    with start_site({"DATABASE_URL": postgresql_url, "REDIS_URL": redis_url}) as site:
        assert wait_until(lambda: health(site)["schedule"]["status"] == "ok")
        assert health(site)["cache"]["status"] == "ok"
        below = children(site.process.pid)
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(20) == 0
        assert gone(below)
