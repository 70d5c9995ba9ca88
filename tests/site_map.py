"""Every address of the site, read from its URL table, so that a new one is known without being told."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from lib.guard import is_signed_by_sender

# For a part of an address, by its name or its converter's, when nobody says better.
SAMPLES = {
    "app_label": "accounts",
    "int": "1",
    "slug": "somebody",
    "str": "x",
    "path": "1",
    "isodate": "2026-12-09",
    "reference": "SESSION-0000000000",
}
ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")


@dataclass(frozen=True)
class Place:
    """An address; `route` is its pattern with a `{name}` for each argument."""

    name: str
    route: str
    view: Callable[..., Any]
    kinds: Mapping[str, str]

    @property
    def path(self) -> str:
        return self.path_with({})

    @property
    def is_signed_by_sender(self) -> bool:
        return is_signed_by_sender(self.view)

    def path_with(self, values: Mapping[str, str]) -> str:
        found = {
            name: values.get(name, SAMPLES.get(name, SAMPLES.get(kind, "x")))
            for name, kind in self.kinds.items()
        }
        return self.route.format(**found)


def places() -> Iterator[Place]:
    yield from _below(get_resolver(), "/", {}, "")


def _below(resolver: URLResolver, route: str, kinds: dict[str, str], space: str) -> Iterator[Place]:
    for each in resolver.url_patterns:
        part, own = _read(each)
        whole, all_kinds = route + part, kinds | own
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from _below(each, whole, all_kinds, inner)
        elif isinstance(each, URLPattern):
            yield Place(f"{space}{each.name or each.lookup_str}", whole, each.callback, all_kinds)


def _read(pattern: URLPattern | URLResolver) -> tuple[str, dict[str, str]]:
    text = str(pattern.pattern)
    if isinstance(pattern.pattern, RoutePattern):
        kinds = {name: kind or "str" for kind, name in ARGUMENT.findall(text)}
        return ARGUMENT.sub(r"{\2}", text), kinds
    plain = text.removeprefix("^").removesuffix("$").removesuffix(r"\Z")
    kinds = dict.fromkeys(GROUP.findall(plain), "str")
    return GROUP.sub(r"{\1}", plain).replace("\\", ""), kinds
