from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments import services


class Command(BaseCommand):
    help = "Compare payments with the providers': repair what was missed, and report what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=3, help="those begun in so many days (default: 3)")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        found = services.reconcile(timezone.now(), days=days)
        for words in found.repaired:
            self.stdout.write(f"Repaired: {words}")
        for words in found.reported:
            self.stdout.write(f"To review: {words}")
        not_compared = [*found.unreachable, *(f"{label} could not be compared" for label in found.failed)]
        if not_compared:
            raise CommandError("; ".join(not_compared))
