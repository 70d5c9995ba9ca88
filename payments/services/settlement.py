"""From the provider's truth to our rows: forward only, once, however often and from wherever it is asked for."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from bookings.models import Booking
from bookings.services import SlotGone, confirm, extend_hold, lock_booking, release_hold
from lib.money import format_money
from payments.gateways import gateway
from payments.gateways.base import GatewayError, Money, PaymentState, PayStatus
from payments.models import AT_PROVIDER, WITH_BANK, Payment, PaymentStatus, Refund
from payments.services.disputes import sync_disputes
from payments.services.refund_sync import flag, sync_refunds
from payments.services.refunds import NotRefundable, enqueue_refund
from payments.signals import payment_failed, payment_succeeded

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
ASK_SOONEST, ASK_LATEST = timedelta(minutes=1), timedelta(minutes=30)
# What a column of minor units holds.
MOST_MINOR = 2_147_483_647


def settle(payment_pk: int, *, source: str, now: datetime) -> Payment:
    """Bring a payment to what its provider says of it, and its session with it.

    Fetches outside any transaction, then locks people, booking, payment. Safe to repeat and to run in
    parallel: the second finds nothing to do. Money that can't confirm its session any more goes back in
    full, and so does what came in besides on the same checkout. What went back, or is disputed, at the
    provider meanwhile is written down too. Raises a `GatewayError` when the truth can't be had; nothing has
    changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if not payment.provider_ref or payment.status == PaymentStatus.SUCCEEDED:
        return payment
    state = gateway(payment.gateway).fetch(payment.provider_ref)
    return _apply(payment_pk, state, source=source, now=now)


def close_checkout(payment_pk: int, *, source: str, now: datetime) -> Payment:
    """Close a checkout at its provider; whoever paid faster has paid. Otherwise as `settle`.

    What can't be closed there is over for us; money that comes of it later is late money.
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
        booking, payment = lock(payment_pk)
        before = payment.status
        if STATUS_OF[state.status] is PaymentStatus.SUCCEEDED:
            _take_money(payment, booking, state, now)
        else:
            _move_on(payment, state, now)
        payment.refresh_from_db()
        besides = _take_besides(payment, state, now)
    if payment.status != before:
        logger.info(
            "payment", extra={"payment": payment.reference, "status": payment.status, "source": source}
        )
        if payment.status == PaymentStatus.SUCCEEDED:
            _look_further(payment, state, now)
    for surplus, its_state in besides:
        _look_further(surplus, its_state, now)
    return payment


def record_second_payments(
    payment_pk: int, state: PaymentState | None = None, *, now: datetime
) -> list[Payment]:
    """Write down, and give back in full, what came in on a paid checkout besides the payment that paid it.

    `state` is the provider's answer, which is asked for otherwise. Returns the new rows: a second call finds
    none. Raises a `GatewayError`; nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    if not payment.provider_ref or payment.status != PaymentStatus.SUCCEEDED:
        return []
    state = state or gateway(payment.gateway).fetch(payment.provider_ref)
    with transaction.atomic():
        _, payment = lock(payment_pk)
        besides = _take_besides(payment, state, now)
    for surplus, its_state in besides:
        _look_further(surplus, its_state, now)
    return [surplus for surplus, _ in besides]


def _take_besides(payment: Payment, state: PaymentState, now: datetime) -> list[tuple[Payment, PaymentState]]:
    """People, booking and payment are locked."""
    if payment.status != PaymentStatus.SUCCEEDED:
        return []
    known = set(
        Payment.objects.filter(
            gateway=payment.gateway, payment_id__in=[each.payment_id for each in state.received]
        ).values_list("payment_id", flat=True)
    )
    found = []
    for each in state.received:
        if not each.payment_id or each.payment_id in known:
            continue
        if each.amount and _fits(each.amount):
            found.append((_write_surplus(payment, each, each.amount, now), each))
        else:
            flag(payment, f"{each.payment_id} came in besides, and can be given back at the provider only.")
    return found


def _write_surplus(payment: Payment, state: PaymentState, amount: Money, now: datetime) -> Payment:
    surplus = Payment(
        booking=payment.booking,
        status=PaymentStatus.SUCCEEDED,
        amount_minor=amount.minor,
        platform_fee_minor=0,
        currency=amount.currency,
        gateway=payment.gateway,
        payment_id=state.payment_id,
        same_checkout_as=payment,
        is_surplus=True,
        created_at=now,
        succeeded_at=now,
    )
    record_provider_fee(surplus, state)
    surplus.save()
    flag(surplus, f"{state.payment_id} came in on {payment.reference}, which was paid. All of it goes back.")
    logger.error("paid twice", extra={"payment": surplus.reference, "beside": payment.reference})
    payment_succeeded.send(Payment, payment=surplus, now=now)
    _give_back(surplus, Refund.Reason.SURPLUS, "", now)
    surplus.refresh_from_db()
    return surplus


def record_provider_fee(payment: Payment, state: PaymentState) -> None:
    if state.fee and _fits(state.fee):
        payment.provider_fee_minor, payment.provider_fee_currency = state.fee.minor, state.fee.currency


def _fits(money: Money) -> bool:
    """Whether our columns can hold it: providers know currencies, and amounts, that we have no room for."""
    return 0 <= money.minor <= MOST_MINOR and len(money.currency) == 3


def _look_further(payment: Payment, state: PaymentState, now: datetime) -> None:
    """Told late, it may have gone back already. What can't be had now is found by the event or the reconciliation."""
    try:
        if state.refunded and state.refunded.minor:
            sync_refunds(payment.pk, now=now)
        if state.disputed:
            sync_disputes(payment.pk, now=now)
    except GatewayError as error:
        logger.warning("payment followed later", extra={"payment": payment.reference, "reason": str(error)})
    payment.refresh_from_db()


def lock(payment_pk: int) -> tuple[Booking, Payment]:
    """Lock in the order of the house: people, booking, payment."""
    booking = lock_booking(Payment.objects.values_list("booking_id", flat=True).get(pk=payment_pk))
    return booking, Payment.objects.select_for_update(of=("self",)).get(pk=payment_pk)


def _take_money(payment: Payment, booking: Booking, state: PaymentState, now: datetime) -> None:
    if not payment.may_become(PaymentStatus.SUCCEEDED):
        return
    asked = Money(payment.amount_minor, payment.currency)
    if state.amount != asked:
        _flag_mismatch(payment, state, asked, now)
        return
    if _is_another(payment, state):
        return
    payment.is_surplus = Payment.objects.counted().filter(booking=booking).exists()
    payment.status = PaymentStatus.SUCCEEDED
    payment.payment_id, payment.failure, payment.succeeded_at = state.payment_id, "", now
    payment.ask_at = None
    record_provider_fee(payment, state)
    payment.save(
        update_fields=[
            *("is_surplus", "status", "payment_id", "failure", "succeeded_at", "ask_at"),
            *("provider_fee_minor", "provider_fee_currency"),
        ]
    )
    payment_succeeded.send(Payment, payment=payment, now=now)
    if payment.is_surplus:
        _give_back(payment, Refund.Reason.SURPLUS, "", now)
        return
    try:
        with transaction.atomic():
            confirm(booking.pk, now=now)
    except SlotGone as reason:
        _give_back(payment, Refund.Reason.NOT_CONFIRMED, str(reason), now)


def _give_back(payment: Payment, reason: Refund.Reason, note: str, now: datetime) -> None:
    """All of it, by itself. The key says what for, so it happens once."""
    enqueue_refund(
        payment.pk,
        amount_minor=payment.amount_minor,
        reason=reason,
        note=note,
        key=f"refund-{payment.reference}-{reason.value}",
        now=now,
    )


def _flag_mismatch(payment: Payment, state: PaymentState, asked: Money, now: datetime) -> None:
    """Money came in that is not what was asked for: nothing is confirmed, and staff decide. The time is kept for as
    long as they can, until the session's start."""
    came = f"{state.amount.minor} {state.amount.currency}" if state.amount else "an unknown amount"
    reason = f"Asked for {asked.minor} {asked.currency} (minor units), the provider reports {came}."
    if payment.review_reason == reason or _is_another(payment, state):
        return
    payment.payment_id = state.payment_id
    payment.save(update_fields=["payment_id"])
    flag(payment, reason)
    logger.error("payment mismatch", extra={"payment": payment.reference, "reason": reason})
    extend_hold(payment.booking_id, until=payment.booking.starts_at, now=now)


def refund_mismatched_payment(payment_pk: int, *, now: datetime) -> Payment:
    """What came in is not what was asked for: write it down as it is, for no session, and send all of it back.

    The time is no longer kept. Raises `NotRefundable` when nothing of that kind came in, or a `GatewayError`;
    nothing has changed then.
    """
    payment = Payment.objects.get(pk=payment_pk)
    state = gateway(payment.gateway).fetch(payment.provider_ref)
    with transaction.atomic():
        booking, payment = lock(payment_pk)
        asked = Money(payment.amount_minor, payment.currency)
        came = state.amount if state.status is PayStatus.PAID else None
        if came is None or came == asked or not payment.may_become(PaymentStatus.SUCCEEDED):
            raise NotRefundable("No other amount than was asked for has come in.")
        if not _fits(came) or _has_another(payment, state):
            raise NotRefundable("This can be given back at the provider only.")
        payment.amount_minor, payment.currency, payment.platform_fee_minor = came.minor, came.currency, 0
        payment.status, payment.succeeded_at, payment.is_surplus = PaymentStatus.SUCCEEDED, now, True
        payment.payment_id, payment.ask_at, payment.needs_review = state.payment_id, None, False
        payment.save()
        agreed = format_money(asked.minor, asked.currency)
        _give_back(payment, Refund.Reason.NOT_CONFIRMED, f"It was not the {agreed} that was agreed.", now)
        if not Payment.objects.live().filter(booking=booking).exists():
            release_hold(booking.pk, now=now)
        payment.refresh_from_db()
    return payment


def refund_undecided_mismatch(payment_pk: int, *, now: datetime) -> Payment:
    """`refund_mismatched_payment` for what staff have not decided on before its session ended: nobody waits any more.

    What can't go back by itself stays with staff, and is looked at again later. Raises a `GatewayError`.
    """
    try:
        return refund_mismatched_payment(payment_pk, now=now)
    except NotRefundable as reason:
        Payment.objects.filter(pk=payment_pk).update(ask_at=now + ASK_LATEST)
        logger.warning("payment not given back", extra={"payment": payment_pk, "reason": str(reason)})
    return Payment.objects.get(pk=payment_pk)


def _has_another(payment: Payment, state: PaymentState) -> Payment | None:
    """The order that has the payment which the provider names, when it is not this one."""
    others = Payment.objects.filter(gateway=payment.gateway, payment_id=state.payment_id).exclude(
        payment_id=""
    )
    return others.exclude(pk=payment.pk).first()


def _is_another(payment: Payment, state: PaymentState) -> bool:
    """Whether the provider names a payment that another order has: one payment pays once."""
    other = _has_another(payment, state)
    if other is None:
        return False
    reason = f"The provider reports payment {state.payment_id}, which is {other.reference}'s."[:300]
    if payment.review_reason != reason:
        flag(payment, reason)
        logger.error("payment mismatch", extra={"payment": payment.reference, "reason": reason})
    return True


def _move_on(payment: Payment, state: PaymentState, now: datetime) -> None:
    """What is not paid: forward, or nothing. A declined card leaves the checkout open, with its reason; what the bank
    had taken to check, and then declined, has failed."""
    status = STATUS_OF[state.status]
    if status is PaymentStatus.OPEN and payment.status in WITH_BANK and state.failure:
        status = PaymentStatus.FAILED
    if status != payment.status and not payment.may_become(status):
        return
    before, payment.status, payment.failure = PaymentStatus(payment.status), status, state.failure
    payment.ask_at = _ask_next(payment, now)
    payment.save(update_fields=["status", "failure", "ask_at"])
    if status in WITH_BANK:
        extend_hold(payment.booking_id, until=payment.booking.starts_at, now=now)
    if before in WITH_BANK and status not in AT_PROVIDER:
        release_hold(payment.booking_id, now=now)
    if before != status and status is PaymentStatus.FAILED:
        payment_failed.send(Payment, payment=payment, now=now)


def _ask_next(payment: Payment, now: datetime) -> datetime | None:
    """The longer it takes, the less often: a card is quick, a bank takes days."""
    if payment.status not in AT_PROVIDER:
        return None
    return now + min(max((now - payment.created_at) / 10, ASK_SOONEST), ASK_LATEST)


def mark_reviewed(payment_pk: int, *, actor: User, now: datetime) -> bool:
    """Staff have looked at it. The reason stays as history; False when there was nothing to review."""
    flagged = Payment.objects.filter(pk=payment_pk, needs_review=True)
    return bool(flagged.update(needs_review=False, reviewed_at=now, reviewed_by=actor))
