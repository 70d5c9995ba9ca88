import email
import logging
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
import time_machine
from django.core.mail import EmailMessage

from notifications.backends import FileAndConsoleBackend
from tests.factories import NOW


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return tmp_path / "mail"


def mail(to="arjun@example.com", body="Grüße\nvon uns"):
    return EmailMessage("Good news", body, "hello@example.com", [to])


def test_each_mail_becomes_a_file_that_sorts_by_time(folder):
    FileAndConsoleBackend().send_messages([mail("z@example.com")])
    with time_machine.travel(NOW + timedelta(minutes=1)):
        FileAndConsoleBackend().send_messages([mail("a@example.com"), mail("a@example.com")])
    names = sorted(path.name for path in folder.iterdir())
    assert [name.split("-")[1] for name in names] == ["z@example.com", "a@example.com", "a@example.com"]
    assert all(name.endswith(".eml") and name.startswith("20261202T063") for name in names)


def test_the_file_is_the_mail_as_it_would_travel(folder):
    FileAndConsoleBackend().send_messages([mail()])
    (path,) = folder.iterdir()
    read = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (read["To"], read["Subject"]) == ("arjun@example.com", "Good news")
    assert read.get_content().splitlines() == ["Grüße", "von uns"]
    assert b"\r\n" in path.read_bytes()


def test_a_recipient_cannot_name_a_file_elsewhere(folder, tmp_path):
    FileAndConsoleBackend().send_messages([mail('"../../x"@example.com')])
    (path,) = tmp_path.rglob("*.eml")
    assert path.parent == folder
    assert "_.._x_@example.com" in path.name


def test_one_line_on_the_console(folder, caplog):
    with caplog.at_level(logging.INFO):
        assert FileAndConsoleBackend().send_messages([mail()]) == 1
    (record,) = caplog.records
    assert (record.to, record.subject) == ("arjun@example.com", "Good news")
    assert Path(record.file).is_file()


def test_a_mail_that_cannot_be_written_fails_unless_silenced(folder):
    folder.write_text("not a folder")
    with pytest.raises(FileExistsError):
        FileAndConsoleBackend().send_messages([mail()])
    assert FileAndConsoleBackend(fail_silently=True).send_messages([mail()]) == 0
