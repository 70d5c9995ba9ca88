"""A second payment on a checkout that was paid: a row of its own, all of which goes back.

Some banks settle with the merchant directly, and then a provider captures whatever comes in.
"""

import logging
from datetime import datetime

from django.db import transaction

from payments.gateways import gateway
from payments.gateways.base import Money, PaymentState
from payments.models import Payment, PaymentStatus, Refund
from payments.services.locking import lock_booking_and_payment
from payments.services.refunds import refund_in_full
from payments.services.review import flag_for_review
from payments.services.success import fits_columns, mark_succeeded, sync_what_followed

logger = logging.getLogger(__name__)


def record_second_payments(
    payment_pk: int, state: PaymentState | None = None, *, now: datetime
) -> list[Payment]:
    """Write down, and give back in full, what came in on a paid checkout after the payment that paid it.

    `state` is the provider's answer, which is asked for otherwise. Returns the new rows: a second call finds
    none. Raises a `GatewayError`; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if not payment.provider_ref or payment.status != PaymentStatus.SUCCEEDED:
        return []
    state = state or gateway(payment.gateway).fetch(payment.provider_ref)
    with transaction.atomic():
        _, payment = lock_booking_and_payment(payment_pk)
        found = write_second_payments(payment, state, now)
    for second, its_state in found:
        sync_what_followed(second, its_state, now)
    return [second for second, _ in found]


def write_second_payments(
    payment: Payment, state: PaymentState, now: datetime
) -> list[tuple[Payment, PaymentState]]:
    """The new rows, each with what its provider says of it. People, booking and payment are locked."""
    if payment.status != PaymentStatus.SUCCEEDED:
        return []
    ids = [each.payment_id for each in state.received]
    rows = Payment.objects.filter(gateway=payment.gateway, payment_id__in=ids)
    known = set(rows.values_list("payment_id", flat=True))
    found = []
    for each in state.received:
        if not each.payment_id or each.payment_id in known:
            continue
        if each.amount and fits_columns(each.amount):
            found.append((_write(payment, each, each.amount, now), each))
        else:
            reason = f"{each.payment_id} came in besides, and can be given back at the provider only."
            flag_for_review(payment, reason)
    return found


def _write(payment: Payment, state: PaymentState, amount: Money, now: datetime) -> Payment:
    second = Payment(
        booking=payment.booking,
        status=PaymentStatus.OPEN,
        amount_minor=amount.minor,
        platform_fee_minor=0,
        currency=amount.currency,
        gateway=payment.gateway,
        same_checkout_as=payment,
        created_at=now,
    )
    mark_succeeded(second, state, is_surplus=True, now=now)
    reason = f"{state.payment_id} came in on {payment.reference}, which was paid. All of it goes back."
    flag_for_review(second, reason)
    logger.error("paid twice", extra={"payment": second.reference, "beside": payment.reference})
    refund_in_full(second, Refund.Reason.SURPLUS, now=now)
    second.refresh_from_db()
    return second
