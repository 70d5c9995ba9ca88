"""A person's own data, for them to take away: each app registers what it knows of them.

Only what they gave, what tells of them, and what of others they can see on the site anyway.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.serializers.json import DjangoJSONEncoder

from accounts.models import User


@dataclass(frozen=True)
class Part:
    """`data` becomes sections of `data.json`; `files` stand beside it under their names."""

    data: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


_collectors: list[Callable[[User], Part]] = []


def register(collect: Callable[[User], Part]) -> None:
    """Registering the same function again changes nothing."""
    if collect not in _collectors:
        _collectors.append(collect)


def make_archive(user: User, *, site: str, now: datetime) -> bytes:
    """A zip with `data.json` and the person's files. Times in it are UTC, amounts in the minor unit and in words."""
    parts = [_account(user), *(collect(user) for collect in _collectors)]
    data: dict[str, Any] = {"site": site, "made_at": now}
    for part in parts:
        data |= part.data
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as files:
        files.writestr("data.json", json.dumps(data, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
        for part in parts:
            for name, content in part.files.items():
                files.writestr(name, content)
    return archive.getvalue()


def _account(user: User) -> Part:
    return Part(
        {
            "account": {
                "name": user.name,
                "email": user.email,
                "time_zone": user.time_zone,
                "clock_hours": user.clock_hours,
                "phone": user.phone,
                "joined_at": user.date_joined,
                "last_signed_in_at": user.last_login,
                "is_mentor": user.is_mentor,
                "is_staff": user.is_staff,
                "email_addresses": list(
                    EmailAddress.objects.filter(user=user)
                    .order_by("pk")
                    .values("email", "verified", "primary")
                ),
                # That there is a second step, and since when; its secret stays here.
                "two_step_sign_in": list(
                    Authenticator.objects.filter(user=user)
                    .order_by("pk")
                    .values("type", "created_at", "last_used_at")
                ),
            }
        }
    )
