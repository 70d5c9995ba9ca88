import logging
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import qrcode
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse
from qrcode.image.svg import SvgPathFillImage

from accounts.models import User
from accounts.reauthentication import said_recently, sign_in_again
from accounts.requests import current_user
from lib import encryption

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "duplicate_email": "This is your address already.",
        "email_password_mismatch": "This e-mail address and password do not belong together.",
        "email_taken": "There is an account with this e-mail address already. Sign in, or reset its password.",
        "enter_current_password": "This is not your current password.",
        "incorrect_code": "This code is not the right one, or no longer. Check the latest mail.",
        "incorrect_password": "This is not your password.",
        "rate_limited": "That was a little quick. Wait a minute and try again.",
        "same_as_current": "This is the address we have already.",
        "too_many_login_attempts": "Too many tries. Wait five minutes and try again, or reset the password.",
    }

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        user.name = form.cleaned_data["name"]
        user.time_zone = form.cleaned_data["time_zone"]
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """Where two-step sign-in is on, its page alone, which asks for the password too."""
        methods: list[dict[str, str]] = super().get_reauthentication_methods(user)
        return [each for each in methods if each["id"] == "mfa_reauthenticate"] or methods

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who has neither a password nor a second step to say it with is asked here: to sign in by code once more.

        Raises `ImmediateHttpResponse` with the page that asks for that.
        """
        request = current.request
        if not self.get_reauthentication_methods(request.user) and not said_recently(request):
            raise ImmediateHttpResponse(sign_in_again(request))
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Where one's work is: the admin, the dashboard, or the front page. An address to go on to comes before it."""
        person = current_user(request)
        if person.is_staff:
            return reverse("admin:index")
        return reverse("dashboard" if person.is_mentor else "landing")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("settings")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is down breaks no page: its reader is told, and may ask again.

        Links lead to SITE_URL whatever host the request named, which is anybody's word.
        """
        words = {
            "site_name": settings.SITE_NAME,
            "site_url": settings.SITE_URL,
            "support_email": settings.SUPPORT_EMAIL,
        }
        links = {name: _at_site(value) for name, value in context.items() if name.endswith("_url")}
        try:
            super().send_mail(template_prefix, email, {**context, **words, **links})
        except Exception:
            logger.exception("Mail not sent: %s", template_prefix)
            messages.error(
                current.request,
                "We could not send a mail just now. Please ask for it again in a few minutes.",
            )


def _at_site(url: str) -> str:
    parts = urlsplit(url)
    return settings.SITE_URL + urlunsplit(("", "", *parts[2:]))


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not the right one, or no longer. Codes change every 30 seconds.",
        "unverified_email": "Confirm your e-mail address first, so that this cannot lock you out.",
        "unreadable": "We can't read what your codes are checked with. Please write to us, so that we let you in.",
        "add_email_blocked": "Turn two-step sign-in off before you change your e-mail address.",
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """A key that is gone is the owner's trouble, and told to the person beside the code's field.

        Raises `ValidationError`.
        """
        try:
            return encryption.decrypt(encrypted_text)
        except encryption.Unreadable:
            logger.exception("Second step not readable")
            raise self.validation_error("unreadable") from None

    def build_totp_svg(self, url: str) -> str:
        """On white, so that it can be scanned in dark mode too."""
        drawing = BytesIO()
        qrcode.make(url, image_factory=SvgPathFillImage).save(drawing)
        return drawing.getvalue().decode()
