"""From the provider's truth to our rows: forward only, once, however often and from wherever it is asked for."""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.services import SlotGone, confirm, extend_hold, release_hold
from payments.gateways import gateway
from payments.gateways.base import Money, PaymentState, PayStatus
from payments.models import AT_PROVIDER, WITH_BANK, Payment, PaymentStatus, Refund
from payments.services.locking import lock_booking_and_payment
from payments.services.mismatches import flag_mismatch
from payments.services.refunds import refund_in_full
from payments.services.second_payments import write_second_payments
from payments.services.success import flag_if_of_another_order, mark_succeeded, sync_what_followed
from payments.signals import payment_failed

logger = logging.getLogger(__name__)

STATUS_OF: dict[PayStatus, PaymentStatus] = {
    PayStatus.OPEN: PaymentStatus.OPEN,
    PayStatus.PROCESSING: PaymentStatus.PROCESSING,
    PayStatus.AUTHORIZED: PaymentStatus.AUTHORIZED,
    PayStatus.PAID: PaymentStatus.SUCCEEDED,
    PayStatus.FAILED: PaymentStatus.FAILED,
    PayStatus.EXPIRED: PaymentStatus.EXPIRED,
    PayStatus.CANCELED: PaymentStatus.CANCELED,
}


def settle(payment_pk: int, *, source: str, now: datetime) -> Payment:
    """Bring a payment to what its provider says of it, and its session with it.

    Fetches outside any transaction, then locks people, booking, payment. Safe to repeat and to run in
    parallel: the second finds nothing to do. Money that can't confirm its session any more goes back in
    full, and so do second payments on the same checkout. What went back, or is disputed, at the provider
    meanwhile is written down too. Raises a `GatewayError` when the truth can't be had; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if not payment.provider_ref or payment.status == PaymentStatus.SUCCEEDED:
        return payment
    state = gateway(payment.gateway).fetch(payment.provider_ref)
    return _apply(payment_pk, state, source=source, now=now)


def close_checkout(payment_pk: int, *, source: str, now: datetime) -> Payment:
    """Close a checkout at its provider; whoever paid faster has paid. Otherwise as `settle`.

    What can't be closed there is over for us; money that comes of it later is late money.
    Raises a `GatewayError`; nothing has changed here then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if payment.status not in AT_PROVIDER:
        return payment
    provider = gateway(payment.gateway)
    state = provider.expire(payment.provider_ref)
    if state.status is PayStatus.OPEN and not provider.can_expire:
        state = replace(state, status=PayStatus.EXPIRED)
    return _apply(payment_pk, state, source=source, now=now)


def _apply(payment_pk: int, state: PaymentState, *, source: str, now: datetime) -> Payment:
    with transaction.atomic():
        booking, payment = lock_booking_and_payment(payment_pk)
        before = payment.status
        if state.status is PayStatus.PAID:
            _take_money(payment, booking, state, now)
        else:
            _follow(payment, state, now)
        payment.refresh_from_db()
        second_payments = write_second_payments(payment, state, now)
    if payment.status != before:
        facts = {"payment": payment.reference, "status": payment.status, "source": source}
        logger.info("payment", extra=facts)
        if payment.status == PaymentStatus.SUCCEEDED:
            sync_what_followed(payment, state, now)
    for second, its_state in second_payments:
        sync_what_followed(second, its_state, now)
    return payment


def _take_money(payment: Payment, booking: Booking, state: PaymentState, now: datetime) -> None:
    """The provider says that it is paid: confirm the session, or give the money back when that can't be."""
    if not payment.may_become(PaymentStatus.SUCCEEDED):
        return
    if state.amount != Money(payment.amount_minor, payment.currency):
        flag_mismatch(payment, state, now)
        return
    if flag_if_of_another_order(payment, state):
        return
    is_surplus = Payment.objects.counted().filter(booking=booking).exists()
    mark_succeeded(payment, state, is_surplus=is_surplus, now=now)
    if is_surplus:
        refund_in_full(payment, Refund.Reason.SURPLUS, now=now)
        return
    try:
        with transaction.atomic():
            confirm(booking.pk, now=now)
    except SlotGone as reason:
        refund_in_full(payment, Refund.Reason.NOT_CONFIRMED, note=str(reason), now=now)


def _follow(payment: Payment, state: PaymentState, now: datetime) -> None:
    """What is not paid: forward, or nothing. A declined card leaves the checkout open, with its reason; what the bank
    had taken to check, and then declined, has failed."""
    status = STATUS_OF[state.status]
    if status is PaymentStatus.OPEN and payment.status in WITH_BANK and state.failure:
        status = PaymentStatus.FAILED
    if status != payment.status and not payment.may_become(status):
        return
    before, payment.status, payment.failure = PaymentStatus(payment.status), status, state.failure
    payment.ask_at = payment.ask_next_at(now)
    payment.save(update_fields=["status", "failure", "ask_at"])
    if status in WITH_BANK:
        extend_hold(payment.booking_id, until=payment.booking.starts_at, now=now)
    if before in WITH_BANK and status not in AT_PROVIDER:
        release_hold(payment.booking_id, now=now)
    if before != status and status is PaymentStatus.FAILED:
        payment_failed.send(Payment, payment=payment, now=now)
