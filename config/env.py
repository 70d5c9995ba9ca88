"""Readers for environment variables that need more than a cast. Each refuses odd values by the variable's name."""

import os
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import available_timezones

import environ
from babel.numbers import get_currency_precision, list_currencies
from django.core.exceptions import ImproperlyConfigured


class Environment(environ.Env):  # type: ignore[misc]
    """django-environ whose casts fail with the variable's name instead of a bare ValueError.

    Every reader here raises `ImproperlyConfigured`, with the variable's name and what is wrong about its value.
    """

    def flag(self, name: str, default: bool) -> bool:
        value = os.environ.get(name, "").strip().lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off"):
            return False
        if value:
            raise ImproperlyConfigured(f"{name} is '{value}'; set it to 1 or 0.")
        return default

    def text(self, name: str, default: str = "") -> str:
        """A variable that is set but empty counts as not set, as in a copied .env.example."""
        return str(self.str(name, default="")).strip() or default

    def words(self, name: str, default: Collection[str] = ()) -> list[str]:
        return [word.strip() for word in self.text(name).split(",") if word.strip()] or list(default)

    def count(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"\d{1,9}", value) or not minimum <= int(value) <= maximum:
            raise ImproperlyConfigured(
                f"{name} is '{value}'; it must be a whole number from {minimum} to {maximum}."
            )
        return int(value)

    def zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if value not in available_timezones():
            raise ImproperlyConfigured(f"{name} is '{value}'; use an IANA time zone such as Asia/Kolkata.")
        return value

    def origin(self, name: str, default: str) -> str:
        return _origin(name, self.text(name, default))

    def origins(self, name: str) -> list[str]:
        return [_origin(name, word) for word in self.words(name)]

    def key(self, name: str, *prefixes: str) -> str:
        """A provider's key, which no message repeats."""
        value = self.text(name)
        if value and not value.startswith(prefixes):
            raise ImproperlyConfigured(f"{name} must start with {' or '.join(prefixes)}.")
        return value

    def keys(self, name: str, *, minimum: int) -> list[str]:
        """Keys of our own making, which no message repeats."""
        values = self.words(name)
        if any(len(value) < minimum for value in values):
            raise ImproperlyConfigured(
                f"{name} has a key of fewer than {minimum} characters. "
                "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        return values

    def provider(self, name: str, default: str, *, is_live: bool) -> str:
        """The address of a provider's API. Real money is only spoken of with the provider itself."""
        value = self.origin(name, default)
        if is_live and value != default:
            raise ImproperlyConfigured(f"{name} is {value}, but a live key may only go to {default}.")
        return value

    def provider_script(self, name: str, default: str, *, is_live: bool) -> str:
        """The same for a script of the provider's, which is an address with a path."""
        value = self.text(name, default)
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
            raise ImproperlyConfigured(f"{name} is '{value}'; write the script's whole address.")
        if is_live and value != default:
            raise ImproperlyConfigured(f"{name} is {value}, but with a live key it can only be {default}.")
        return value

    def choices(self, name: str, known: Collection[str], default: Collection[str] = ()) -> list[str]:
        values = self.words(name, default)
        for value in values:
            if value not in known:
                raise ImproperlyConfigured(f"{name} names '{value}'; known are {', '.join(sorted(known))}.")
        return list(dict.fromkeys(values))

    def basis_points(self, name: str, default: str) -> int:
        """A percentage with at most two decimals, in hundredths of a percent."""
        value = self.text(name, default)
        points = _decimal(value) * 100
        if points != points.to_integral_value() or not 0 <= points <= 10_000:
            raise ImproperlyConfigured(
                f"{name} is '{value}'; use a percentage from 0 to 100 with at most two decimals."
            )
        return int(points)

    def money_by_currency(self, name: str, default: str) -> dict[str, int]:
        """`USD=1.00,JPY=100` in minor units by currency."""
        amounts = {}
        for word in self.words(name, default.split(",")):
            code, _, number = (part.strip() for part in word.partition("="))
            if code not in list_currencies():
                raise ImproperlyConfigured(f"{name} has '{word}'; write it as in USD=1.00,EUR=1.00.")
            minor = _decimal(number).scaleb(get_currency_precision(code))
            if minor != minor.to_integral_value() or minor < 0:
                raise ImproperlyConfigured(f"{name} has '{word}'; that is not an amount in {code}.")
            amounts[code] = int(minor)
        return amounts

    def database(self, name: str, default_file: Path) -> dict[str, Any]:
        url = self.text(name)
        if not url:
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default_file)}
        if urlsplit(url).scheme not in ("sqlite", "postgres", "postgresql"):
            raise ImproperlyConfigured(f"{name} must start with postgres:// or sqlite:///.")
        return dict(self.db_url_config(url))

    def redis(self, name: str) -> str:
        url = self.text(name)
        if url and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
            raise ImproperlyConfigured(f"{name} must look like redis://host:6379/0.")
        return url

    def email(self, name: str) -> Mapping[str, Any]:
        try:
            return dict(self.email_url_config(self.text(name)))
        except (ImproperlyConfigured, ValueError) as error:
            raise ImproperlyConfigured(
                f"{name} must look like smtp+tls://user:password@host:587 ({error})."
            ) from None


def required(name: str, value: object, remedy: str) -> None:
    if not value:
        raise ImproperlyConfigured(
            f"{name} is required when DEBUG is off. {remedy} For development, set DEBUG=1."
        )


def needed_by(gateway: str, **values: object) -> None:
    for name, value in values.items():
        if not value:
            raise ImproperlyConfigured(f"{name} is required when PAYMENT_GATEWAYS names {gateway}.")


def redis_neighbour(url: str) -> str:
    """The same Redis, next database: clearing the cache empties its whole database, and the queue must survive."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return url
    number = parts.path.strip("/")
    return urlunsplit(parts._replace(path=f"/{int(number) + 1 if number.isdigit() else 1}"))


def _origin(name: str, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(
            f"{name} has '{value}'; write scheme and host only, as in https://example.com."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _decimal(text: str) -> Decimal:
    """-1, which no range here allows, when it is not a plain number."""
    return Decimal(text) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text) else Decimal(-1)
