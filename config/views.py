from pathlib import PurePosixPath

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe
from django.views.static import serve

from config import context

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Uploaded photos, which were decoded and encoded anew before they were kept. Nothing else leaves this folder."""
    photo = PurePosixPath(path)
    if photo.suffix.lower() not in PHOTO_SUFFIXES or ".." in photo.parts:
        raise Http404
    response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    response["Cache-Control"] = "public, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Renders without the request: whatever broke may break again in a context processor."""
    return HttpResponseServerError(render_to_string("500.html", context.site()))
