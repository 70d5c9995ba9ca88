import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["filesystem"] = "config.file_queue:Transport"

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**kwargs: Any) -> None:
    """Being connected is enough: Celery then leaves the logging of the settings alone."""


@worker_ready.connect
def catch_up(**kwargs: Any) -> None:
    """What fell due while no worker ran does not wait for the schedule's first tick."""
    for entry in app.conf.beat_schedule.values():
        app.send_task(entry["task"], **entry["options"])


def declare_queue() -> None:
    """Create the file queue once, before several processes do it at the same time, which is a race."""
    if not app.conf.broker_url.startswith("filesystem:"):
        return
    with app.connection_for_write() as connection:
        app.amqp.queues[app.conf.task_default_queue](connection.default_channel).declare()
