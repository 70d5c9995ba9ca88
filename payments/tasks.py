import logging
from typing import Any

from celery import shared_task
from django.utils import timezone

from lib import deadline
from lib.sweeping import alone
from payments import services
from payments.gateways.base import GatewayError
from payments.reports import audit

logger = logging.getLogger(__name__)

# What providers may take for one thing that a person has set off: others wait behind it.
SECONDS = 30.0
# A reconciliation, together; it is well below what a task may take.
RECONCILE_SECONDS = 180.0


@alone(time_limit=240)
def sweep(**kwargs: Any) -> None:
    services.sweep(timezone.now())


@shared_task
def close_checkout(payment_pk: int, **kwargs: Any) -> None:
    """Close one checkout; if the provider doesn't answer, the sweep asks again."""
    try:
        with deadline.within(SECONDS):
            services.close_checkout(payment_pk, source="paid elsewhere", now=timezone.now())
    except GatewayError as error:
        logger.warning("checkout not closed", extra={"payment": payment_pk, "reason": str(error)})


@shared_task
def send_refund(refund_pk: int, **kwargs: Any) -> None:
    with deadline.within(SECONDS):
        services.send_refund(refund_pk, now=timezone.now())


@shared_task
def process_webhook_event(event_pk: int, **kwargs: Any) -> None:
    with deadline.within(SECONDS):
        services.process_webhook_event(event_pk, now=timezone.now())


@alone()
def reconcile(**kwargs: Any) -> None:
    services.reconcile(timezone.now(), seconds=RECONCILE_SECONDS)


@alone()
def audit_money(**kwargs: Any) -> None:
    audit.report()


@alone()
def clean_up_closed_accounts(**kwargs: Any) -> None:
    """Cards of closed accounts at the providers, and names that are not needed for payouts any more."""
    with deadline.within(SECONDS):
        services.detach_cards_of_closed_accounts()
    services.delete_paid_payees(timezone.now())


@alone()
def forget_old_events(**kwargs: Any) -> None:
    services.forget_old_events(timezone.now())
