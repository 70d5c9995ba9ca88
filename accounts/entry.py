"""Signing in or up by a code that is mailed to an address: one page and one mail, whichever that address needs.

What somebody says of themselves waits with the code in their browser's session. Nothing is written, and nobody is
signed in, before the code came back to that same session.
"""

import time
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.internal.flows.login import perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import complete_signup, perform_login, setup_user_email
from allauth.core import ratelimit
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.services import enter, find_person

SESSION_KEY = "entry"
TOKEN_SALT = "accounts.entry"  # noqa: S105
WRONG_CODES = 5


class TooManyCodes(Exception):
    """This address, or this sender, was sent as many codes as anybody needs within a minute."""


@dataclass
class Entry:
    """Who somebody says they are, and the code that proves it. `purpose` names what it is for, and is told to
    whoever hears `user_logged_in`; `link` is the path at which the code is entered."""

    purpose: str
    link: str
    email: str
    name: str
    password: str  # hashed; empty when none was chosen
    time_zone: str
    code: str = ""
    sent_at: float = 0
    wrong: int = 0

    @property
    def is_expired(self) -> bool:
        return time.time() - self.sent_at > settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT

    @property
    def is_used_up(self) -> bool:
        return self.wrong >= WRONG_CODES

    def code_of(self, token: str) -> str:
        """The code that a mail's link carries; empty when the link is another's, or too old."""
        try:
            purpose, code = signing.loads(
                token, salt=TOKEN_SALT, max_age=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT
            )
        except (signing.BadSignature, ValueError):
            return ""
        return str(code) if (purpose, code) == (self.purpose, self.code) else ""


def codes_are_asked() -> bool:
    """Whether an address has to be proven: everywhere but on a developer's machine."""
    return bool(settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory")


def begin(
    request: HttpRequest,
    *,
    purpose: str,
    link: str,
    email: str,
    name: str,
    password: str,
    time_zone: str,
) -> None:
    """Mail a code, and remember in this session what it is for, instead of what was begun before.

    Raises `TooManyCodes`.
    """
    send_code(request, Entry(purpose, link, email, name, password, time_zone))


def send_code(request: HttpRequest, entry: Entry) -> None:
    """Another code, after which the one before is worth nothing. Raises `TooManyCodes`, and then nothing is changed.

    Whether anybody has that address makes no difference but for an account that is switched off: its mail says so.
    """
    if not ratelimit.consume(request, action="request_login_code", key=entry.email):
        raise TooManyCodes
    adapter = get_adapter(request)
    entry.code, entry.sent_at, entry.wrong = adapter.generate_login_code(), time.time(), 0
    person = find_person(entry.email)
    mail = "booking_closed" if person and not person.is_active else "booking_code"
    token = signing.dumps([entry.purpose, entry.code], salt=TOKEN_SALT)
    link = f"{entry.link}?{urlencode({'token': token})}"
    adapter.send_mail(f"account/email/{mail}", entry.email, {"code": entry.code, "code_url": link})
    _keep(request, entry)


def pending(request: HttpRequest) -> Entry | None:
    kept = request.session.get(SESSION_KEY)
    return Entry(**kept) if kept else None


def record_wrong_code(request: HttpRequest, entry: Entry) -> None:
    entry.wrong += 1
    _keep(request, entry)


def _keep(request: HttpRequest, entry: Entry) -> None:
    request.session[SESSION_KEY] = asdict(entry)


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def sign_in_by_code(request: HttpRequest, entry: Entry) -> HttpResponse:
    """For whoever gave the right code, which is used up by it. Allauth's stages decide what else is asked."""
    person = enter(
        email=entry.email, name=entry.name, password_hash=entry.password, time_zone=entry.time_zone
    )
    forget(request)
    record_authentication(request, person, method="code", email=entry.email)
    told = {"purpose": entry.purpose}
    answer: HttpResponse = perform_login(request, person, email=entry.email, signal_kwargs=told)
    return answer


def sign_in_by_password(request: HttpRequest, form: LoginForm, *, purpose: str) -> HttpResponse:
    """For whom allauth's form found to be who they say."""
    login = Login(user=form.user, email=form.cleaned_data["login"], signal_kwargs={"purpose": purpose})
    answer: HttpResponse = perform_password_login(request, form.user_credentials(), login)
    return answer


def sign_up_unproven(
    request: HttpRequest, *, purpose: str, email: str, name: str, password: str, time_zone: str
) -> HttpResponse:
    """Where no code is asked, a new address is taken at its word. Raises `IntegrityError` when it is not new."""
    with transaction.atomic():
        person = User.objects.create_user(email, name=name, time_zone=time_zone)
        if password:
            person.password = password
            person.save(update_fields=["password"])
        setup_user_email(request, person, [])
    told = {"purpose": purpose}
    answer: HttpResponse = complete_signup(request, person, settings.ACCOUNT_EMAIL_VERIFICATION, None, told)
    return answer
