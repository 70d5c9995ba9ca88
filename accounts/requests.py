"""What views ask of a request, with its types."""

from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

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


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
