"""Secrets of two-step sign-in are encrypted at rest, and outlive a change of keys."""

from collections.abc import Callable
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.second_steps import with_secrets
from accounts.services import create_person
from lib.encryption import Unreadable, decrypt, encrypt, renew
from tests.accounts.test_account_changes import app_code, turn_on

OLD, NEW = "old-" + "o" * 40, "new-" + "n" * 40
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LOGIN = "/accounts/login/"


@pytest.fixture
def person(client: Client, db: None) -> User:
    person = create_person(email="ann@example.com", password="office-hours", name="Ann")
    client.post(LOGIN, {"login": person.email, "password": "office-hours"})
    return person


def kept() -> str:
    return repr(list(Authenticator.objects.values_list("data", flat=True)))


def codes() -> list[str]:
    row = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    found: list[str] = row.wrap().get_unused_codes()
    return found


def answer_with(code: str) -> Any:
    """Sign in with the password, then with that code."""
    visitor = Client()
    page = visitor.post(LOGIN, {"login": "ann@example.com", "password": "office-hours"})["Location"]
    return visitor.post(page, {"code": code})


def test_what_is_encrypted_is_read_again_and_differs_each_time() -> None:
    first, second = encrypt(SECRET), encrypt(SECRET)
    assert first != second
    assert SECRET not in first
    assert decrypt(first) == decrypt(second) == SECRET


@pytest.mark.parametrize("bad", ["", SECRET, "gAAAAAnonsense", "ünlesbar"])
def test_what_no_key_opens_is_unreadable(bad: str) -> None:
    with pytest.raises(Unreadable):
        decrypt(bad)


def test_keys_replace_one_another(settings: Settings) -> None:
    by_default = encrypt(SECRET)
    settings.TOKEN_KEYS = [OLD]
    by_old = encrypt(SECRET)
    settings.TOKEN_KEYS = [NEW, OLD]
    assert decrypt(by_default) == decrypt(by_old) == SECRET
    renewed = [renew(by_default), renew(by_old)]
    settings.TOKEN_KEYS, settings.SECRET_KEY = [NEW], "another-" + "k" * 50
    assert [decrypt(token) for token in renewed] == [SECRET, SECRET]
    for token in (by_default, by_old):
        with pytest.raises(Unreadable):
            decrypt(token)


def test_every_secret_in_the_data_is_changed_and_nothing_else() -> None:
    data = {"secret": "a", "seed": "b", "migrated_codes": ["c", "d"], "used_mask": 5, "name": "e"}
    changed = {"secret": "A", "seed": "B", "migrated_codes": ["C", "D"], "used_mask": 5, "name": "e"}
    assert with_secrets(data, str.upper) == changed


def test_two_step_secrets_are_not_kept_in_the_clear(client: Client, person: User) -> None:
    secret = turn_on(client)
    rows = {row.type: row.data for row in Authenticator.objects.all()}
    assert secret not in kept()
    assert decrypt(rows["totp"]["secret"]) == secret
    assert len(decrypt(rows["recovery_codes"]["seed"])) == 80
    assert answer_with(codes()[0])["Location"] == "/"


def test_two_steps_go_on_through_a_change_of_keys(client: Client, person: User, settings: Settings) -> None:
    turn_on(client)
    before, had = codes(), kept()
    settings.TOKEN_KEYS = [NEW]
    output = StringIO()
    call_command("rotate_token_keys", stdout=output)
    assert output.getvalue() == "2 renewed\n"
    assert kept() != had
    settings.SECRET_KEY = "another-" + "k" * 50
    assert codes() == before
    assert answer_with(before[1])["Location"] == "/"


def test_key_that_is_gone_is_said_to_its_owner_and_to_the_person(
    client: Client, person: User, settings: Settings
) -> None:
    turn_on(client)
    settings.SECRET_KEY = "another-" + "k" * 50
    settings.TOKEN_KEYS = [NEW]
    with pytest.raises(CommandError, match="No key opens these second steps"):
        call_command("rotate_token_keys", stdout=StringIO())
    answer = answer_with("123456")
    assert answer.status_code == 422
    assert "We can&#x27;t read what your codes are checked with" in answer.text


@pytest.fixture
def migrate() -> Callable[[Callable[[str], str]], None]:
    change_all = import_module("accounts.migrations.0003_encrypted_second_steps").change_all
    return lambda change: change_all(apps, change)


def test_secrets_from_before_are_encrypted_by_the_migration(
    person: User, migrate: Callable[[Callable[[str], str]], None]
) -> None:
    plain = [{"secret": SECRET}, {"seed": "ab" * 40, "used_mask": 3}]
    for kind, data in zip(("totp", "recovery_codes"), plain, strict=True):
        Authenticator.objects.create(user=person, type=kind, data=data)
    migrate(encrypt)
    assert SECRET not in kept()
    assert "abab" not in kept()
    assert answer_with(app_code(SECRET))["Location"] == "/"
    migrate(decrypt)
    assert list(Authenticator.objects.order_by("pk").values_list("data", flat=True)) == plain
