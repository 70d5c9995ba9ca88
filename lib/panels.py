"""What lower apps' pages show of what only upper apps know.

An app names the panels of its pages in its `panels`, one `Panels` for each kind of row. An upper app registers a class
there in `ready()`. It is made once for a page, with all the page's rows, and renders each panel that the page asks for:
the panels of a page share what was loaded, and a page costs the same number of queries for one row and for thirty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

Loaded = TypeVar("Loaded")
Load = Callable[[HttpRequest, Sequence[Any]], Loaded]
# HTML by the primary key of its row; a row of which there is nothing to say may be left out.
Render = Callable[[Loaded], Mapping[int, SafeString]]


class Panels:
    """The panels of pages with one kind of row, by name."""

    def __init__(self, *names: str) -> None:
        self._filled: dict[str, list[tuple[Load[Any], Render[Any]]]] = {name: [] for name in names}

    def register(self, load: Load[Loaded], **renders: Render[Loaded]) -> None:
        """Fill panels: `load` gets the page's request and rows, and what it answers is given to each `render`.

        Registering the same again changes nothing. Raises `KeyError` for a panel that no page has.
        """
        for name, render in renders.items():
            if (load, render) not in self._filled[name]:
                self._filled[name].append((load, render))

    def render(
        self, request: HttpRequest, rows: Sequence[Any], *names: str
    ) -> dict[str, dict[int, SafeString]]:
        """Those panels of all rows: by name, and then by the row's primary key.

        An empty string where nobody has anything to say. Raises `KeyError` for a panel that no page has.
        """
        loaded: dict[Load[Any], Any] = {}
        found: dict[str, dict[int, SafeString]] = {}
        for name in names:
            parts = []
            for load, render in self._filled[name] if rows else ():
                if load not in loaded:
                    loaded[load] = load(request, rows)
                parts.append(render(loaded[load]))
            found[name] = {row.pk: mark_safe("".join(part.get(row.pk, "") for part in parts)) for row in rows}  # noqa: S308
        return found

    def render_one(self, request: HttpRequest, row: Any, *names: str) -> dict[str, SafeString]:
        """The same for a page of one row: HTML by the panel's name."""
        return {name: panel[row.pk] for name, panel in self.render(request, [row], *names).items()}
