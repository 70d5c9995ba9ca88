"""For a neighbour that may be away, such as Redis: stop asking for a while, and say so in the log once in a while."""

import logging
import time

logger = logging.getLogger(__name__)

REPEAT_SECONDS = 300.0


class Breaker:
    """Remembers, for one process, that somebody did not answer. Every thread may use it.

    After a failure `is_open` for `pause_seconds`: whoever asks meanwhile does without at once. Then one caller tries
    again, and the others wait for what comes of it.
    """

    def __init__(self, name: str, *, without: str, pause_seconds: float) -> None:
        """`without` says in the log what is not done while `name` is away."""
        self.name = name
        self.without = without
        self.pause_seconds = pause_seconds
        self.error = ""
        self._closed_at = 0.0
        self._logged_at = float("-inf")

    @property
    def is_open(self) -> bool:
        if not self.error:
            return False
        now = time.monotonic()
        if now < self._closed_at:
            return True
        self._closed_at = now + self.pause_seconds
        return False

    def failed(self, error: Exception) -> None:
        now = time.monotonic()
        self.error = type(error).__name__
        self._closed_at = now + self.pause_seconds
        if now >= self._logged_at + REPEAT_SECONDS:
            self._logged_at = now
            logger.error(
                "%s does not answer: %s",
                self.name,
                self.without,
                extra={"error": f"{type(error).__name__}: {error}"},
            )

    def worked(self) -> None:
        if self.error:
            self.error = ""
            self._logged_at = float("-inf")
            logger.warning("%s answers again", self.name)
