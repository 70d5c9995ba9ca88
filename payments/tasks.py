from typing import Any

from celery import Task, shared_task
from django.db import transaction
from django.utils import timezone

from payments import audit, services


@shared_task
def sweep(**kwargs: Any) -> None:
    services.sweep(timezone.now())


@shared_task
def send_refund(refund_pk: int, **kwargs: Any) -> None:
    services.send_refund(refund_pk, now=timezone.now())


@shared_task
def take_up_event(event_pk: int, **kwargs: Any) -> None:
    services.process_event(event_pk, now=timezone.now())


@shared_task
def reconcile(**kwargs: Any) -> None:
    services.reconcile(timezone.now())


@shared_task
def audit_money(**kwargs: Any) -> None:
    audit.report()


def wake(task: Task[..., Any], *args: Any) -> None:
    """Queue a task once the rows are committed. With the broker down it is logged, and the next sweep does the work."""

    def queue() -> None:
        task.delay(*args)

    transaction.on_commit(queue, robust=True)
