from typing import Any

from celery import shared_task
from django.utils import timezone

from config.models import Heartbeat


@shared_task
def heartbeat(**kwargs: Any) -> None:
    Heartbeat.objects.update_or_create(name="schedule", defaults={"at": timezone.now()})
