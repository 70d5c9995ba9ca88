"""A small limiter for posts. Sign-in pages have allauth's own; its refusals end on the same page."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def limit_posts(scope: str, *, times: int, seconds: int) -> Callable[[View[P]], View[P]]:
    """At most so many posts in so many seconds, by person or, signed out, by address; then 429."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def limited(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            wait = count(request, scope, times=times, seconds=seconds) if request.method == "POST" else 0
            return too_many_requests(request, wait) if wait else view(request, *args, **kwargs)

        return limited

    return decorate


def count(request: HttpRequest, scope: str, *, times: int, seconds: int) -> int:
    """Counts one more; answers how many seconds to wait, 0 while there is no need to."""
    now = time.time()
    window = int(now // seconds)
    key = f"limit:{scope}:{_who(request)}:{window}"
    cache.add(key, 0, timeout=2 * seconds)
    if cache.incr(key) <= times:
        return 0
    return max(1, round((window + 1) * seconds - now))


def too_many_requests(request: HttpRequest, wait: int = 60) -> HttpResponse:
    """The page that says when to come back. Allauth does not tell; its windows are a minute or a few."""
    words = f"{wait} seconds" if wait < 100 else f"{-(-wait // 60)} minutes"
    response = render(request, "429.html", {"wait": words}, status=429)
    response["Retry-After"] = str(wait)
    return response


def _who(request: HttpRequest) -> str:
    if request.user.is_authenticated:
        return f"user-{request.user.pk}"
    return f"ip-{get_adapter(request).get_client_ip(request)}"
