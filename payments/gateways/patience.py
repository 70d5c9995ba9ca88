"""How long a provider may take: less than usual while somebody waits for our own answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from payments.gateways.base import GatewayUnavailable

LEAST = 0.05
_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """All that is asked of providers within has so long together; what takes longer raises `GatewayUnavailable`."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def in_hurry() -> bool:
    return _ends.get() is not None


def timeouts(usual: tuple[float, float]) -> tuple[float, float]:
    """Seconds to connect and to be answered, as `requests` takes them. Raises `GatewayUnavailable`."""
    ends = _ends.get()
    if ends is None:
        return usual
    left = ends - time.monotonic()
    if left < LEAST:
        raise GatewayUnavailable("There was no time left to ask")
    return min(usual[0], left / 2), min(usual[1], left / 2)
