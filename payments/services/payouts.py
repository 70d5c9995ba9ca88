"""Payouts to mentors: staff move the money at their bank and record here that they did."""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Subquery

from accounts.models import User
from bookings.services import lock_people
from lib.money import format_money
from mentors.models import Mentor
from payments.models import Payment, Payout, PayoutLine
from payments.reports.earnings import Earning, available_earnings
from payments.signals import payout_recorded

logger = logging.getLogger(__name__)


class PayoutRefused(Exception):
    """Nothing was recorded; `str()` says why."""


class AmountChanged(PayoutRefused):
    """What can be paid out is not what staff saw and sent: somebody recorded a payout, or money went back."""


def record_payout(
    *,
    mentor: Mentor,
    currency: str,
    amount_minor: int | None,
    transfer_reference: str,
    actor: User,
    now: datetime,
) -> Payout:
    """Write down that all that this mentor can be paid in this currency was sent to them.

    Locks the mentor's person. The amount is what was sent, None when nobody can tell: unless it is what is
    available at this moment, `AmountChanged` is raised. Each share goes into one payout at most, and what
    has to come back since it was paid out is a line below nothing. Raises `PayoutRefused`.
    """
    try:
        with transaction.atomic():
            lock_people([mentor.user_id])
            return _record(mentor, currency, amount_minor, transfer_reference, actor, now)
    except IntegrityError:
        raise AmountChanged("Somebody else has just recorded a payout to this mentor.") from None


def _record(
    mentor: Mentor,
    currency: str,
    amount_minor: int | None,
    transfer_reference: str,
    actor: User,
    now: datetime,
) -> Payout:
    if mentor.payouts.filter(transfer_reference=transfer_reference).exists():
        raise PayoutRefused("A payout to this mentor with this reference is recorded already.")
    due = available_earnings(mentor, currency, now)
    available = sum(each.available for each in due)
    if available != amount_minor:
        is_now = format_money(available, currency, full=True)
        was = (
            "" if amount_minor is None else f"it was {format_money(amount_minor, currency, full=True)}, and "
        )
        raise AmountChanged(
            f"What can be paid out has changed meanwhile: {was}it is now {is_now}. Please look again."
        )
    if available <= 0:
        raise PayoutRefused("Nothing can be paid out at the moment.")
    payout = Payout.objects.create(
        mentor=mentor,
        currency=currency,
        amount_minor=available,
        transfer_reference=transfer_reference,
        recorded_at=now,
        recorded_by=actor,
    )
    PayoutLine.objects.bulk_create(_line(payout, each) for each in due)
    _add_to_paid_out(payout, 1)
    payout_recorded.send(Payout, payout=payout, now=now)
    logger.info("payout recorded", extra={"payout": payout.reference, "shares": len(due)})
    return payout


def _add_to_paid_out(payout: Payout, sign: int) -> None:
    """Note what the payout's lines add to what was paid for each payment, or take from it."""
    line = payout.lines.filter(payment=OuterRef("pk")).order_by().values("amount_minor")
    payments = Payment.objects.filter(pk__in=payout.lines.order_by().values("payment"))
    payments.update(paid_out_minor=F("paid_out_minor") + Subquery(line) * sign)


def _line(payout: Payout, earning: Earning) -> PayoutLine:
    is_correction = earning.has_share_paid or earning.available < 0
    kind = PayoutLine.Kind.CORRECTION if is_correction else PayoutLine.Kind.SHARE
    return PayoutLine(payout=payout, payment=earning.payment, kind=kind, amount_minor=earning.available)


def return_payout(payout_pk: int, *, actor: User, now: datetime) -> Payout:
    """The bank sent the transfer back: what it paid is owed again. A second call changes nothing."""
    with transaction.atomic():
        lock_people([Payout.objects.values_list("mentor__user_id", flat=True).get(pk=payout_pk)])
        payout = Payout.objects.select_for_update(of=("self",)).get(pk=payout_pk)
        if payout.returned_at is None:
            payout.returned_at, payout.returned_by = now, actor
            payout.save(update_fields=["returned_at", "returned_by"])
            payout.lines.update(is_returned=True)
            _add_to_paid_out(payout, -1)
            logger.warning("payout returned", extra={"payout": payout.reference})
        return payout
