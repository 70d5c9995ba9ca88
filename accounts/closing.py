"""Closing an account: what each app says about it, and what each forgets.

Accounts know their own part alone. Upper apps register a function that says what closing means there, end
what waits when `account_closing` is sent, and forget the person when `account_closed` is, in the transaction
that closes the account.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.dispatch import Signal

from accounts.models import User

# Before the transaction, with `user` and `now`: end what may end by itself. It may come again, or to nothing.
account_closing = Signal()
# In the transaction, with `user` (still as they were, and locked) and `now`. Receivers write rows and nothing else.
account_closed = Signal()


@dataclass(frozen=True)
class Obstacle:
    """What has to be dealt with first, and where."""

    words: str
    url: str = ""
    label: str = ""


@dataclass(frozen=True)
class Meaning:
    """What closing this account means in one app: `obstacles` forbid it, `effects` are said before it is done."""

    obstacles: Sequence[Obstacle] = ()
    effects: Sequence[str] = ()

    @property
    def token(self) -> str:
        """What a page says it has shown: when anything of it is another, so is this."""
        words = [each.words for each in self.obstacles] + list(self.effects)
        return sha256("\n".join(words).encode()).hexdigest()[:16]


_knowing: list[Callable[[User, datetime], Meaning]] = []


def register(meaning: Callable[[User, datetime], Meaning]) -> None:
    """Registering the same function again changes nothing."""
    if meaning not in _knowing:
        _knowing.append(meaning)


def meaning_for(user: User, now: datetime) -> Meaning:
    found = [_of_account(user), *(meaning(user, now) for meaning in _knowing)]
    return Meaning(
        obstacles=[obstacle for each in found for obstacle in each.obstacles],
        effects=[effect for each in found for effect in each.effects],
    )


def _of_account(user: User) -> Meaning:
    if user.is_staff or user.is_superuser:
        return Meaning(
            [Obstacle("You are staff. Ask a colleague to take that away from your account first.")]
        )
    return Meaning()
