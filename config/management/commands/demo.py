import logging
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.demo.builder import fill
from config.demo.cast import ACCOUNTS, PASSWORD


class Command(BaseCommand):
    help = (
        "Fill the database with the demo: people, mentors, sessions, reviews. A second run changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="also when DEBUG is off")

    def handle(self, *args: Any, force: bool, **options: Any) -> None:
        if not (settings.DEBUG or force):
            raise CommandError(
                "DEBUG is off, and the demo's accounts, staff among them, have a password that everybody knows. "
                "Use --force if that is what you want."
            )
        logging.disable(logging.INFO)  # what the services would say of every payment
        try:
            filled = fill(timezone.now())
        finally:
            logging.disable(logging.NOTSET)
        if filled is None:
            self.stdout.write("The demo is there already; nothing was changed.")
            return
        self.stdout.write(
            f"The demo is there: {filled.mentors} mentors, {filled.students} students, "
            f"{filled.sessions} sessions, {filled.reviews} reviews.\n"
            f"Sign in as {', '.join(ACCOUNTS)}; the password is {PASSWORD}."
        )
