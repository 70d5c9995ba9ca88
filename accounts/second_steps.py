"""Where allauth keeps the secrets of two-step sign-in: in the `data` of an `Authenticator`."""

from collections.abc import Callable
from typing import Any

SECRETS = ("secret", "seed")
CODES = "migrated_codes"  # of a site that was moved here with its codes


def with_secrets(data: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The same data with each secret in it changed."""
    changed = {name: change(value) if name in SECRETS else value for name, value in data.items()}
    if data.get(CODES) is not None:
        changed[CODES] = [change(code) for code in data[CODES]]
    return changed
