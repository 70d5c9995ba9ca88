"""The embedded queue: kombu's file transport, with messages that appear whole or not at all.

kombu opens a message under its final name and then writes it, so that a reader can take it while it is
empty, and a worker that reads an empty message ends.
"""

import uuid
from pathlib import Path
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
