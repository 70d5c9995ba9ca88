"""Who gets into the admin."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.requests import viewer


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
