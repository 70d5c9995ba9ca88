"""The outbox with a real worker on the file queue, and what is left when it is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from email import message_from_bytes

import pytest

from tests.servers import BASE_DIR, free_port, prepare, site_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

BOOK = """
from datetime import timedelta
from django.utils import timezone
from bookings import services
from tests.factories import *
now = timezone.now()
mentor = MentorFactory(user__email="mentor@example.com")
free = SessionTypeFactory(mentor=mentor, price_minor=0)
student = UserFactory(email="student@example.com")
noon = (now + timedelta(days=3)).replace(hour=6, minute=30, second=0, microsecond=0)
starts_at = noon + timedelta(days=noon.weekday() == 6)
services.book(student=student, session_type=free, duration_minutes=60, starts_at=starts_at, now=now)
"""
REMINDERS = [("reminder_24h", "queued", 0)] * 2
SENDING = [("session_scheduled", "sending", 1)] * 2
SENT = [("session_scheduled", "sent", 1)] * 2


class Outbox:
    """A migrated site of which only the worker runs."""

    def __init__(self, folder):
        self.folder = folder
        prepare(folder)
        self.environment = site_environment(folder, free_port())
        shell = [sys.executable, "manage.py", "shell", "--no-imports", "--command", BOOK]
        subprocess.check_call(shell, cwd=BASE_DIR, env=self.environment)

    def sql(self, statement):
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=30)) as database, database:
            return database.execute(statement).fetchall()

    @property
    def rows(self):
        return self.sql("SELECT kind, status, attempts FROM notifications_message ORDER BY kind, status")

    @property
    def mails(self):
        return sorted(self.folder.glob("mail/*.eml"))

    @property
    def queue(self):
        return sorted(self.folder.glob("queue/messages/*.messages.msg"))

    @contextmanager
    def worker(self, **environment):
        """Killed at the end, without a chance to put anything in order."""
        command = ["-m", "celery", "--quiet", "--app", "config", "worker", "--beat", "--concurrency", "2"]
        temporary = {"TMPDIR": str(self.folder / "queue" / "tmp")}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=BASE_DIR,
                env={**self.environment, **temporary, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path)


def test_the_worker_sends_each_confirmation_once(outbox):
    assert len(outbox.queue) == 2
    with outbox.worker():
        assert wait_until(lambda: outbox.rows == [*REMINDERS, *SENT])
        assert wait_until(lambda: not outbox.queue)
    assert sorted(message_from_bytes(path.read_bytes())["To"] for path in outbox.mails) == [
        "mentor@example.com",
        "student@example.com",
    ]


def test_a_wake_up_lost_with_its_worker_is_made_good_by_the_next(outbox):
    for path in outbox.queue:
        path.unlink()
    with outbox.worker():
        assert wait_until(lambda: outbox.rows == [*REMINDERS, *SENT])
    assert len(outbox.mails) == 2


def test_a_worker_killed_while_sending_is_made_good_by_the_next(outbox):
    with outbox.worker(EMAIL_BACKEND="tests.notifications.mailers.Hanging"):
        assert wait_until(lambda: outbox.rows == [*REMINDERS, *SENDING])
    assert outbox.rows == [*REMINDERS, *SENDING]
    outbox.sql("UPDATE notifications_message SET claimed_at = datetime(claimed_at, '-10 minutes')")
    with outbox.worker():
        assert wait_until(lambda: outbox.rows == [*REMINDERS, *[("session_scheduled", "sent", 2)] * 2])
    assert len(outbox.mails) == 2
