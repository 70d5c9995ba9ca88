"""What the web server costs, and what others feel of somebody slow. Starts servers on free ports, on Linux only."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from django.conf import settings

from benchmarks.timing import say
from config.processes import processes

BASE_DIR = Path(__file__).resolve().parent.parent
PAGE = "/"
BURST, ROUNDS = 50, 7  # the system counts CPU time in hundredths of a second
VISITS, SLOW = 5, 20
LARGE = "large.jpg"


@dataclass(frozen=True)
class Server:
    port: int
    process: "subprocess.Popen[bytes]"

    def visit(self, path: str = PAGE) -> float:
        """Milliseconds."""
        began = time.perf_counter()
        visitor = http.client.HTTPConnection("localhost", self.port, timeout=30)
        visitor.request("GET", path)
        answer = visitor.getresponse()
        answer.read()
        visitor.close()
        assert answer.status == 200, answer.status
        return (time.perf_counter() - began) * 1000

    def begin(self, request: str) -> socket.socket:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("localhost", self.port))
        line.sendall(request.encode())
        return line

    def cpu(self) -> float:
        """Milliseconds that it and its workers have worked."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(map(_worked, [str(pid), *children]))


def run() -> bool:
    """Whether every target is met."""
    if sys.platform != "linux":
        print("web              not measured: reads /proc")
        return True
    (settings.MEDIA_ROOT / LARGE).write_bytes(bytes(30_000_000))
    with _running(_ours) as ours, _running(_plain) as plain:
        return all([undisturbed(ours, plain), beside_slow_ones(ours)])


def undisturbed(ours: Server, plain: Server) -> bool:
    """A page's work in all, next to a server that takes a request's only thread at once and keeps it to the end.

    The least of several turns: whatever else the machine does only adds to what one costs.
    """
    spent: dict[int, list[float]] = {ours.port: [], plain.port: []}
    for server in (ours, plain) * ROUNDS:
        before = server.cpu()
        for _ in range(BURST):
            server.visit()
        spent[server.port].append((server.cpu() - before) / BURST)
    return say("web", "a page, nobody slow", min(spent[ours.port]), min(spent[plain.port]), 1.1)


def beside_slow_ones(server: Server) -> bool:
    """How long a second visitor waits, next to when there was nobody else."""
    alone, beside = list[float](), list[float]()
    for _ in range(ROUNDS):
        alone += [server.visit() for _ in range(VISITS)]
        with ExitStack() as slow:
            for _ in range(SLOW):
                slow.enter_context(server.begin(_STALLED))
                slow.enter_context(server.begin(_LARGE)).recv(1)
            beside += [server.visit() for _ in range(VISITS)]
    what = f"a visitor beside {2 * SLOW} slow ones"
    return say("web", what, median(beside), median(alone), 3)


# Taken as it is, whoever sends it: its signature is over the body.
_STALLED = "POST /payments/webhooks/stripe/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
_LARGE = f"GET /media/{LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _ours(port: int) -> Sequence[str]:
    table = processes(host="127.0.0.1", port=port, web_workers=1)
    return next(process.command for process in table if process.name == "web")


def _plain(port: int) -> Sequence[str]:
    return (
        *(sys.executable, "-m", "granian", "config.wsgi:application", "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "1"),
        *("--workers-kill-timeout", "5", "--no-ws", "--log-level", "warning"),
    )


@contextmanager
def _running(command: Callable[[int], Sequence[str]]) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        command(port), cwd=BASE_DIR, env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL
    )
    server = Server(port, process)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError):
                server.visit("/healthz?live")
                break
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait()


def _worked(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
