"""Runs a table of processes as one: all of them or none."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from config.processes import Process

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Ended:
    """A process that ended by itself, and its return code: below zero the signal that killed it."""

    name: str
    code: int

    def __str__(self) -> str:
        how = (
            f"was killed by {signal.Signals(-self.code).name}" if self.code < 0 else f"ended with {self.code}"
        )
        return f"The {self.name} process {how}"


def supervise(
    processes: Iterable[Process], *, grace_seconds: float = 10, on_ready: Callable[[], bool] | None = None
) -> Ended | None:
    """Block until told to stop (returns None) or until a process ends by itself (returns which, and how).

    SIGINT, SIGTERM and SIGHUP stop every process with SIGTERM; what still runs after the grace period, or when told
    a second time, is killed, with its own children. `on_ready` is asked again and again until it says that everything
    is up.
    """
    times_told = 0

    def stop(*_: object) -> None:
        nonlocal times_told
        times_told += 1

    previous = {
        number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for process in processes:
            running[process.name] = _start(process)
        while not times_told:
            for name, child in running.items():
                if (code := child.poll()) is not None:
                    return Ended(name, code)
            if on_ready and on_ready():
                on_ready = None
            time.sleep(POLL_SECONDS)
        return None
    finally:
        deadline = time.monotonic() + grace_seconds
        _stop(running.values(), lambda: times_told < 2 and time.monotonic() < deadline)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _start(process: Process) -> "subprocess.Popen[bytes]":
    # In a group of its own, Ctrl-C reaches only the supervisor, and a straggler's children can be killed with it.
    return subprocess.Popen(
        process.command,
        env={**os.environ, **process.environment},
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    """Ask Linux for a SIGTERM when the supervisor is killed in a way that it cannot pass on."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _stop(children: Iterable["subprocess.Popen[bytes]"], may_wait: Callable[[], bool]) -> None:
    children = list(children)
    for child in children:
        if child.poll() is None:
            child.terminate()
    while any(child.poll() is None for child in children) and may_wait():
        time.sleep(POLL_SECONDS)
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
