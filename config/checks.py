from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def staff_sign_in_in_two_steps(**kwargs: Any) -> list[checks.CheckMessage]:
    if settings.STAFF_TWO_STEP:
        return []
    return [
        checks.Warning(
            "Staff sign in with a password alone.",
            hint="Take STAFF_TWO_STEP=0 away, so that staff's pages ask for two-step sign-in.",
            id="config.W002",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def mail_leaves_the_machine(**kwargs: Any) -> list[checks.CheckMessage]:
    if settings.EMAIL_BACKEND != settings.FILE_EMAIL_BACKEND:
        return []
    return [
        checks.Warning(
            "Mail is only written to files.",
            hint="Set EMAIL_URL, or EMAIL_BACKEND and its ANYMAIL_* variables.",
            id="config.W001",
        )
    ]
