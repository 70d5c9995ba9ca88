from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.ratelimit import limit_posts
from bookings.models import Booking, Status
from bookings.sessions import SessionView
from payments import services
from payments.forms import MockForm
from payments.gateways import gateways_for, mock
from payments.gateways.base import GatewayError
from payments.models import Payment, PaymentStatus
from payments.services import AlreadyPaid, HoldLapsed, NotPayable


@never_cache
@login_required
@require_safe
def payment(request: HttpRequest, reference: str) -> HttpResponse:
    """The order and the ways to pay it, while the time is held."""
    return _payment_page(request, _own(request, reference))


@never_cache
@login_required
@require_safe
def payment_failed(request: HttpRequest, reference: str) -> HttpResponse:
    """Only reads the state: without a failure on record there is nothing to show here."""
    booking = _own(request, reference)
    try:
        services.refuse_unpayable(booking, timezone.now())
    except NotPayable as refusal:
        return _refused(request, booking, refusal)
    context = _context(request, booking)
    order = context["order"]
    if order is None or not order.failure:
        return _see("payment", booking)
    return render(request, "payments/failed.html", context)


@never_cache
@require_POST
@limit_posts("payment", times=30, seconds=60)
def payment_mock(request: HttpRequest, reference: str) -> HttpResponse:
    """What a payer does at a real provider: pay, or be refused."""
    if not request.user.is_authenticated:
        # This address takes no GET, so signing in leads back to the page with the buttons.
        return redirect_to_login(reverse("payment", args=[reference]))
    booking = _own(request, reference)
    if "mock" not in [each.name for each in gateways_for(booking.currency)]:
        raise Http404
    form = MockForm(request.POST)
    if not form.is_valid():
        return _payment_page(request, booking, error="Please choose one of the two outcomes.", status=422)
    try:
        order = services.open_checkout(
            booking.pk, "mock", now=timezone.now(), urls=_return_urls(request, booking)
        )
        mock.simulate(order.provider_ref, form.cleaned_data["outcome"])
        order = services.settle(order.pk, source="page", now=timezone.now())
    except NotPayable as refusal:
        return _refused(request, booking, refusal)
    except GatewayError as error:
        return _unavailable(request, booking, error)
    return _after(request, booking, order)


def _after(request: HttpRequest, booking: Booking, order: Payment) -> HttpResponse:
    """Where a payment that was tried leads to."""
    booking.refresh_from_db(fields=["status"])
    if booking.status == Status.SCHEDULED:
        return _see("session_confirmation", booking)
    if order.status == PaymentStatus.OPEN and order.failure:
        return _see("payment_failed", booking)
    return _see("payment", booking)


def _payment_page(
    request: HttpRequest, booking: Booking, *, error: str = "", status: int = 200
) -> HttpResponse:
    try:
        services.refuse_unpayable(booking, timezone.now())
    except NotPayable as refusal:
        return _refused(request, booking, refusal)
    return render(
        request, "payments/payment.html", _context(request, booking) | {"error": error}, status=status
    )


def _refused(request: HttpRequest, booking: Booking, refusal: NotPayable) -> HttpResponse:
    if isinstance(refusal, AlreadyPaid):
        return _see("session_confirmation", booking)
    if isinstance(refusal, HoldLapsed):
        context = _context(request, booking) | {"reason": str(refusal)}
        return render(request, "payments/lapsed.html", context, status=409)
    messages.info(request, str(refusal))
    return _see("session_detail", booking)


def _unavailable(request: HttpRequest, booking: Booking, error: GatewayError) -> HttpResponse:
    context = _context(request, booking) | {"reason": error.safe_message}
    return render(request, "payments/unavailable.html", context, status=503)


def _own(request: HttpRequest, reference: str) -> Booking:
    """Whoever booked pays: for the mentor and for staff there is nothing at this address."""
    return get_object_or_404(Booking.objects.with_people(), reference=reference, student=request.user.pk)


def _context(request: HttpRequest, booking: Booking) -> dict[str, Any]:
    session = SessionView(booking, request, timezone.now())
    choice = urlencode({"type": booking.session_type.slug, "duration": booking.duration_minutes})
    return {
        "booking": booking,
        "session": session,
        "zone": session.zone,
        "order": booking.payments.first(),
        "ways": [f"payments/_pay_with_{each.name}.html" for each in gateways_for(booking.currency)],
        "other_times_url": f"{reverse('book', args=[booking.mentor.slug])}?{choice}",
    }


def _return_urls(request: HttpRequest, booking: Booking) -> services.ReturnUrls:
    success, cancel = (
        request.build_absolute_uri(reverse(name, args=[booking.reference]))
        for name in ("session_confirmation", "payment")
    )
    return services.ReturnUrls(success=success, cancel=cancel)


def _see(name: str, booking: Booking) -> HttpResponse:
    """303: also after a POST the next page is fetched with GET."""
    return HttpResponseRedirect(reverse(name, args=[booking.reference]), status=303)
