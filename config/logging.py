"""One line an event, with the request's or the task's id, without query strings, bodies, keys or secrets in paths."""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse

from lib.redaction import redacted, redacted_all

logger = logging.getLogger("config.requests")
task_logger = logging.getLogger("config.tasks")

current_request: ContextVar[str] = ContextVar("request_id", default="")
current_task: ContextVar[str] = ContextVar("task_id", default="")
task_started: ContextVar[float] = ContextVar("task_started")

SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SECRET_ARGUMENTS = {"key", "token", "uidb36", "uidb64"}
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django attaches the request object to its own records; it must not be written out.
DROPPED = {"request", "server_time", "status_code", "data"}


class RequestMiddleware:
    """Gives each request an id, hands it back as X-Request-ID, and writes the request's line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        token = current_request.set(offered if SANE_ID.fullmatch(offered) else secrets.token_hex(8))
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = current_request.get()
            self.log(request, response.status_code, started)
        finally:
            current_request.reset(token)
        return response

    def log(self, request: HttpRequest, status: int, started: float) -> None:
        # A load balancer's probes would drown everything else.
        level = logging.DEBUG if status == 200 and request.path == "/healthz" else logging.INFO
        # Only a user that the view has loaded: asking here would cost a query and read the session.
        user = getattr(request, "_cached_user", None)
        logger.log(
            level,
            "request",
            extra={
                "method": request.method,
                "path": path_without_secrets(request),
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000),
                "user": getattr(user, "pk", None),
            },
        )


def path_without_secrets(request: HttpRequest) -> str:
    path = request.path
    if request.resolver_match:
        for name, value in request.resolver_match.kwargs.items():
            if name in SECRET_ARGUMENTS:
                path = path.replace(str(value), "***")
    return path


def event(record: logging.LogRecord) -> dict[str, Any]:
    fields = {
        name: redacted_all(value)
        for name, value in vars(record).items()
        if name not in STANDARD and name not in DROPPED and not name.startswith("_") and value is not None
    }
    for name, variable in (("request_id", current_request), ("task_id", current_task)):
        if variable.get():
            fields.setdefault(name, variable.get())
    return fields


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redacted(record.getMessage()),
            **event(record),
        }
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, default=lambda value: redacted(str(value)), ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """For a terminal: short, and a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        details = " ".join(f"{name}={redacted(str(value))}" for name, value in event(record).items())
        line = f"{when} {record.levelname.lower():<7} {record.name}: {redacted(record.getMessage())} {details}".rstrip()
        return f"{line}\n{redacted(self.formatException(record.exc_info))}" if record.exc_info else line


@before_task_publish.connect
def pass_request_id(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and current_request.get():
        headers["request_id"] = current_request.get()


@task_prerun.connect
def enter_task(task_id: str, task: Task[..., Any], **kwargs: Any) -> None:
    current_task.set(task_id)
    current_request.set(getattr(task.request, "request_id", None) or "")
    task_started.set(time.perf_counter())


@task_postrun.connect
def leave_task(task: Task[..., Any], state: str | None = None, **kwargs: Any) -> None:
    ms = round((time.perf_counter() - task_started.get()) * 1000)
    task_logger.info("task", extra={"task": task.name, "state": state, "ms": ms})
    current_task.set("")
    current_request.set("")
