"""What of a request is looked at before its view is asked."""

import codecs
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = TypeVar("View", bound=Callable[..., Any])

NO_SUCH_LOOKUP = (DataError, FieldDoesNotExist, OverflowError)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def signed_by_sender(view: View) -> View:
    """For a view that checks its sender's signature: its body is the view's own to read, and its limit to keep."""
    view.is_signed_by_sender = True  # type: ignore[attr-defined]
    return view


def is_signed_by_sender(view: Callable[..., Any]) -> bool:
    return getattr(view, "is_signed_by_sender", False)


class InputGuard:
    """400 for what no browser sends: a NUL, which PostgreSQL takes in no text, and any encoding but UTF-8.

    Path, query and cookies before anybody else reads them; a form once it is known that its view has one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_utf8(request) or _has_nul(
            (request.path_info, *request.COOKIES.values(), *_texts(request.GET))
        ):
            return _refuse(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.content_type not in FORMS or is_signed_by_sender(view):
            return None
        names = (str(file.name) for _, files in request.FILES.lists() for file in files)
        return _refuse(request) if _has_nul((*_texts(request.POST), *request.FILES, *names)) else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's admin looks for whatever its address names; what no column is or holds is the address's fault."""
        match = request.resolver_match
        if match is None or match.app_name != "admin":
            return None
        is_list = request.method == "GET" and str(match.url_name).endswith("_changelist")
        is_no_lookup = isinstance(exception, (*NO_SUCH_LOOKUP, ValueError) if is_list else NO_SUCH_LOOKUP)
        return _refuse(request) if is_no_lookup else None


def _is_utf8(request: HttpRequest) -> bool:
    """Or says nothing of its encoding, which then is UTF-8 too."""
    try:
        return codecs.lookup((request.content_params or {}).get("charset", "utf-8")).name in (
            "utf-8",
            "ascii",
        )
    except (LookupError, ValueError):
        return False


def _texts(query: Any) -> Iterable[str]:
    for name, values in query.lists():
        yield name
        yield from values


def _has_nul(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)


def _refuse(request: HttpRequest) -> HttpResponse:
    return render(request, "400.html", status=400)
