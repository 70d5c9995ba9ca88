"""What /healthz answers: is this process up, and can the place do its work?

`/healthz` is for people and monitors: 503 when anything is wrong. `/healthz?live` only says that this process answers;
a load balancer asks that one, since taking the web away does not help a schedule that is late.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.models import Heartbeat
from notifications.models import Message

SCHEDULE_LATE = timedelta(minutes=3)
OUTBOX_LATE = timedelta(minutes=10)
STARTED_AT = time.monotonic()

Finding = dict[str, Any]


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    if "live" in request.GET:
        return JsonResponse({"status": "ok"})
    findings = report(timezone.now(), up_for=timedelta(seconds=time.monotonic() - STARTED_AT))
    healthy = all(finding["status"] != "failed" for finding in findings.values())
    return JsonResponse(
        {"status": "ok" if healthy else "failed", **findings, "tzdata": version("tzdata")},
        status=200 if healthy else 503,
    )


def report(now: datetime, up_for: timedelta) -> dict[str, Finding]:
    checks: dict[str, Callable[[], Finding]] = {
        "database": _database,
        "cache": _cache,
        "schedule": lambda: _schedule(now, up_for),
        "outbox": lambda: _outbox(now, up_for),
    }
    return {name: _safely(check) for name, check in checks.items()}


def _safely(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # whatever a driver raises is a finding here
        return {"status": "failed", "error": type(error).__name__}


def _database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"status": "ok"}


def _cache() -> Finding:
    key, value = "healthz", secrets.token_hex(4)
    cache.set(f"{key}-{value}", value, timeout=10)
    if cache.get(f"{key}-{value}") == value:
        return {"status": "ok"}
    return {"status": "failed", "error": cache.breaker.error}  # type: ignore[attr-defined]  # config.cache's


def _schedule(now: datetime, up_for: timedelta) -> Finding:
    beat = Heartbeat.objects.filter(name="schedule").first()
    age = now - beat.at if beat else None
    seconds = None if age is None else round(age.total_seconds())
    if age is not None and age <= SCHEDULE_LATE:
        return {"status": "ok", "age_seconds": seconds}
    # A place that has just been started has not had the time to be late.
    return {"status": "unknown" if up_for <= SCHEDULE_LATE else "failed", "age_seconds": seconds}


def _outbox(now: datetime, up_for: timedelta) -> Finding:
    due_at = Message.objects.oldest_due(now)
    seconds = round((now - due_at).total_seconds()) if due_at else 0
    if seconds <= OUTBOX_LATE.total_seconds():
        return {"status": "ok", "oldest_due_seconds": seconds}
    return {"status": "unknown" if up_for <= OUTBOX_LATE else "failed", "oldest_due_seconds": seconds}
