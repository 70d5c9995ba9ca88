"""From a hold to a checkout at a provider: our row first, then the call under its key, then the answer."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from bookings.models import Booking, Status
from bookings.services import MENTOR_GONE, extend_hold, lock_booking
from payments.being_checked import being_checked
from payments.gateways import gateway, gateways_for
from payments.gateways.base import (
    Checkout,
    CheckoutRequest,
    CustomerNotFound,
    Gateway,
    GatewayError,
    GatewayRejected,
    IdempotencyKeyUnusable,
    Money,
)
from payments.models import Payment, PaymentStatus, RefundStatus
from payments.services.customers import customer_ref, delete_customer
from payments.services.settlement import close_checkout

logger = logging.getLogger(__name__)

# A hold outlives its checkout by so much: who pays in the last second is not too late.
GRACE = timedelta(minutes=2)
# No provider keeps a checkout open for a whole day.
LONGEST_CHECKOUT = timedelta(hours=23)


class NotPayable(Exception):
    """This session can't be paid; `str()` says why and what to do next."""


class AlreadyPaid(NotPayable):
    """Nothing is left to do: the session is confirmed."""


class HoldLapsed(NotPayable):
    """The time is free again for everybody; another one can be picked."""


class BeingChecked(NotPayable):
    """Money may be on its way already: the bank or staff have to say."""


class MentorGone(NotPayable):
    """Nobody would be there: the session can't take place."""


@dataclass(frozen=True)
class ReturnUrls:
    """Where a provider's own page leads back to."""

    success: str
    cancel: str


@dataclass(frozen=True)
class Way:
    """How somebody wants to pay: at which provider, and whether with a saved card. Another way is another checkout."""

    provider: Gateway
    by_saved_card: bool

    def is_of(self, payment: Payment) -> bool:
        by_saved_card = bool(payment.request.get("by_saved_card"))
        return payment.gateway == self.provider.name and by_saved_card == self.by_saved_card


def refuse_unpayable(booking: Booking, now: datetime) -> None:
    """Raises `NotPayable` unless that session can be paid now. `booking` comes with its people."""
    mentor = booking.mentor
    if booking.is_free:
        raise NotPayable("This session is free: there is nothing to pay.")
    if booking.status in (Status.SCHEDULED, Status.COMPLETED, Status.NO_SHOW):
        raise AlreadyPaid("This session is paid.")
    if booking.status == Status.REQUESTED and not booking.is_lapsed(now):
        raise NotPayable(
            f"{mentor.user.first_name} has not answered yet. You pay once your request is accepted."
        )
    if (paid := Payment.objects.counted().filter(booking=booking).first()) is not None:
        raise NotPayable(f"There is nothing to pay: what you paid {_what_became_of(paid)}.")
    if booking.mentor_is_gone:
        raise MentorGone(f"{MENTOR_GONE} Please don’t pay for this session.")
    if booking.status in (Status.CANCELLED, Status.DECLINED):
        raise NotPayable(f"This session was {booking.get_status_display().lower()}: there is nothing to pay.")
    if words := being_checked([booking], now).get(booking.pk):
        raise BeingChecked(words)
    if booking.starts_at <= now:
        raise NotPayable("The time of this session has passed, so it can't be paid any more.")
    if booking.status_at(now) == Status.EXPIRED:
        raise HoldLapsed(_why_lapsed(booking))


def _what_became_of(paid: Payment) -> str:
    if paid.refunded_minor == paid.amount_minor:
        return "went back to you"
    if paid.refunds.filter(status__in=[RefundStatus.REQUESTED, RefundStatus.PENDING]).exists():
        return "is on its way back to you"
    return "is accounted for on this page"


def _why_lapsed(booking: Booking) -> str:
    if not booking.hold_expires_at:
        return f"{booking.mentor.user.first_name} did not answer your request in time."
    if booking.payments.filter(status=PaymentStatus.FAILED).exists():
        return "The payment did not go through, so the time is no longer held for you."
    return "The time was held for you, but the payment did not arrive before the hold ran out."


def open_checkout(
    booking_pk: int, gateway_name: str, *, now: datetime, urls: ReturnUrls, by_saved_card: bool = False
) -> Payment:
    """The session's payment with a checkout open at that provider; the one that is open already is reused.

    Safe to repeat: a second call, also at the same moment, ends at the same checkout. An open checkout at
    another provider, or to be paid in another way, is closed first. The session's first checkout makes the
    hold last as long as it does. Calls the provider outside any transaction. Raises `NotPayable`, or a
    `GatewayError` after which the hold stands and the call may be repeated.
    """
    way = Way(gateway(gateway_name), by_saved_card)
    try:
        return _open(booking_pk, way, now=now, urls=urls)
    except (IdempotencyKeyUnusable, CustomerNotFound):
        # Known to have come to nothing, and asked in another way it may work.
        return _open(booking_pk, way, now=now, urls=urls)


def _open(booking_pk: int, way: Way, *, now: datetime, urls: ReturnUrls) -> Payment:
    provider = way.provider
    payment = _prepare(booking_pk, way, now=now, urls=urls)
    if payment.status == PaymentStatus.OPEN and not _is_reusable(payment, way, now):
        close_checkout(payment.pk, source="checkout", now=now)
        payment = _prepare(booking_pk, way, now=now, urls=urls)
    if payment.status == PaymentStatus.OPEN:
        if _is_reusable(payment, way, now):
            return payment
        raise NotPayable("You have another payment open for this session. Please finish that one.")
    try:
        checkout = provider.create_checkout(CheckoutRequest.from_json(payment.request))
    except GatewayRejected as refusal:
        if isinstance(refusal, CustomerNotFound):
            delete_customer(payment.request["customer_ref"], provider.name)
        # Final for this request: the next try is a new one, under a new key.
        asked = Payment.objects.filter(pk=payment.pk, status=PaymentStatus.CREATED, attempt=payment.attempt)
        asked.update(attempt=F("attempt") + 1, request={})
        raise
    return _record_open(payment, checkout, provider)


def _prepare(booking_pk: int, way: Way, *, now: datetime, urls: ReturnUrls) -> Payment:
    provider = way.provider
    with transaction.atomic():
        booking = lock_booking(booking_pk)
        refuse_unpayable(booking, now)
        if provider not in gateways_for(booking.currency):
            raise NotPayable(f"{provider.label} can't take payments in {booking.currency}.")
        payment = ensure_payment(booking, now)
        if payment.status == PaymentStatus.CREATED and not way.is_of(payment):
            payment.attempt += bool(payment.request)
            payment.gateway, payment.request = provider.name, {}
        if payment.status == PaymentStatus.CREATED and not payment.request:
            _write_request(payment, booking, way, now=now, urls=urls)
        return payment


def _write_request(payment: Payment, booking: Booking, way: Way, *, now: datetime, urls: ReturnUrls) -> None:
    """Both rows are locked."""
    request = _request(payment, booking, way, now=now, urls=urls)
    is_first = not booking.payments.exclude(checkout_expires_at=None).exists()
    payment.request, payment.checkout_expires_at = request.to_json(), request.expires_at
    payment.save(update_fields=["gateway", "attempt", "request", "checkout_expires_at"])
    if is_first:
        extend_hold(booking.pk, until=request.expires_at + GRACE, now=now)


def ensure_payment(booking: Booking, now: datetime) -> Payment:
    """The session's live payment, locked, and created when there is none. The caller has the booking locked."""
    live = Payment.objects.live().select_for_update(of=("self",)).filter(booking=booking).first()
    if live is None:
        live = _new_payment(booking, now)
        live.save()
    return live


def create_payment(booking: Booking, now: datetime) -> None:
    """The first payment of a session, in one statement. Safe to repeat: one that is open stays the only one."""
    Payment.objects.bulk_create([_new_payment(booking, now)], ignore_conflicts=True)


def _new_payment(booking: Booking, now: datetime) -> Payment:
    return Payment(
        booking=booking,
        mentor=booking.mentor,
        amount_minor=booking.amount_minor,
        platform_fee_minor=booking.fee_minor,
        currency=booking.currency,
        created_at=now,
    )


def _request(
    payment: Payment, booking: Booking, way: Way, *, now: datetime, urls: ReturnUrls
) -> CheckoutRequest:
    held_until = min(booking.hold_expires_at or booking.starts_at, booking.starts_at)
    return CheckoutRequest(
        ref=payment.reference,
        attempt=payment.attempt,
        amount=Money(payment.amount_minor, payment.currency),
        description=f"{booking.type_name} with {booking.mentor.user.name}",
        email=booking.student.email,
        name=booking.student.name,
        success_url=urls.success,
        cancel_url=urls.cancel,
        expires_at=max(min(held_until, now + LONGEST_CHECKOUT), now + way.provider.shortest_checkout),
        idempotency_key=payment.idempotency_key,
        metadata={"payment": payment.reference, "session": booking.reference},
        customer_ref=customer_ref(booking.student, way.provider.name),
        by_saved_card=way.by_saved_card,
    )


def _is_reusable(payment: Payment, way: Way, now: datetime) -> bool:
    open_until = payment.checkout_expires_at
    return way.is_of(payment) and open_until is not None and open_until > now


def _record_open(payment: Payment, checkout: Checkout, provider: Gateway) -> Payment:
    """Compare and set: the session may have ended, or a second click have been here, while the provider was asked."""
    attempt = payment.attempt
    asked = Payment.objects.filter(pk=payment.pk, status=PaymentStatus.CREATED, attempt=attempt)
    asked.update(
        status=PaymentStatus.OPEN,
        provider_ref=checkout.provider_ref,
        checkout_url=checkout.redirect_url or "",
        checkout_expires_at=checkout.expires_at,
        failure="",
        ask_at=F("created_at"),
    )
    payment.refresh_from_db()
    if payment.provider_ref == checkout.provider_ref:
        return payment
    # Nobody has been shown this checkout, so nobody can pay it, and it expires by itself if this fails.
    with suppress(GatewayError):
        provider.expire(checkout.provider_ref)
    if (payment.status, payment.gateway, payment.attempt) == (PaymentStatus.OPEN, provider.name, attempt):
        return payment  # to a second click a provider without idempotency keys has given another one
    logger.warning("checkout abandoned", extra={"payment": payment.reference, "status": payment.status})
    raise NotPayable("This session changed while the payment was being prepared. Please look at it again.")


def cancel_open_payments(booking: Booking) -> bool:
    """Cancel the payments of a session that no provider knows of yet. True when a checkout is still open at one.

    Those are due for the next sweep, which closes them outside the caller's transaction.
    """
    live = Payment.objects.live().filter(booking=booking)
    live.filter(status=PaymentStatus.CREATED).update(status=PaymentStatus.CANCELED)
    return bool(live.update(ask_at=F("created_at")))
