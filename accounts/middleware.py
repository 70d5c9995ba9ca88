from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation.trans_real import parse_accept_lang_header

from lib.clock import hours_in_languages, hours_of_day
from lib.guard import is_signed_by_sender
from lib.ratelimit import limits_of, seconds_to_wait, too_many_requests
from lib.zones import parse_zone

GetResponse = Callable[[HttpRequest], HttpResponse]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class ClockMiddleware:
    """How its reader reads times: what they saved, or else chose or was found on this device.

    `request.time_zone` is None while it is unknown, and so is `request.clock_hours`: then hours run to 12.
    """

    # They show no times, and one page asks for many photos: reading the user each time would be waste.
    TIMELESS = (settings.MEDIA_URL, "/healthz", "/robots.txt", "/.well-known/")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = hours = None
        if not request.path.startswith(self.TIMELESS):
            person = request.user if request.user.is_authenticated else None
            zone = (person and person.zone) or parse_zone(request.COOKIES.get("tz"))
            hours = (person and person.clock_hours) or hours_of_device(request)
        request.time_zone = zone  # type: ignore[attr-defined]
        request.clock_hours = hours  # type: ignore[attr-defined]
        # The zone is for the admin; our own pages name the zone of every time.
        with timezone.override(zone), hours_of_day(hours or 12):
            return self.get_response(request)


def hours_of_device(request: HttpRequest) -> int | None:
    """12 or 24: chosen on this device, or as its language writes times; None while nothing says so."""
    chosen = request.COOKIES.get("clock_hours")
    if chosen in ("12", "24"):
        return int(chosen)
    languages = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:500])
    return hours_in_languages(language for language, _ in languages)


class PostLimitMiddleware:
    """Whatever writes has a limit: its view's own, or the usual one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method in SAFE_METHODS or is_signed_by_sender(view):
            return None
        scope = request.resolver_match.view_name if request.resolver_match else ""
        wait = seconds_to_wait(request, limits_of(view), scope=scope)
        return too_many_requests(request, wait) if wait else None


class InvalidFormMiddleware:
    """Allauth shows an invalid form with status 200; here what was refused says so: 422."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        view = request.resolver_match and request.resolver_match.func
        if request.method == "POST" and view and view.__module__.startswith(("allauth.", "accounts.")):
            values = (response.context_data or {}).values()
            if any(isinstance(value, BaseForm) and value.errors for value in values):
                response.status_code = 422
        return response
