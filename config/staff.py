"""Who gets into the admin, its front page, and finding something there."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import current_user, viewer
from bookings.models import Booking
from config.attention import needs_attention
from payments.models import Payment, Payout, Refund


def may_enter(request: HttpRequest) -> bool:
    person = viewer(request)
    return person is not None and person.may_act_as_staff


def set_up_two_steps(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Where the admin sends staff whom it does not let in: they lack the second step. Others never come here."""
    if may_enter(request):
        return redirect("admin:index")
    messages.warning(
        request, "Staff sign in in two steps here. Set it up with an app on your phone; then the admin opens."
    )
    return redirect("mfa_activate_totp")


def front_page(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
    """Django's own, which begins with what needs attention."""
    context = {"attention": needs_attention(current_user(request), timezone.now())}
    return AdminSite.index(admin.site, request, {**(extra_context or {}), **context})


# What a reference is one of, by its prefix.
REFERENCES: dict[str, type[Model]] = {
    "SESSION": Booking,
    "ORDER": Payment,
    "REFUND": Refund,
    "PAYOUT": Payout,
}


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """To the one row with that reference; a list of people for anything else, by their name or address."""
    words = request.GET.get("q", "").strip()
    model = REFERENCES.get(words.upper().partition("-")[0])
    if model is not None and "-" in words:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.filter(reference=words.upper()).first()
        if row is not None and request.user.has_perm(
            f"{model._meta.app_label}.view_{model._meta.model_name}"
        ):
            return redirect(f"{name}_change", row.pk)
        messages.warning(request, f"No reference is {words[:40]}, among what you may look at.")
        return redirect("admin:index")
    return redirect(f"{reverse('admin:accounts_user_changelist')}?{urlencode({'q': words})}")
