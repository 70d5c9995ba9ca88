"""Calls to providers that end when their time is over, whatever the other side does.

The timeouts of `requests` bound each wait for a piece of an answer, so a provider that sends a byte now and then is
never too slow for them; and nothing bounds the search for its address.
"""

import socket
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

import requests
from django.conf import settings
from django.db import connection
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from lib import deadline
from payments.gateways.base import GatewayUnavailable

LEAST_SECONDS = 0.05

_waiting = threading.BoundedSemaphore(settings.PROVIDER_CALLS)


class NoTimeLeft(requests.Timeout):
    """The deadline was over before the answer was there."""


class TooManyWaiting(requests.ConnectionError):
    """One more would take a thread from those who want nothing of a provider."""


def timeouts(usual: tuple[float, float]) -> tuple[float, float]:
    """Seconds to connect and to be answered, as `requests` takes them. Raises `GatewayUnavailable`."""
    left = deadline.seconds_left()
    if left is None:
        return usual
    if left < LEAST_SECONDS:
        raise GatewayUnavailable("There was no time left to ask, so please try again")
    return min(usual[0], left), min(usual[1], left)


def refuse_in_transaction() -> None:
    """Raises `RuntimeError` within a transaction: whoever holds locks must not wait for a provider.

    A test's own transaction, around the whole test, is none.
    """
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise RuntimeError("A payment provider is asked within a transaction")


class Session(requests.Session):
    """For one conversation. Each of its calls runs in a thread of its own, so that the caller can go on when the
    deadline is over, or after the usual timeouts together where nobody waits; the call is then cut off. What can't
    be, the search for an address, keeps its place among `PROVIDER_CALLS` until it ends by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        for scheme in ("http://", "https://"):
            self.mount(scheme, Adapter())

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises `NoTimeLeft` and `TooManyWaiting`, besides what `requests` does, and `RuntimeError` within a
        transaction."""
        refuse_in_transaction()
        left = deadline.seconds_left()
        call = Call(partial(super().request, *args, **kwargs), self.lines)
        return call.within(sum(settings.PROVIDER_TIMEOUT) if left is None else left)


class Call:
    def __init__(self, work: Callable[[], requests.Response], lines: "list[Line]") -> None:
        self.work, self.lines = work, lines
        self.answer: Future[requests.Response] = Future()
        self.is_over = False

    def within(self, seconds: float) -> requests.Response:
        """Raises `NoTimeLeft`, `TooManyWaiting`, or what the work itself raises."""
        if not _waiting.acquire(blocking=False):
            raise TooManyWaiting
        # A daemon, so that a process which is told to stop does not wait for it.
        threading.Thread(target=copy_context().run, args=(self._run,), daemon=True, name="provider").start()
        if not wait([self.answer], max(seconds, 0)).done:
            self.is_over = True
            for line in list(self.lines):
                line.hang_up()
            raise NoTimeLeft
        return self.answer.result()

    def _run(self) -> None:
        _call.set(self)
        try:
            self.answer.set_result(self.work())
        except BaseException as error:  # the caller's
            self.answer.set_exception(error)
        finally:
            _waiting.release()


_call: ContextVar[Call | None] = ContextVar("call", default=None)


class Line(HTTPConnection):
    """A connection that another thread can end."""

    def _new_conn(self) -> socket.socket:
        opened: socket.socket = super()._new_conn()  # type: ignore[no-untyped-call,unused-ignore]
        if call := _call.get():
            # TLS takes the socket itself over, to shake hands first; the duplicate ends it at any time.
            self.duplicate = opened.dup()
            weakref.finalize(self, self.duplicate.close)
            call.lines.append(self)
            if call.is_over:
                self.hang_up()
        return opened

    def hang_up(self) -> None:
        with suppress(OSError):  # it has ended already
            self.duplicate.shutdown(socket.SHUT_RDWR)


class SecureLine(Line, HTTPSConnection):
    pass


class Pool(HTTPConnectionPool):
    ConnectionCls = Line


class SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureLine


class Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_lines(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return _use_lines(super().proxy_manager_for(*args, **kwargs))


def _use_lines(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return manager
