import os
import signal
import threading
from pathlib import Path

import pytest

from config.processes import Process
from config.supervisor import supervise
from tests.waiting import wait_until

SLEEP = Process("sleeper", ("sleep", "60"))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where the processes write."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(name, script):
    return Process(name, ("sh", "-c", script))


def tell(*steps):
    """Send this process a signal as soon as a file is there, one step after the other."""

    def run():
        for file, number in steps:
            assert wait_until(file.exists)
            os.kill(os.getpid(), number)

    threading.Thread(target=run).start()


def test_supervise_stops_everything_when_one_process_ends(folder):
    other = shell("other", "trap 'touch told; exit' TERM; touch up; while :; do sleep 0.1; done")
    short = shell("short", "until [ -e up ]; do sleep 0.1; done; exit 1")
    assert str(supervise([other, short])) == "The short process ended with 1"
    assert (folder / "told").exists()


def test_supervise_says_what_killed_a_process():
    ended = supervise([SLEEP, shell("short", "kill -KILL $$")])
    assert str(ended) == "The short process was killed by SIGKILL"


def test_supervise_ends_quietly_when_it_is_told_to(folder):
    tell((folder / "up", signal.SIGTERM))
    assert supervise([shell("one", "touch up; sleep 60")]) is None


def test_supervise_kills_a_straggler_and_its_children(folder):
    child = "trap '' TERM; echo $$ > pid; touch up; while :; do sleep 0.1; done"
    (folder / "child").write_text(child)
    tell((folder / "up", signal.SIGINT))
    assert supervise([shell("stubborn", "trap '' TERM; sh child & wait; wait")], grace_seconds=0.5) is None
    assert wait_until(lambda: not is_running(int((folder / "pid").read_text())))


def test_supervise_waits_for_nobody_when_it_is_told_twice(folder):
    """Whoever waited for the grace period would not come back to this test today."""
    deaf = shell("deaf", "trap 'touch told' TERM; touch up; while :; do sleep 0.1; done")
    tell((folder / "up", signal.SIGTERM), (folder / "told", signal.SIGTERM))
    assert supervise([deaf], grace_seconds=86_400) is None


def test_supervise_gives_a_process_its_own_variables(tmp_path):
    writer = Process("writer", ("sh", "-c", f'echo "$GREETING" > {tmp_path}/said'), {"GREETING": "hello"})
    supervise([writer])
    assert (tmp_path / "said").read_text() == "hello\n"


def test_supervise_asks_until_everything_is_up(folder):
    answers = iter([False, False, True])

    def is_up():
        answer = next(answers)
        if answer:
            (folder / "up").touch()
        return answer

    tell((folder / "up", signal.SIGTERM))
    supervise([SLEEP], on_ready=is_up)
    assert list(answers) == []


def is_running(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
