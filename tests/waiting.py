"""Waiting for what another process, thread or server does."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Whether the condition came true in time. The deadline is for a condition that never does: be generous.

    It is asked often at first and less later, as asking costs time that what is waited for could use.
    """
    deadline, pause = time.monotonic() + seconds, 0.02
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.3, 0.25)
    return True
