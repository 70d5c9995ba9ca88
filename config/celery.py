import os
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from celery import Celery, Task
from celery.signals import setup_logging, worker_ready
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Between machines, and between the limit of a task's time and the end of what exceeds it.
CLOCKS_DIFFER = timedelta(seconds=30)

TRANSPORT_ALIASES["filesystem"] = "config.file_queue:Transport"


class SiteTask(Task[..., Any]):
    """What `lib.sweeping.alone` makes never runs twice at once; staff and monitors see when it went through."""

    alone = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.alone:
            return super().__call__(*args, **kwargs)
        from config.sweeps import run_alone  # models: only once the apps are there

        longest = timedelta(seconds=self.time_limit or self.app.conf.task_time_limit)
        return run_alone(
            self.name,
            partial(super().__call__, *args, **kwargs),
            # The same when a message comes again because its worker was killed.
            holder=self.request.id or uuid4().hex,
            lasts=longest + CLOCKS_DIFFER,
        )


app = Celery("config", task_cls="config.celery:SiteTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**kwargs: Any) -> None:
    """Being connected is enough: Celery then leaves the logging of the settings alone."""


@worker_ready.connect
def catch_up(**kwargs: Any) -> None:
    """What falls due every minute does not wait for the schedule's first tick: what this worker's queues bring."""
    for entry in app.conf.beat_schedule.values():
        task, options = entry["task"], entry["options"]
        queue = options.get("queue") or app.amqp.router.route({}, task)["queue"].name
        if entry["schedule"] == settings.EVERY_MINUTE and queue in app.amqp.queues.consume_from:
            app.send_task(task, entry.get("args", ()), **options)


def declare_queues() -> None:
    """Create the file queues once, before several processes do it at the same time, which is a race."""
    if not app.conf.broker_url.startswith("filesystem:"):
        return
    with app.connection_for_write() as connection:
        for queue in app.amqp.queues.values():
            queue(connection.default_channel).declare()
