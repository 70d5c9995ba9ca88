from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bookings.models import Booking
from lib.ratelimit import limit_posts
from payments import services
from payments.forms import MockForm
from payments.gateways import gateways_for, mock
from payments.gateways.base import GatewayError
from payments.services import NotPayable
from payments.views.common import (
    not_payable,
    own_booking,
    payment_context,
    provider_unavailable,
    redirect_after_payment,
    return_urls,
    see_other,
)


@never_cache
@login_required
@require_safe
def payment(request: HttpRequest, reference: str) -> HttpResponse:
    """The order and the ways to pay it, while the time is held."""
    return payment_page(request, own_booking(request, reference))


@never_cache
@login_required
@require_safe
def payment_failed(request: HttpRequest, reference: str) -> HttpResponse:
    """Only reads the state: without a failure on record there is nothing to show here."""
    booking = own_booking(request, reference)
    try:
        services.refuse_unpayable(booking, timezone.now())
    except NotPayable as refusal:
        return not_payable(request, booking, refusal)
    context = payment_context(request, booking)
    order = context["order"]
    if order is None or not order.failure:
        return see_other("payment", booking)
    return render(request, "payments/failed.html", context)


@never_cache
@require_POST
@limit_posts("payment", times=30, seconds=60)
def payment_mock(request: HttpRequest, reference: str) -> HttpResponse:
    """What a payer does at a real provider: pay, or be refused."""
    if not request.user.is_authenticated:
        # This address takes no GET, so signing in leads back to the page with the buttons.
        return redirect_to_login(reverse("payment", args=[reference]))
    booking = own_booking(request, reference)
    if "mock" not in [each.name for each in gateways_for(booking.currency)]:
        raise Http404
    form = MockForm(request.POST)
    if not form.is_valid():
        return payment_page(request, booking, error="Please choose one of the two outcomes.", status=422)
    try:
        order = services.open_checkout(
            booking.pk, "mock", now=timezone.now(), urls=return_urls(request, booking)
        )
        mock.simulate(order.provider_ref, form.cleaned_data["outcome"])
        order = services.settle(order.pk, source="page", now=timezone.now())
    except NotPayable as refusal:
        return not_payable(request, booking, refusal)
    except GatewayError as error:
        return provider_unavailable(request, booking, error)
    return redirect_after_payment(request, booking, order)


def payment_page(
    request: HttpRequest, booking: Booking, *, error: str = "", status: int = 200
) -> HttpResponse:
    try:
        services.refuse_unpayable(booking, timezone.now())
    except NotPayable as refusal:
        return not_payable(request, booking, refusal)
    return render(
        request, "payments/payment.html", payment_context(request, booking) | {"error": error}, status=status
    )
