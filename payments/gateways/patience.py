"""How long providers may take while somebody waits for our own answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from payments.gateways.base import GatewayUnavailable

# Of one web request, from where it first fetches a gateway: our own work comes on top, and eight are a clear answer.
SECONDS = 6.0
LEAST = 0.05


class Clock:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends: float | None = None

    def left(self) -> float:
        """The first time starts it."""
        if self.ends is None:
            self.ends = time.monotonic() + self.seconds
        return self.ends - time.monotonic()


_clock: ContextVar[Clock | None] = ContextVar("clock", default=None)


@contextmanager
def in_request() -> Iterator[None]:
    """Within, `SECONDS` are all that providers get together, from where the first gateway is fetched."""
    token = _clock.set(Clock(SECONDS))
    try:
        yield
    finally:
        _clock.reset(token)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """All that is asked of providers within has so long together; what takes longer raises `GatewayUnavailable`."""
    outer = seconds_left()
    clock = Clock(seconds if outer is None else min(seconds, outer))
    clock.left()
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


def in_hurry() -> bool:
    return _clock.get() is not None


def seconds_left() -> float | None:
    """Negative when they are over; None when nobody waits. Starts the clock of a request."""
    clock = _clock.get()
    return clock.left() if clock else None


def timeouts(usual: tuple[float, float]) -> tuple[float, float]:
    """Seconds to connect and to be answered, as `requests` takes them. Raises `GatewayUnavailable`."""
    left = seconds_left()
    if left is None:
        return usual
    if left < LEAST:
        raise GatewayUnavailable("There was no time left to ask, so please try again")
    return min(usual[0], left), min(usual[1], left)
