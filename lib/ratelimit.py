"""How often anybody may post. `PostLimitMiddleware` asks before every view, so that no view can forget to.

A view says with `limit_posts` what is usual for it; any other has `USUAL`. Sign-in pages have allauth's own limits
besides, whose refusals end on the same page. Counts stand in the cache, which all processes share; while it is away
nobody is refused, and the log says so.
"""

import ipaddress
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Limit:
    """At most `times` posts in so many seconds by one person; signed out, by one address."""

    times: int
    seconds: int
    scope: str = ""  # what is counted together; each view by itself when empty
    times_by_address: int = 0  # 0: as many
    uploads_only: bool = False


# More than hands can do; a campus shares one address.
USUAL = Limit(times=120, seconds=60, times_by_address=600)


def limit_posts(scope: str, *, times: int, seconds: int) -> Callable[[View], View]:
    """Instead of the usual limit: at most so many posts in so many seconds, to all views of that scope together."""
    return _adding(Limit(times, seconds, scope))


def limit_uploads(scope: str, *, times: int, seconds: int) -> Callable[[View], View]:
    """Besides the limit of its posts: at most so many that bring a file."""
    return _adding(Limit(times, seconds, scope, uploads_only=True))


def _adding(limit: Limit) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        view.post_limits = (limit, *getattr(view, "post_limits", ()))  # type: ignore[attr-defined]
        return view

    return decorate


def limits_of(view: Callable[..., Any]) -> tuple[Limit, ...]:
    own: tuple[Limit, ...] = getattr(view, "post_limits", ())
    return (USUAL, *own) if all(limit.uploads_only for limit in own) else own


def seconds_to_wait(request: HttpRequest, limits: Iterable[Limit], *, scope: str) -> int:
    """Counts one more post; answers for how many seconds there is to wait, 0 while there is no need to."""
    for limit in limits:
        if limit.uploads_only and not request.FILES:
            continue
        times = limit.times
        if not request.user.is_authenticated and limit.times_by_address:
            times = limit.times_by_address
        if wait := count(_sender(request), limit.scope or scope, times=times, seconds=limit.seconds):
            return wait
    return 0


def count(who: str, scope: str, *, times: int, seconds: int) -> int:
    """Counts one more by somebody; answers for how many seconds they have to wait, 0 while there is no need to."""
    now = time.time()
    window = int(now // seconds)
    if _counted(f"limit:{scope}:{who}:{window}", timeout=2 * seconds) <= times:
        return 0
    return max(1, round((window + 1) * seconds - now))


def _counted(key: str, *, timeout: int) -> int:
    for _ in range(2):
        try:
            return cache.incr(key)
        except ValueError:  # the first, unless another process is so at the same moment
            if cache.add(key, 1, timeout=timeout):
                break
    return 1


def too_many_requests(request: HttpRequest, wait: int = 60) -> HttpResponse:
    """The page that says when to come back. Allauth does not tell; its windows are a minute or a few."""
    words = f"{wait} seconds" if wait < 100 else f"{-(-wait // 60)} minutes"
    response = render(request, "429.html", {"wait": words}, status=429)
    response["Retry-After"] = str(wait)
    return response


def address_of(request: HttpRequest) -> str:
    """Of IPv6 the network, all of whose addresses one household has; nothing for a sender who has none."""
    try:
        address = ipaddress.ip_address(get_adapter(request).get_client_ip(request))
    except (ValueError, PermissionDenied):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)


def _sender(request: HttpRequest) -> str:
    return f"user-{request.user.pk}" if request.user.is_authenticated else f"ip-{address_of(request)}"
