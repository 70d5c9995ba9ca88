"""The embedded queue: kombu's file transport, with messages that appear whole or not at all.

kombu opens a message under its final name and then writes it, so that a reader can take it while it is
empty, and a worker that reads an empty message ends.

It is read from the worker's event loop, as Redis is. Without one Celery's children share a pipe and its lock,
and a child that is killed while it waits for work keeps the lock: no other ever gets any.
"""

import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as kombu's own
        """Written under a name that no reader looks for, then renamed: on one file system that is atomic."""
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        whole = Path(self.data_folder_out) / name
        part = whole.with_name(f"{name}.part")
        part.write_bytes(str_to_bytes(dumps(payload)))
        part.replace(whole)


class Transport(filesystem.Transport):
    Channel = Channel
    implements = filesystem.Transport.implements.extend(asynchronous=True)

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        loop.call_repeatedly(self.polling_interval, self._take_up)

    def _take_up(self) -> None:
        """All that there is, as far as the worker has children for it."""
        with suppress(Empty):
            while self.cycle is not None:
                self.cycle.get(self._deliver, timeout=0)
