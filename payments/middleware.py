from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from lib import deadline


class ProviderDeadlineMiddleware:
    """Whichever page asks a provider, and however often, is there in a few seconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with deadline.from_first_use(settings.PROVIDER_SECONDS):
            return self.get_response(request)
