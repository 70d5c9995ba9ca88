from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


@transaction.atomic
def create_person(*, email: str, password: str | None, name: str, **fields: Any) -> User:
    """Somebody we know: able to sign in at once, without proving the address. No password means by code only."""
    user = User.objects.create_user(email, password, name=name, **fields)
    vouch_for_email(user)
    return user


@transaction.atomic
def vouch_for_email(user: User) -> None:
    """`user.email` becomes the one address to sign in with, without a mail that asks. Safe to repeat."""
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
