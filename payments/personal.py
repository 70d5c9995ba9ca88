"""What payments know of a person: to take away, and what closing the account means here."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.closing import Meaning
from accounts.export import Part
from accounts.models import User
from lib.money import format_money
from mentors.models import Mentor
from payments.models import Payment, PaymentStatus, Payout, ProviderCustomer, Refund
from payments.reports.earnings import Earning, earnings_of, make_earnings, totals_of
from payments.reports.receipts import receipt_number
from payments.services.closed_accounts import KEEP_PAYEE


def closing_means(user: User, now: datetime) -> Meaning:
    owed = [
        format_money(each.pending + each.available, each.currency)
        for each in totals_of(user, now)
        if each.pending + each.available > 0
    ]
    if not owed:
        return Meaning()
    words = (
        f"You have earned {' and '.join(owed)} that is not paid out yet. It will be: for that alone our staff "
        f"keep your name and e-mail address, until {KEEP_PAYEE.days} days after the last of it is paid."
    )
    return Meaning(effects=[words])


def collect(user: User) -> Part:
    payments = Payment.objects.filter(booking__student=user).select_related("booking")
    cards = ProviderCustomer.objects.filter(user=user).values_list("cards", flat=True)
    data: dict[str, Any] = {
        "payments": [_payment(each) for each in payments.prefetch_related("refunds").order_by("pk")],
        # By what a payer knows a card; its number is the provider's alone.
        "saved_cards": [
            {name: card[name] for name in ("brand", "last_four", "expires_month", "expires_year")}
            for found in cards
            for card in found
        ],
    }
    if mentor := Mentor.objects.filter(user=user).first():
        now = timezone.now()
        data["earnings"] = [_earning(each) for each in make_earnings(earnings_of(mentor, now), now)]
        data["payouts"] = [_payout(each) for each in mentor.payouts.order_by("pk")]
    return Part(data)


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "order": payment.reference,
        "session": payment.booking.reference,
        "amount": _money(payment.amount_minor, payment.currency),
        "of_which_platform_fee": _money(payment.platform_fee_minor, payment.currency),
        "status": payment.get_status_display(),
        "paid_twice": payment.is_surplus,
        "provider": payment.gateway,
        "payment_at_provider": payment.payment_id,
        "receipt": receipt_number(payment) if payment.status == PaymentStatus.SUCCEEDED else "",
        "asked_at": payment.created_at,
        "paid_at": payment.succeeded_at,
        "refunds": [_refund(each, payment.currency) for each in payment.refunds.all()],
    }


def _refund(refund: Refund, currency: str) -> dict[str, Any]:
    return {
        "refund": refund.reference,
        "amount": _money(refund.amount_minor, currency),
        "reason": refund.get_reason_display(),
        "status": refund.get_status_display(),
        "asked_at": refund.created_at,
        "refunded_at": refund.succeeded_at,
    }


def _earning(earning: Earning) -> dict[str, Any]:
    currency = earning.payment.currency
    return {
        "session": earning.payment.booking.reference,
        "share": _money(earning.share, currency),
        "paid_out": _money(earning.paid, currency),
        "state": earning.state.value,
    }


def _payout(payout: Payout) -> dict[str, Any]:
    return {
        "payout": payout.reference,
        "amount": _money(payout.amount_minor, payout.currency),
        "bank_transfer": payout.transfer_reference,
        "recorded_at": payout.recorded_at,
        "came_back_at": payout.returned_at,
    }


def _money(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "currency": currency, "words": format_money(minor, currency, full=True)}
