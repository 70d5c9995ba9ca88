from typing import Any

from celery import shared_task
from django.utils import timezone

from bookings import services


@shared_task(ignore_result=True)
def sweep(**_: Any) -> None:
    """Every minute: lapsed holds end, sessions that are over complete."""
    services.sweep(timezone.now())
