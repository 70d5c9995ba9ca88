"""How long what we ask of others may take, while somebody waits for our own answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


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
def from_first_use(seconds: float) -> Iterator[None]:
    """Within, so many seconds are all that others get together, from where `seconds_left` is asked first."""
    token = _clock.set(Clock(seconds))
    try:
        yield
    finally:
        _clock.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """So many seconds from now for all that is asked of others; fewer when a deadline around it ends sooner."""
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
    """Negative when they are over; None when nobody waits. Starts a clock that waits for its first use."""
    clock = _clock.get()
    return clock.left() if clock else None
