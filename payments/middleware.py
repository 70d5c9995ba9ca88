from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from payments.gateways import patience


class PatienceMiddleware:
    """Whichever page asks a provider, and however often, is there in a few seconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with patience.in_request():
            return self.get_response(request)
