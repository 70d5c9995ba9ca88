import json
import os
import socket
import sys
from argparse import ArgumentParser
from tempfile import TemporaryFile
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.celery import declare_queues
from config.processes import plan
from config.static_files import collect_changed

DEMO_ACCOUNTS = ("student@example.com", "mentor@example.com", "approval@example.com", "staff@example.com")


class Command(BaseCommand):
    help = "Migrate, then run the web server, the workers and the schedule until one of them ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="fill an empty database with the demo (only with DEBUG)"
        )

    def handle(self, *args: Any, demo: bool, **options: Any) -> None:
        refuse_busy_port()
        call_command("migrate", interactive=False, verbosity=0)
        users = get_user_model()._default_manager
        if demo and settings.DEBUG and not users.exists():
            call_command("demo")
        if not settings.DEBUG:
            collect_changed()
        demo_is_there = settings.DEBUG and users.filter(email=DEMO_ACCOUNTS[0]).exists()
        declare_queues()
        self.stdout.flush()
        accounts = ", ".join(DEMO_ACCOUNTS)
        become_supervisor(
            plan(greeting=f"  Demo accounts, password office-hours: {accounts}\n" if demo_is_there else "")
        )


def become_supervisor(plan: dict[str, Any]) -> NoReturn:
    """What is open here ends with this program, and so does the memory that the apps take."""
    with TemporaryFile("w+") as file:
        json.dump(plan, file)
        file.seek(0)
        os.dup2(file.fileno(), 0)
        os.execv(sys.executable, [sys.executable, "-m", "config.running"])  # noqa: S606


def refuse_busy_port() -> None:
    """Raises `CommandError` when somebody listens there: the web server shares its port between its workers, and would
    share it with a stranger too."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.WEB_HOST, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {settings.WEB_HOST}:{settings.PORT} ({error.strerror}). "
                f"Choose another port, as in PORT={settings.PORT + 1} make run."
            ) from None
