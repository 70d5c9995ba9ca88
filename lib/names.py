"""What may be called a name: it stands in subjects of mail, in calendars and on other people's pages."""

import re
import unicodedata

from django.core.exceptions import ValidationError

# Seen by nobody, though not of a class that says so: fillers that take no ink.
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
# A joiner shapes the letters of Persian, Hindi and their like, and emoji; between Latin letters it only hides.
JOINERS = "\u200c\u200d"
NO_JOINING = re.compile(r"[A-Za-z0-9]")
UNSEEN_CLASSES = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def validate_name(value: str) -> None:
    """Raises `ValidationError`, in words for whoever typed it."""
    if "://" in value:
        raise ValidationError("This can't hold a web address. Leave out what stands around “://”.")
    if is_misleading(value):
        raise ValidationError(
            "There is a character in this that can't be seen or that turns the writing round. Type it anew."
        )


def is_misleading(text: str) -> bool:
    """Whether something in it breaks the line, turns the writing's direction, or hides."""
    return any(_hides(text, place) for place in range(len(text)))


def plain_name(text: str) -> str:
    """The same without what misleads."""
    return "".join(letter for place, letter in enumerate(text) if not _hides(text, place))


def _hides(text: str, place: int) -> bool:
    letter = text[place]
    if letter in JOINERS:
        neighbours = text[max(place - 1, 0) : place + 2].replace(letter, "", 1)
        return not (
            len(neighbours) == 2
            and all(unicodedata.category(each)[0] in "LMS" for each in neighbours)
            and not NO_JOINING.search(neighbours)
        )
    return letter in BLANK or unicodedata.category(letter) in UNSEEN_CLASSES
