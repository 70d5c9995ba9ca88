"""Who asks for something grave says once more who they are."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def just_said_who(view: View[P]) -> View[P]:
    """For the signed in, who are asked for their password and second step unless they gave them a few minutes ago.

    Nothing is done behind that question: after it the page is shown, and what was posted is to be posted again.
    Raises `ReauthenticationRequired`, which allauth answers with that question.
    """

    @wraps(view)
    def asking(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if said_recently(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            return redirect(request.path)
        if get_adapter(request).get_reauthentication_methods(request.user):
            raise ReauthenticationRequired
        return sign_in_again(request)

    return asking


def said_recently(request: HttpRequest) -> bool:
    """Allauth asks nothing of somebody with neither a password nor a second step; they sign in by code once more."""
    if get_adapter(request).get_reauthentication_methods(request.user):
        return bool(did_recently_reauthenticate(request))
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


def sign_in_again(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/sign_in_again.html", status=403)
