from typing import Any

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from config import sweeps
from config.models import Heartbeat
from lib.sweeping import alone, delete_in_batches


@shared_task
def heartbeat(queue: str = settings.CELERY_TASK_DEFAULT_QUEUE, **kwargs: Any) -> None:
    Heartbeat.objects.update_or_create(name=queue, defaults={"at": timezone.now()})


@alone()
def tidy(**kwargs: Any) -> None:
    """Sessions that have ended, and failures that are long over."""
    delete_in_batches(Session.objects.filter(expire_date__lte=timezone.now()))
    sweeps.tidy(timezone.now())
