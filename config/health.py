"""What /healthz answers: is this process up, and can the place do its work?

`/healthz` is for people and monitors: 503 when a part of the place does not work. A "warning" is a single thing that
does not, such as a session that can't be ended: staff see to it, and it answers 200, so that it hides no failure.
`/healthz?live` only says that this process answers; a load balancer asks that one, since taking the web away does not
help a schedule that is late.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.models import FailingRow, Heartbeat, Sweep
from config.tasks import heartbeat
from notifications.models import Message

SCHEDULE_LATE = timedelta(minutes=3)
# What waits for a provider that is down takes minutes; it waits in one queue only.
QUEUE_LATE = SWEEP_LATE = timedelta(minutes=10)
OUTBOX_LATE = timedelta(minutes=10)
STARTED_AT = time.monotonic()

Finding = dict[str, Any]


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    if "live" in request.GET:
        return JsonResponse({"status": "ok"})
    findings = report(timezone.now(), up_for=timedelta(seconds=time.monotonic() - STARTED_AT))
    found = {finding["status"] for finding in findings.values()}
    worst = next((status for status in ("failed", "warning") if status in found), "ok")
    return JsonResponse(
        {"status": worst, **findings, "tzdata": version("tzdata")}, status=503 if worst == "failed" else 200
    )


def report(now: datetime, up_for: timedelta) -> dict[str, Finding]:
    checks: dict[str, Callable[[], Finding]] = {
        "database": _database,
        "cache": _cache,
        "schedule": lambda: _schedule(now, up_for),
        "queues": lambda: _queues(now, up_for),
        "sweeps": lambda: _sweeps(now, up_for),
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
    """It lives when any queue has brought its heartbeat."""
    age = _age(now, max(_heartbeats().values(), default=None))
    return {"status": _judge(age, SCHEDULE_LATE, up_for), "age_seconds": age}


def _queues(now: datetime, up_for: timedelta) -> Finding:
    """Each has a worker that gets on with it, if slowly."""
    beats = _heartbeats()
    ages = {queue: _age(now, beats.get(queue)) for queue in settings.CELERY_TASK_QUEUES}
    found = {_judge(age, QUEUE_LATE, up_for) for age in ages.values()}
    worst = next((status for status in ("failed", "unknown") if status in found), "ok")
    return {"status": worst, "age_seconds": ages}


def _sweeps(now: datetime, up_for: timedelta) -> Finding:
    """Those of every minute go through to their end, and nothing fails in any of them."""
    finished = dict(Sweep.objects.values_list("name", "finished_at"))
    judged = {task: _judge(_age(now, finished.get(task)), SWEEP_LATE, up_for) for task in every_minute()}
    late = sorted(task for task, status in judged.items() if status == "failed")
    failing = dict(FailingRow.objects.open().order_by().values_list("sweep").annotate(rows=Count("pk")))
    status = "failed" if late else "warning" if failing else "ok"
    return {"status": status, "late": late, "failing": failing}


def every_minute() -> set[str]:
    entries = settings.CELERY_BEAT_SCHEDULE.values()
    tasks = {str(entry["task"]) for entry in entries if entry["schedule"] == settings.EVERY_MINUTE}
    return tasks - {heartbeat.name}


def _heartbeats() -> dict[str, datetime]:
    return dict(Heartbeat.objects.values_list("name", "at"))


def _age(now: datetime, at: datetime | None) -> int | None:
    return None if at is None else round((now - at).total_seconds())


def _judge(age: int | None, late: timedelta, up_for: timedelta) -> str:
    if age is not None and age <= late.total_seconds():
        return "ok"
    # A place that has just been started has not had the time to be late.
    return "unknown" if up_for <= late else "failed"


def _outbox(now: datetime, up_for: timedelta) -> Finding:
    due_at = Message.objects.oldest_due(now)
    seconds = _age(now, due_at) or 0
    return {"status": _judge(seconds, OUTBOX_LATE, up_for), "oldest_due_seconds": seconds}
