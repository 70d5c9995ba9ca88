"""A provider that takes every call and never finishes its answer: it is the other side that has to hang up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Longer than anybody may wait for a provider, on a busy machine too.
GIVES_UP_AFTER = 60.0


class SilentServer:
    """Says nothing at all or, `dripping`, one byte of an answer's head after another."""

    def __init__(self, *, dripping: bool = False) -> None:
        self.dripping = dripping
        self.heard: list[bytes] = []  # what each call began with
        self.gave_up = False  # a call lasted so long that this side ended it
        self.closing = threading.Event()
        self.calls: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self) -> None:
        while not self.closing.is_set():
            with suppress(OSError):
                call, _ = self.listener.accept()
                self.calls.append(call)
                threading.Thread(target=self._hold, args=(call,), daemon=True).start()

    def _hold(self, call: socket.socket) -> None:
        ends = threading.Timer(GIVES_UP_AFTER, self._give_up, (call,))
        ends.daemon = True
        ends.start()
        with call, suppress(OSError):
            while heard := call.recv(65536):
                self.heard.append(heard)
                if self.dripping:
                    call.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                    while not self.closing.wait(0.05):
                        call.sendall(b"x")
        ends.cancel()

    def _give_up(self, call: socket.socket) -> None:
        self.gave_up = True
        _shut_down(call)

    def hang_up(self) -> None:
        """End the calls that there are."""
        for call in self.calls:
            _shut_down(call)

    def close(self) -> None:
        self.closing.set()
        _shut_down(self.listener)
        self.hang_up()
        self.listener.close()


def _shut_down(open_socket: socket.socket) -> None:
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent_server(*, dripping: bool = False) -> Iterator[SilentServer]:
    server = SilentServer(dripping=dripping)
    accepting = threading.Thread(target=server.accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        server.close()
        accepting.join(5)
