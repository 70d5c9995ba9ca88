from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# What no page of the site uses. `payment` is left to the providers' own frames.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope"),
        *("hid", "magnetometer", "microphone", "midi", "serial", "usb", "xr-spatial-tracking"),
    )
)


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages, and nothing that is compressed as it is, such as a photo or a PDF.

    Nobody learns a secret from how small a page gets (BREACH): the token of a form is masked anew in each page, a
    request that another site causes comes without the session, whose cookie is SameSite=Lax, unless it leads away from
    that site, and Django adds up to 100 random bytes.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith("text/"):
            return response
        return super().process_response(request, response)


class HeadersMiddleware:
    """What a browser may do with a page: use none of the device's senses, and keep no page of a signed-in person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # Only a person whom somebody has loaded: no page says more about its reader than that.
        person = getattr(request, "_cached_user", None)
        # What calls itself public, such as a photo, is the same for everybody.
        if person is not None and person.is_authenticated and not _is_public(response):
            response["Cache-Control"] = "private, no-store"
        return response


def _is_public(response: HttpResponse) -> bool:
    words = response.get("Cache-Control", "").split(",")
    return "public" in (word.strip() for word in words)
