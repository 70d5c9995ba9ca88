"""What lower apps' pages show of what only upper apps know.

A page names its panels in its app's `panels.py`; an upper app registers one function in `ready()`.
The function takes all the page's rows at once and returns rendered HTML by primary key, so that a
page costs the same number of queries for one row and for thirty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

Render = Callable[[HttpRequest, Sequence[Any]], Mapping[int, SafeString]]


class Panel:
    def __init__(self, name: str) -> None:
        self.name = name
        self._renderers: list[Render] = []

    def register(self, render: Render) -> None:
        """Registering the same function again changes nothing."""
        if render not in self._renderers:
            self._renderers.append(render)

    def render(self, request: HttpRequest, rows: Sequence[Any]) -> dict[int, SafeString]:
        """Every row's panel by primary key; an empty string where nobody has anything to say."""
        parts = [render(request, rows) for render in self._renderers] if rows else []
        return {row.pk: mark_safe("".join(part.get(row.pk, "") for part in parts)) for row in rows}  # noqa: S308
