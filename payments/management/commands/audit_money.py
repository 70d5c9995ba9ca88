from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lib.money import format_money
from payments.reports.audit import audit


class Command(BaseCommand):
    help = "Prove that what came in is fee, mentors' share, refunds and chargebacks, and list what does not add up."

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit()
        for currency, total in sorted(found.totals.items()):
            amounts = {name: format_money(minor, currency, full=True) for name, minor in vars(total).items()}
            self.stdout.write(
                "{came_in} came in = {fee} fee + {mentor} mentors + {refunded} refunded"
                " + {on_its_way} on its way back + {lost} lost".format(**amounts)
            )
        for words in found.problems:
            self.stdout.write(words)
        if found.problems:
            raise CommandError(f"{len(found.problems)} things do not add up.")
        self.stdout.write("All of it adds up.")
