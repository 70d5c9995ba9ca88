"""A provider that takes every call and never finishes its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class SilentProvider:
    """Says nothing at all or, `dripping`, one byte of an answer's head after another."""

    def __init__(self, *, dripping: bool = False) -> None:
        self.dripping = dripping
        self.heard: list[bytes] = []  # what each call began with
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
        with call, suppress(OSError):
            while heard := call.recv(65536):
                self.heard.append(heard)
                if self.dripping:
                    call.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                    while not self.closing.wait(0.05):
                        call.sendall(b"x")

    def close(self) -> None:
        self.closing.set()
        for open_socket in (self.listener, *self.calls):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@contextmanager
def silent_provider(*, dripping: bool = False) -> Iterator[SilentProvider]:
    provider = SilentProvider(dripping=dripping)
    accepting = threading.Thread(target=provider.accept, daemon=True)
    accepting.start()
    try:
        yield provider
    finally:
        provider.close()
        accepting.join(5)
