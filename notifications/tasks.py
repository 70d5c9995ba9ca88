from typing import Any

from celery import shared_task
from django.utils import timezone

from notifications import services


@shared_task
def deliver(pk: int, **_: Any) -> None:
    services.deliver(pk, now=timezone.now())


@shared_task
def deliver_due(**_: Any) -> None:
    for pk in services.due(timezone.now()):
        # What no worker has come to by the next sweep is asked for again then.
        deliver.apply_async((pk,), expires=55)
