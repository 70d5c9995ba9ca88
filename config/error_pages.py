"""What a person sees when something can't be shown: the site's own pages, with DEBUG too.

Django's own pages of DEBUG are for who wrote the site; the demo is for everybody. What broke stands in the terminal,
and with DEBUG on the page as well.
"""

import traceback
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter
from django.views.defaults import page_not_found

from config import context


class ErrorPagesMiddleware:
    """Innermost, so that its pages know who reads them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            page = render(request, "405.html", status=405)
            page["Allow"] = response["Allow"]
            return page
        if settings.DEBUG and response.status_code == 404 and request.resolver_match is None:
            return page_not_found(request, Http404())
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What Django does by itself without DEBUG."""
        return (
            page_not_found(request, exception) if settings.DEBUG and isinstance(exception, Http404) else None
        )


class Reporter(ExceptionReporter):
    """What DEBUG shows of an error."""

    def get_traceback_html(self) -> SafeString:
        if isinstance(self.exc_value, (BadRequest, SuspiciousOperation)):
            return render_to_string("400.html", context.site())
        return _broken("".join(traceback.format_exception(self.exc_value)))


def server_error(request: HttpRequest) -> HttpResponse:
    return HttpResponseServerError(_broken())


def _broken(how: str = "") -> SafeString:
    """Renders without the request: whatever broke may break again in a context processor."""
    return render_to_string("500.html", {**context.site(), "how": how})
