from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.second_steps import with_secrets
from lib.encryption import Unreadable, renew


class Command(BaseCommand):
    help = "Encrypts what is kept encrypted anew, with the first of TOKEN_KEYS. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        renewed, unreadable = 0, []
        for pk in Authenticator.objects.values_list("pk", flat=True):
            try:
                renewed += self.renew(pk)
            except Unreadable:
                unreadable.append(str(pk))
        self.stdout.write(f"{renewed} renewed")
        if unreadable:
            raise CommandError(
                f"No key opens these second steps: {', '.join(unreadable)}. Put the old key back at TOKEN_KEYS' end, "
                "or delete them under Authenticators in the admin, so that their people can set them up again."
            )

    @transaction.atomic
    def renew(self, pk: int) -> int:
        """Locks the row, in which a recovery code may be marked as used meanwhile."""
        row = Authenticator.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return 0
        row.data = with_secrets(row.data, renew)
        row.save(update_fields=["data"])
        return 1
