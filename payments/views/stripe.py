"""Stripe's hosted page, and a card that Stripe keeps: each a form that leads away and back."""

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from lib.ratelimit import limit_posts
from payments import services
from payments.gateways import gateways_for
from payments.gateways.base import GatewayError
from payments.services import NotPayable, PaymentMethodNotFound
from payments.views.common import (
    not_payable,
    own_booking,
    provider_unavailable,
    redirect_after_payment,
    return_urls,
)
from payments.views.paying import payment_page


@never_cache
@require_POST
@limit_posts("payment", times=30, seconds=60)
def payment_stripe(request: HttpRequest, reference: str) -> HttpResponse:
    """Open the session's checkout, or take it up again, and lead to its page."""
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("payment", args=[reference]))
    booking = own_booking(request, reference)
    if "stripe" not in [each.name for each in gateways_for(booking.currency)]:
        raise Http404
    try:
        order = services.open_checkout(
            booking.pk, "stripe", now=timezone.now(), urls=return_urls(request, booking)
        )
    except NotPayable as refusal:
        return not_payable(request, booking, refusal)
    except GatewayError as error:
        return provider_unavailable(request, booking, error)
    return HttpResponseRedirect(order.checkout_url, status=303)


@never_cache
@require_POST
@limit_posts("payment", times=30, seconds=60)
def payment_saved_card(request: HttpRequest, reference: str) -> HttpResponse:
    """Pay with a card from the list, by way of its bank's page when that asks for it."""
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("payment", args=[reference]))
    booking = own_booking(request, reference)
    try:
        paid = services.pay_with_saved_card(
            booking, request.POST.get("card", ""), urls=return_urls(request, booking), now=timezone.now()
        )
    except PaymentMethodNotFound:
        words = "This card is not there any more. Please choose another way to pay."
        return payment_page(request, booking, error=words, status=422)
    except NotPayable as refusal:
        return not_payable(request, booking, refusal)
    except GatewayError as error:
        return provider_unavailable(request, booking, error)
    if paid.redirect_url:
        return HttpResponseRedirect(paid.redirect_url, status=303)
    return redirect_after_payment(request, booking, paid.payment)
