from collections.abc import Sequence
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower

from accounts.closing import Obstacle, account_closed, account_closing, meaning_for
from accounts.models import FORMER, User


class CannotClose(Exception):
    """Something has to be dealt with first."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(" ".join(each.words for each in obstacles))
        self.obstacles = obstacles


class MeaningChanged(Exception):
    """Closing no longer means what was shown: show it again."""


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


def find_person(email: str) -> User | None:
    """Whose address this is, active or not. An address that somebody only asks to change to is not theirs yet."""
    return User.objects.alias(address=Lower("email")).filter(address=email.lower()).first()


def enter(*, email: str, name: str, password_hash: str, time_zone: str) -> User:
    """Whose address this is, now that it is proven; made with the other facts when it is nobody's. Safe to repeat.

    A known person keeps their name and password, and may turn out to be inactive. Where somebody signed up with the
    address, but never proved it and never got in, the account is made anew: its password may be a stranger's.
    Locks the person.
    """
    try:
        with transaction.atomic():
            return _enter(email, name, password_hash, time_zone)
    except IntegrityError:  # made at this very moment, mostly by the same press
        with transaction.atomic():
            return _enter(email, name, password_hash, time_zone)


def _enter(email: str, name: str, password_hash: str, time_zone: str) -> User:
    found = find_person(email)
    if found is None:
        person = create_person(email=email, password=None, name=name, time_zone=time_zone)
        return _with_password(person, password_hash)
    person = User.objects.select_for_update(no_key=True).get(pk=found.pk)
    address = EmailAddress.objects.filter(user=person, email=person.email).first()
    if not person.is_active or (address and address.verified):
        return person
    if address and person.last_login is None:
        person.name, person.time_zone = name, time_zone
        person.set_unusable_password()
        person.save(update_fields=["name", "time_zone", "password"])
        _with_password(person, password_hash)
    vouch_for_email(person)
    return person


def _with_password(person: User, password_hash: str) -> User:
    if password_hash:
        person.password = password_hash
        person.save(update_fields=["password"])
    return person


def close_account(user: User, *, now: datetime, shown: str | None = None) -> None:
    """Forget the person, and keep the row that sessions and money refer to. Quiet when it is closed already.

    `shown` is the `Meaning.token` of what the person has read; `MeaningChanged` is raised when it is another
    by now. First what may end by itself ends, each in a transaction of its own, since others are locked with
    it. Then the person is locked, as whoever books locks them, asked for obstacles once more, and closed.
    Raises `CannotClose`.
    """
    meaning = meaning_for(user, now)
    if meaning.obstacles:
        raise CannotClose(meaning.obstacles)
    if shown is not None and shown != meaning.token:
        raise MeaningChanged
    account_closing.send(User, user=user, now=now)
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if person.closed_at:
            return
        if obstacles := meaning_for(person, now).obstacles:
            raise CannotClose(obstacles)
        account_closed.send(User, user=person, now=now)
        _forget(person, now)


def _forget(person: User, now: datetime) -> None:
    """Whoever is signed in as them is so no longer: the account is not active, and its password another."""
    EmailAddress.objects.filter(user=person).delete()
    Authenticator.objects.filter(user=person).delete()
    person.groups.clear()
    person.user_permissions.clear()
    rename_in_log(person, FORMER)
    person.email, person.name = f"closed-{person.pk}@closed.invalid", FORMER
    person.phone = person.time_zone = ""
    person.clock_hours = None
    person.is_active, person.is_mentor = False, False
    person.closed_at, person.last_login = now, None
    person.set_unusable_password()
    person.save()


def rename_in_log(row: models.Model, words: str) -> None:
    """What the staff's log calls that row."""
    kind = ContentType.objects.get_for_model(row)
    LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).update(object_repr=words)
