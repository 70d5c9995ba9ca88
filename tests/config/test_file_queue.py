from pathlib import Path
from queue import Empty
from threading import Thread

import pytest
from kombu import Connection

from config import celery  # noqa: F401  # names the transport
from config.file_queue import Transport

MESSAGES = 300


@pytest.fixture
def channel(tmp_path: Path):
    folders = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), str(tmp_path))
    with Connection("filesystem://", transport_options=folders) as connection:
        yield connection.channel()


def test_the_file_queue_is_ours(channel):
    assert isinstance(channel.connection, Transport)


def test_a_reader_never_meets_half_a_message(channel, tmp_path):
    def write() -> None:
        for number in range(MESSAGES):
            channel._put("celery", {"number": number, "filling": "x" * 20_000})

    writers = [Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    found: list[int] = []
    while any(writer.is_alive() for writer in writers) or list(tmp_path.glob("*.msg")):
        try:
            found.append(channel._get("celery")["number"])
        except Empty:
            continue
    assert sorted(found) == sorted([*range(MESSAGES)] * 3)
    assert not list(tmp_path.iterdir())
