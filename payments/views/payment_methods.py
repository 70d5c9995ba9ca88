from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import current_user
from lib.ratelimit import limit_posts
from payments import services
from payments.gateways.base import GatewayError
from payments.services import PaymentMethodNotFound, ReturnUrls

UNREACHABLE = "The payment provider could not be reached. Please try again in a moment."


@never_cache
@login_required
@require_safe
def payment_methods(request: HttpRequest) -> HttpResponse:
    """The person's cards as the provider has them now; one that came since the last look is greeted."""
    if services.payment_method_gateway() is None:
        raise Http404
    user = current_user(request)
    before = services.stored_payment_methods(user)
    try:
        cards = services.refresh_payment_methods(user)
    except GatewayError:
        return render(request, "payments/methods.html", {"cards": before, "error": UNREACHABLE})
    if "added" in request.GET:
        for card in cards:
            if card not in before:
                messages.success(request, f"{card.brand} ending in {card.last_four} is saved.")
        return redirect("payment_methods")
    return render(request, "payments/methods.html", {"cards": cards})


@never_cache
@require_POST
@limit_posts("payment-methods", times=20, seconds=60)
def payment_method_add(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("payment_methods"))
    if services.payment_method_gateway() is None:
        raise Http404
    back = request.build_absolute_uri(reverse("payment_methods"))
    try:
        url = services.start_adding_payment_method(
            current_user(request),
            urls=ReturnUrls(success=f"{back}?added=1", cancel=back),
            now=timezone.now(),
        )
    except GatewayError:
        messages.error(request, UNREACHABLE)
        return HttpResponseRedirect(reverse("payment_methods"), status=303)
    return HttpResponseRedirect(url, status=303)


@never_cache
@require_POST
@limit_posts("payment-methods", times=20, seconds=60)
def payment_method_remove(request: HttpRequest, method_ref: str) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("payment_methods"))
    try:
        card = services.remove_payment_method(current_user(request), method_ref)
    except PaymentMethodNotFound:
        raise Http404 from None
    except GatewayError:
        messages.error(request, UNREACHABLE)
    else:
        messages.success(request, f"{card.brand} ending in {card.last_four} is removed.")
    return HttpResponseRedirect(reverse("payment_methods"), status=303)
