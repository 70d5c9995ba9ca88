"""What views ask of a request, with its types."""

from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.models import User


def current_user(request: HttpRequest) -> User:
    """The signed-in user, in a view that only they reach. Raises `PermissionDenied` for anybody else."""
    if isinstance(request.user, User):
        return request.user
    raise PermissionDenied


def viewer(request: HttpRequest) -> User | None:
    """The signed-in user, or nobody."""
    return request.user if isinstance(request.user, User) else None


def viewer_zone(request: HttpRequest, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone in which this reader reads times: their own, or that other one while theirs is unknown."""
    return getattr(request, "time_zone", None) or otherwise


def knows_zone(request: HttpRequest) -> bool:
    """Whether this reader's own zone is known: only then are times theirs."""
    return getattr(request, "time_zone", None) is not None


def asks_for_part(request: HttpRequest) -> bool:
    """A script of the page asks, and puts a part of the answer in its place."""
    return "X-Part" in request.headers


def go_to(url: str) -> HttpResponse:
    """The answer to a script: the browser is to load that address."""
    return HttpResponse(status=204, headers={"X-Go-To": url})
