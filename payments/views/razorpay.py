"""Razorpay's widget on a page of its own, and what comes back from it."""

import logging
import re
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from bookings.models import Booking
from lib.ratelimit import limit_posts
from payments import services
from payments.gateways import gateway, gateways_for
from payments.gateways.base import GatewayError, InvalidSignature, Money
from payments.gateways.razorpay import RazorpayGateway
from payments.models import Payment, PaymentQuerySet, PaymentStatus
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

logger = logging.getLogger(__name__)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@limit_posts("payment", times=30, seconds=60)
def payment_razorpay(request: HttpRequest, reference: str) -> HttpResponse:
    """A POST opens the order and leads here again; a GET shows the widget for as long as the time is held."""
    booking = own_booking(request, reference)
    now = timezone.now()
    try:
        if request.method == "POST":
            return _open(request, booking)
        services.refuse_unpayable(booking, now)
    except NotPayable as refusal:
        return not_payable(request, booking, refusal)
    except GatewayError as error:
        return provider_unavailable(request, booking, error)
    order = _orders(booking).at_provider().filter(checkout_expires_at__gt=now).first()
    return _widget(request, booking, order) if order else see_other("payment", booking)


def _open(request: HttpRequest, booking: Booking) -> HttpResponse:
    if "razorpay" not in [each.name for each in gateways_for(booking.currency)]:
        raise Http404
    services.open_checkout(booking.pk, "razorpay", now=timezone.now(), urls=return_urls(request, booking))
    return see_other("payment_razorpay", booking)


def _widget(request: HttpRequest, booking: Booking, order: Payment) -> HttpResponse:
    options = _options(booking, order)
    hosted = {
        **_flat({name: value for name, value in options.items() if name not in ("key", "timeout")}),
        "key_id": options["key"],
        "callback_url": request.build_absolute_uri(
            reverse("payment_razorpay_return", args=[booking.reference])
        ),
        "cancel_url": request.build_absolute_uri(reverse("payment", args=[booking.reference])),
    }
    context = payment_context(request, booking) | {
        "checkout_js": settings.RAZORPAY_CHECKOUT_JS,
        "options": options,
        "hosted_url": f"{settings.RAZORPAY_API_BASE}/v1/checkout/embedded",
        "hosted": hosted,
    }
    response = render(request, "payments/razorpay.html", context)
    csp_update(_policy())(lambda _: response)(request)
    # Banks open windows of their own and speak with the one that opened them.
    response["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    # Razorpay takes payments from registered sites only, and knows a site by its origin.
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return response


def _options(booking: Booking, order: Payment) -> dict[str, Any]:
    """https://razorpay.com/docs/payments/payment-gateway/web-integration/standard/integration-steps/"""
    student = booking.student
    prefill = {"name": student.name, "email": student.email, "contact": student.phone}
    left = (order.checkout_expires_at or booking.starts_at) - timezone.now()
    return {
        **RazorpayGateway().client_options(order.provider_ref, Money(order.amount_minor, order.currency)),
        "name": settings.SITE_NAME,
        # It has to start with a letter or a digit.
        "description": re.sub(r"^[^0-9A-Za-z]+", "", order.request["description"]) or order.reference,
        "prefill": {name: value for name, value in prefill.items() if value},
        "notes": order.request["metadata"],
        "timeout": max(1, int(left.total_seconds())),
    }


def _flat(options: dict[str, Any]) -> dict[str, Any]:
    """`prefill[name]`, as in a posted form."""
    return {
        f"{name}[{part}]" if part else name: inner
        for name, value in options.items()
        for part, inner in (value.items() if isinstance(value, dict) else [("", value)])
    }


def _policy() -> dict[str, Any]:
    """What the widget loads and speaks to, in Razorpay's own words:
    https://github.com/razorpay/razorpay-magento/blob/master/etc/csp_whitelist.xml. It styles itself in the page."""
    script, api = urlsplit(settings.RAZORPAY_CHECKOUT_JS), settings.RAZORPAY_API_BASE
    checkout = f"{script.scheme}://{script.netloc}"
    return {
        "script-src": [checkout, "https://cdn.razorpay.com"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["https://cdn.razorpay.com"],
        "frame-src": [api, checkout],
        "connect-src": [
            api,
            checkout,
            "https://lumberjack.razorpay.com",
            "https://lumberjack-metrics.razorpay.com",
        ],
        "form-action": [api],
    }


@csrf_exempt
@never_cache
@require_POST
@limit_posts("payment-return", times=60, seconds=60)
def payment_razorpay_return(request: HttpRequest, reference: str) -> HttpResponse:
    """What the widget, or Razorpay's own page, says in the end.

    From Razorpay's page it is a post of another site, without cookies: the signature is the only witness. A failure
    is not signed. Neither is believed more than that it is time to ask.
    """
    booking = _returning(request, reference)
    order = _named(request, booking)
    try:
        if "error[code]" not in request.POST:
            gateway("razorpay").verify_return(order.provider_ref, request.POST.dict())
        order = services.settle(order.pk, source="return", now=timezone.now())
    except InvalidSignature as error:
        logger.warning("return refused", extra={"payment": order.reference, "reason": str(error)})
        return render(request, "400.html", status=400)
    except GatewayError as error:
        logger.warning("return not settled", extra={"payment": order.reference, "reason": str(error)})
        return see_other("payment_return", booking)
    if order.status in (PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED):
        return see_other("payment_return", booking)
    return redirect_after_payment(request, booking, order)


def _returning(request: HttpRequest, reference: str) -> Booking:
    bookings = Booking.objects.with_people()
    if request.user.is_authenticated:
        bookings = bookings.filter(student=request.user.pk)
    return get_object_or_404(bookings, reference=reference)


def _named(request: HttpRequest, booking: Booking) -> Payment:
    """The order that is spoken of, if it is one of this session's; else its last one."""
    orders = list(_orders(booking))
    if not orders:
        raise Http404
    named = request.POST.get("razorpay_order_id")
    return next((each for each in orders if each.provider_ref == named), orders[0])


def _orders(booking: Booking) -> PaymentQuerySet:
    return Payment.objects.filter(booking=booking, gateway="razorpay").exclude(provider_ref="")
