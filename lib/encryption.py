"""What has to be kept and read again, yet is nobody's to read: encrypted at rest with the keys of `TOKEN_KEYS`.

The first key encrypts, all of them decrypt, so that one can replace another: put the new one first, restart, run
`manage.py rotate_token_keys`, take the old one away. While `TOKEN_KEYS` is empty the key comes from `SECRET_KEY`, which
goes on to decrypt what it once encrypted.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


class Unreadable(ValueError):
    """None of the keys opens it: the one that did is gone."""


def encrypt(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises Unreadable."""
    try:
        return _keys().decrypt(token.encode()).decode()
    except InvalidToken:
        raise Unreadable("None of TOKEN_KEYS, nor SECRET_KEY, opens what was encrypted.") from None


def renew(token: str) -> str:
    """The same under the first key. Raises Unreadable."""
    return encrypt(decrypt(token))


def _keys() -> MultiFernet:
    return _made_of((*settings.TOKEN_KEYS, settings.SECRET_KEY))


@lru_cache(maxsize=4)
def _made_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [
            Fernet(
                base64.urlsafe_b64encode(
                    salted_hmac("lib.encryption", "", secret=key, algorithm="sha256").digest()
                )
            )
            for key in keys
        ]
    )
