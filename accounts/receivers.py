from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User


@receiver(authenticator_added)
@receiver(authenticator_removed)
def keep_this_session(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """A new second step ends a staff person's other sessions (`User._get_session_auth_hash`), not this one."""
    if authenticator.type == Authenticator.Type.TOTP:
        update_session_auth_hash(
            request, User.objects.get(pk=user.pk)
        )  # this one remembers the old second step


@receiver(user_logged_in)
def remember_hours(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """So that mail reads like the pages: the hours of the device on which they first sign in."""
    hours = getattr(request, "clock_hours", None)
    if user.clock_hours is None and hours is not None:
        User.objects.filter(pk=user.pk, clock_hours=None).update(clock_hours=hours)
        user.clock_hours = hours
