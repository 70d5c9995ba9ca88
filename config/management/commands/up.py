import http.client
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config.celery import declare_queue
from config.processes import default_web_workers, processes
from config.supervisor import supervise

DEMO_ACCOUNTS = ("student@example.com", "mentor@example.com", "approval@example.com", "staff@example.com")


class Command(BaseCommand):
    help = "Migrate, then run the web server and one worker with the schedule until one of them ends."

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
            call_command("collectstatic", interactive=False, verbosity=0)
        self.demo_is_there = settings.DEBUG and users.filter(email=DEMO_ACCOUNTS[0]).exists()
        declare_queue()
        close_database()

        ended = supervise(
            processes(
                host=settings.WEB_HOST,
                port=settings.PORT,
                web_workers=settings.WEB_WORKERS or default_web_workers(),
            ),
            on_ready=self.welcome,
        )
        if ended:
            raise CommandError(f"The {ended} process ended, so everything was stopped.")

    def welcome(self) -> bool:
        if not answers():
            return False
        lines = ["", f"  {settings.SITE_NAME} is up: {settings.SITE_URL}"]
        if self.demo_is_there:
            lines += ["  Demo accounts, password office-hours: " + ", ".join(DEMO_ACCOUNTS)]
        self.stdout.write("\n".join([*lines, "  Ctrl-C stops it.", ""]))
        self.stdout.flush()
        return True


def refuse_busy_port() -> None:
    """The web server shares its port between its workers and would share it with a stranger too."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.WEB_HOST, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {settings.WEB_HOST}:{settings.PORT} ({error.strerror}). "
                f"Choose another port, as in PORT={settings.PORT + 1} make run."
            ) from None


def close_database() -> None:
    """Whatever stays open here would be inherited and kept for as long as the site runs."""
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()


def answers() -> bool:
    host = "127.0.0.1" if settings.WEB_HOST == "0.0.0.0" else settings.WEB_HOST  # noqa: S104
    web = http.client.HTTPConnection(host, settings.PORT, timeout=2)
    try:
        web.request("GET", "/healthz?live", headers={"Host": settings.SITE_HOST})
        return web.getresponse().status == 200
    except OSError:
        return False
    finally:
        web.close()
