"""Lists of the admin that cost the same with a thousand rows and with millions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.http import HttpRequest
from django.utils.functional import cached_property

# Whoever looks for one of more rows than this narrows the list down.
MOST_ROWS = 1_000
MOST_WORDS = 6
# Of the people, sessions or orders whose rows a search is for.
MOST_RELATED = 500
# An address from its beginning to its end, as far as a search must tell: of a part the others are found as well.
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")


class BoundedPaginator(Paginator[Any]):
    """Counts no further than `MOST_ROWS`, and leads no further."""

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by().values("pk")[: MOST_ROWS + 1].count()
        return found

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_ROWS)

    @property
    def has_more(self) -> bool:
        """There are more rows than the pages lead to."""
        return self._counted > MOST_ROWS


class BoundedListAdmin(admin.ModelAdmin[Any]):
    """A list that counts and searches no more than it must.

    `ordering` and `sortable_by` name columns with an index. A search asks each table by itself, by an index of its
    own: `search_fields` with `=` are exact (as typed, in capitals or in small letters), `email` is when a whole
    address is typed, the others contain each word, which needs a trigram index on a large table. All words are looked
    for in the fields of one table.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.split()[:MOST_WORDS]
        if not words:
            return queryset, False
        search = Search(words)
        found = queryset.filter(search.condition(self.model, self.get_search_fields(request)))
        if search.is_cut:
            self.message_user(
                request,
                f"More than {MOST_RELATED} people or sessions match; rows of some are left out. Search for more words.",
                messages.WARNING,
            )
        return found, False


@dataclass
class Search:
    """`is_cut` says that more rows of another table matched than were looked at."""

    words: Sequence[str]
    is_cut: bool = False

    def condition(self, model: type[Model], fields: Iterable[str]) -> Q:
        """On columns of the model's own table. What a field of another table finds was asked for before."""
        own, related = _by_table(fields)
        found = Q(pk__in=[])
        if own:
            found |= Q(*(_any(own, word) for word in self.words))
        for name, below in related.items():
            other: Any = model._meta.get_field(name).related_model
            rows = other._default_manager.filter(self.condition(other, below)).order_by()
            pks = list(rows.values_list("pk", flat=True)[: MOST_RELATED + 1])
            self.is_cut |= len(pks) > MOST_RELATED
            found |= Q(**{f"{name}__in": pks[:MOST_RELATED]})
        return found


def _by_table(fields: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The fields of the table itself, and by relation those below."""
    own, related = [], defaultdict(list)
    for field in fields:
        exact = "=" if field.startswith("=") else ""
        name, _, below = field.removeprefix("=").partition("__")
        if below:
            related[name].append(exact + below)
        else:
            own.append(field)
    return own, related


def _any(fields: Iterable[str], word: str) -> Q:
    found = Q(pk__in=[])
    for field in fields:
        if field.startswith("="):
            found |= Q(**{f"{field.removeprefix('=')}__in": [word, word.upper(), word.lower()]})
        elif field == "email" and ADDRESS.fullmatch(word):
            found |= Q(Exact(Lower("email"), word.lower()))
        else:
            found |= Q(**{f"{field}__icontains": word})
    return found
