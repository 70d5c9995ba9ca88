"""Names for URLs, made once and never changed."""

from collections.abc import Callable, Collection
from itertools import count
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.text import slugify

Made = TypeVar("Made")


def free_slug(
    name: str, *, otherwise: str, among: QuerySet[Any], reserved: Collection[str] = (), length: int = 80
) -> str:
    """`meera-rao`, or `meera-rao-2` and so on; `otherwise` for a name without a letter that a URL takes."""
    plain = slugify(name.replace("+", " plus ").replace("#", " sharp ")) or otherwise
    stem = plain[: length - 5].strip("-_") or otherwise
    taken = {*reserved, *among.filter(slug__startswith=stem).values_list("slug", flat=True)}
    return next(slug for n in count(1) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)


def once_more(make: Callable[[], Made]) -> Made:
    """Another transaction may take the slug at the same moment: the database says so, and a second look sees it."""
    try:
        with transaction.atomic():
            return make()
    except IntegrityError:
        return make()
