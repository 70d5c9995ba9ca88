"""The schedule: it says when, and workers do it. `python -m config.schedule`, once however many workers there are.

It is what `celery beat` runs, without the apps that it has no use for: that is half of the memory.
"""

import logging.config
import signal
import sys

from celery.beat import Service
from django.conf import settings

from config.celery import app


def main() -> None:
    """Block until SIGTERM or SIGINT."""
    logging.config.dictConfig(settings.LOGGING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Service(app, scheduler_cls=app.conf.beat_scheduler).start()


if __name__ == "__main__":
    main()
