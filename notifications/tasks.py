from typing import Any

from celery import shared_task
from django.utils import timezone

from lib.sweeping import alone, each, row_of
from notifications import services
from notifications.models import Message


@shared_task
def deliver(pk: int, **_: Any) -> None:
    services.deliver(pk, now=timezone.now())


@alone(time_limit=120)
def deliver_due(**_: Any) -> None:
    each(
        "notifications.deliver",
        services.due(timezone.now()),
        # What no worker has come to by the next sweep is asked for again then.
        lambda pk: deliver.apply_async((pk,), expires=55),
        called=lambda pk: row_of(Message, pk, pk),
    )
