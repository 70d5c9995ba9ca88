"""What the payment pages of all providers have in common."""

import logging
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking, Status
from bookings.sessions import SessionView
from payments import services
from payments.gateways import gateway, gateways_for
from payments.gateways.base import GatewayError, GatewayMisconfigured
from payments.models import AT_PROVIDER, Payment, PaymentStatus
from payments.services import AlreadyPaid, BeingChecked, HoldLapsed, MentorGone, NotPayable

logger = logging.getLogger(__name__)


def redirect_after_payment(request: HttpRequest, booking: Booking, order: Payment) -> HttpResponse:
    """Where a payment that was tried leads to."""
    booking.refresh_from_db(fields=["status"])
    if booking.status == Status.SCHEDULED:
        return see_other("session_confirmation", booking)
    if order.status == PaymentStatus.OPEN and order.failure:
        return see_other("payment_failed", booking)
    if order.status in (PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED):
        return see_other("payment_return", booking)
    return see_other("payment", booking)


def not_payable(request: HttpRequest, booking: Booking, refusal: NotPayable) -> HttpResponse:
    if isinstance(refusal, AlreadyPaid):
        return see_other("session_confirmation", booking)
    if isinstance(refusal, BeingChecked):  # the session's page says so
        return see_other("session_detail", booking)
    if isinstance(refusal, HoldLapsed | MentorGone):
        template = "mentor_gone" if isinstance(refusal, MentorGone) else "lapsed"
        context = payment_context(request, booking) | {"reason": str(refusal), "so_far": _so_far(booking)}
        return render(request, f"payments/{template}.html", context, status=409)
    messages.info(request, str(refusal))
    return see_other("session_detail", booking)


def _so_far(booking: Booking) -> str:
    """What became of the student's money, for a session that can't be paid any more."""
    payments = list(booking.payments.all())
    if any(each.status == PaymentStatus.SUCCEEDED for each in payments):
        return "What you paid for it goes back to you: Payments, in the menu, shows how far it is."
    if any(_may_still_be_paid(each) for each in payments):
        return (
            "Should a payment of yours still arrive, you get the session if it can take place, "
            "and else all your money back, both by itself."
        )
    failed = next((each for each in payments if each.status == PaymentStatus.FAILED), None)
    return failed.failure if failed and failed.failure else "Nothing was charged."


def _may_still_be_paid(payment: Payment) -> bool:
    """What is over for us may be open at a provider that closes nothing."""
    if payment.status in AT_PROVIDER:
        return True
    return payment.status == PaymentStatus.EXPIRED and not gateway(payment.gateway).can_expire


def provider_unavailable(request: HttpRequest, booking: Booking, error: GatewayError) -> HttpResponse:
    level = logging.ERROR if isinstance(error, GatewayMisconfigured) else logging.WARNING
    logger.log(level, "payment not possible", extra={"session": booking.reference, "reason": str(error)})
    context = payment_context(request, booking) | {"reason": error.safe_message}
    return render(request, "payments/unavailable.html", context, status=503)


def own_booking(request: HttpRequest, reference: str) -> Booking:
    """Whoever booked pays: for the mentor and for staff there is nothing at this address."""
    return get_object_or_404(Booking.objects.with_people(), reference=reference, student=request.user.pk)


def payment_context(request: HttpRequest, booking: Booking) -> dict[str, Any]:
    session = SessionView(booking, request, timezone.now())
    choice = urlencode({"type": booking.session_type.slug, "duration": booking.duration_minutes})
    return {
        "booking": booking,
        "session": session,
        "zone": session.zone,
        "order": booking.payments.first(),
        "ways": [f"payments/_pay_with_{each.name}.html" for each in gateways_for(booking.currency)],
        "cards": services.stored_payment_methods(booking.student)
        if _methods_can_pay(booking.currency)
        else [],
        "other_times_url": f"{reverse('book', args=[booking.mentor.slug])}?{choice}",
    }


def _methods_can_pay(currency: str) -> bool:
    provider = services.payment_method_gateway()
    return provider is not None and currency in provider.currencies


def return_urls(request: HttpRequest, booking: Booking) -> services.ReturnUrls:
    success, cancel = (
        request.build_absolute_uri(reverse(name, args=[booking.reference]))
        for name in ("payment_return", "payment")
    )
    return services.ReturnUrls(success=success, cancel=cancel)


def see_other(name: str, booking: Booking) -> HttpResponse:
    """303: also after a POST the next page is fetched with GET."""
    return HttpResponseRedirect(reverse(name, args=[booking.reference]), status=303)
