"""Back from a provider's page: the provider is asked, and until it knows, so is whoever waits here."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import asks_for_part, go_to
from bookings.models import Booking
from payments import services
from payments.gateways import gateway
from payments.gateways.base import GatewayError, InvalidSignature
from payments.models import Payment, PaymentStatus
from payments.views.common import own_booking, payment_context, redirect_after_payment

logger = logging.getLogger(__name__)

UNFINISHED = (
    "You came back before the payment was finished, perhaps before your bank had agreed to it, "
    "so nothing is paid yet. The time is still held for you: you can try again."
)
# What providers call the checkout in the address that they lead back to.
NAMES = ("session_id", "payment_intent")


@never_cache
@login_required
@require_safe
def payment_return(request: HttpRequest, reference: str) -> HttpResponse:
    """The address is believed nothing: it says which payment to ask about, and only the provider says how it stands."""
    booking = own_booking(request, reference)
    order = _named(request, booking)
    try:
        if (provider := gateway(order.gateway)).hosted:  # else nothing of theirs is in the address
            provider.verify_return(order.provider_ref, request.GET.dict())
        order = services.settle(order.pk, source="return", now=timezone.now())
    except InvalidSignature:
        raise Http404 from None
    except GatewayError as error:
        logger.warning("return not settled", extra={"payment": order.reference, "reason": str(error)})
        return _checking(request, booking)
    if order.status in (PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED):
        return _checking(request, booking)
    if _is_unfinished(booking, order):
        messages.info(request, UNFINISHED)
    response = redirect_after_payment(request, booking, order)
    return go_to(response["Location"]) if asks_for_part(request) else response


def _is_unfinished(booking: Booking, order: Payment) -> bool:
    """Neither paid nor refused, as when somebody left their bank's page, and still to be paid."""
    booking.refresh_from_db()
    is_open = order.status == PaymentStatus.OPEN and not order.failure and not order.needs_review
    return is_open and booking.payable_at(timezone.now())


def _named(request: HttpRequest, booking: Booking) -> Payment:
    orders = Payment.objects.filter(booking=booking).exclude(provider_ref="")
    named = next((request.GET[name] for name in NAMES if name in request.GET), None)
    order = (orders if named is None else orders.filter(provider_ref=named)).first()
    if order is None:
        raise Http404
    return order


def _checking(request: HttpRequest, booking: Booking) -> HttpResponse:
    return render(request, "payments/checking.html", payment_context(request, booking))
