"""The processes of one running site, as data."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Process:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def plan(*, greeting: str) -> dict[str, Any]:
    """What `config.running` has to know of this site. It says the greeting once the site answers."""
    everywhere = settings.WEB_HOST == "0.0.0.0"  # noqa: S104
    workers = settings.WEB_WORKERS or default_web_workers()
    table = processes(host=settings.WEB_HOST, port=settings.PORT, web_workers=workers)
    return {
        "processes": [asdict(each) for each in table],
        "host": "127.0.0.1" if everywhere else settings.WEB_HOST,
        "port": settings.PORT,
        "name": settings.SITE_HOST,
        "welcome": f"\n  {settings.SITE_NAME} is up: {settings.SITE_URL}\n{greeting}  Ctrl-C stops it.\n\n",
    }


def processes(*, host: str, port: int, web_workers: int) -> tuple[Process, ...]:
    return (
        Process(
            "web",
            (
                # Each worker has WEB_THREADS threads of its own, behind config.bridge.
                *(sys.executable, "-m", "granian", "config.asgi:application"),
                *("--interface", "asginl", "--host", host, "--port", str(port)),
                *("--workers", str(web_workers)),
                *("--workers-kill-timeout", "5", "--no-ws", "--log-level", "warning"),
            ),
        ),
        *(_worker(queue) for queue in settings.CELERY_TASK_QUEUES),
        # The schedule may exist once only, however many workers there are.
        Process("schedule", (sys.executable, "-m", "config.schedule")),
    )


def _worker(queue: str) -> Process:
    return Process(
        queue,
        (
            *(sys.executable, "-m", "celery", "--quiet", "--app", "config", "worker"),
            *("--queues", queue, "--hostname", f"{queue}@%h", "--loglevel", "INFO"),
            # One child takes 40 MB; what needs more gets more workers.
            *("--pool", "prefork", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        # The file queue moves messages through TMPDIR, which is atomic only on the queue's own file system.
        {"TMPDIR": str(settings.QUEUE_DIR / "tmp")},
    )


def default_web_workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 2) if settings.DEBUG else cores
