import os
import signal
import threading
import time
from pathlib import Path

from config.processes import Process
from config.supervisor import supervise
from tests.waiting import wait_until

SLEEP = Process("sleeper", ("sleep", "60"))


def test_supervise_stops_everything_when_one_process_ends():
    started = time.monotonic()
    ended = supervise([SLEEP, Process("short", ("false",))])
    assert str(ended) == "The short process ended with 1"
    assert time.monotonic() - started < 5


def test_supervise_says_what_killed_a_process():
    ended = supervise([SLEEP, Process("short", ("sh", "-c", "kill -KILL $$"))])
    assert str(ended) == "The short process was killed by SIGKILL"


def test_supervise_ends_quietly_when_it_is_told_to():
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert supervise([SLEEP]) is None


def test_supervise_kills_a_straggler_and_its_children(tmp_path):
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done' & wait; wait"
    stubborn = Process("stubborn", ("sh", "-c", script))
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert supervise([stubborn], grace_seconds=0.5) is None
    assert wait_until(lambda: not is_running(int((tmp_path / "pid").read_text())))


def test_supervise_waits_for_nobody_when_it_is_told_twice():
    deaf = Process("deaf", ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"))
    for seconds in (0.5, 1):
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()
    started = time.monotonic()
    assert supervise([deaf], grace_seconds=60) is None
    assert time.monotonic() - started < 30


def test_supervise_gives_a_process_its_own_variables(tmp_path):
    writer = Process("writer", ("sh", "-c", f'echo "$GREETING" > {tmp_path}/said'), {"GREETING": "hello"})
    supervise([writer])
    assert (tmp_path / "said").read_text() == "hello\n"


def test_supervise_asks_until_everything_is_up():
    answers = iter([False, False, True])
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    supervise([SLEEP], on_ready=lambda: next(answers))
    assert list(answers) == []


def is_running(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
