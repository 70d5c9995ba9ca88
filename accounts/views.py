from allauth.account import views as allauth_views
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.closing import meaning_for
from accounts.export import make_archive
from accounts.forms import SettingsForm, TimeZoneForm
from accounts.models import User
from accounts.reauthentication import just_said_who
from accounts.requests import current_user
from accounts.services import CannotClose, MeaningChanged, close_account
from lib.clock import current_hours, format_zone
from lib.ratelimit import limit_posts
from lib.zones import parse_zone, zone_choices

# Choosing a first password opens the account to it.
password_set = login_required(just_said_who(allauth_views.password_set))
YEAR = 365 * 24 * 60 * 60
# Where a device keeps what a person would keep in their account.
COOKIES = {"time_zone": "tz", "clock_hours": "clock_hours"}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings_page(request: HttpRequest) -> HttpResponse:
    # Not request.user: a form changes its instance before it is valid, and the header shows the user.
    person = get_object_or_404(User, pk=request.user.pk)
    zone = person.zone or getattr(request, "time_zone", None)  # shown as it is used, saved once confirmed
    form = SettingsForm(
        request.POST if request.method == "POST" else None,
        instance=person,
        initial={
            "time_zone": zone.key if zone else "",
            "clock_hours": person.clock_hours or current_hours(),
        },
    )
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("settings")
    context = {"form": form, "two_steps": is_mfa_enabled(request.user)}
    return render(request, "accounts/settings.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def time_zone_update(request: HttpRequest) -> HttpResponse:
    """A person's zone and hours are saved with them; whoever is signed out has them in cookies."""
    used, device = getattr(request, "time_zone", None), request.COOKIES.get("tz_detected", "")
    detected = parse_zone(device)
    data = request.POST if request.method == "POST" else None
    form = TimeZoneForm(data, initial={"time_zone": used.key if used else "", "clock_hours": current_hours()})
    next_url = _safe_next(request)
    if form.is_valid():
        chosen = {name: value for name, value in form.cleaned_data.items() if value}
        response = redirect(next_url or ("settings" if request.user.is_authenticated else "landing"))
        if request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(**chosen)
        else:
            for name, value in chosen.items():
                _set_cookie(response, COOKIES[name], str(value))
        zone = chosen.get("time_zone", used.key if used else "")
        if "time_zone" in chosen and detected and detected.key != zone:
            _set_cookie(response, "tz_kept", device)  # pages need not offer it again
        where = f" in {zone.replace('_', ' ')}" if zone else ""
        hours = f", on a clock of {chosen['clock_hours']} hours" if "clock_hours" in chosen else ""
        messages.success(request, f"Times are now shown{where}{hours}.")
        return response
    now = timezone.now()
    context = {
        "form": form,
        "next": next_url,
        "now": now,
        "zone": used,
        "detected": format_zone(detected, now) if detected and detected != used else "",
        "detected_key": detected.key if detected else "",
    }
    return render(request, "accounts/time_zone.html", context, status=422 if form.is_bound else 200)


@require_safe
@cache_control(public=True, max_age=24 * 60 * 60)
def city_list(request: HttpRequest) -> HttpResponse:
    """Options for whoever types a city (`js/citylist.js`), the same for everybody."""
    labels = [(label,) for _, zones in zone_choices() for _, label in zones]
    return HttpResponse(format_html_join("", '<option value="{}">', labels))


@login_required
def password_change(request: HttpRequest) -> HttpResponse:
    """Allauth's own, which asks for the password beside the new one; with two-step sign-in for a code as well."""
    view = allauth_views.password_change
    return just_said_who(view)(request) if is_mfa_enabled(request.user) else view(request)


@require_safe
@login_required
def data_page(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/data.html")


@require_POST
@login_required
@limit_posts("data-download", times=5, seconds=60)
@never_cache
def data_download(request: HttpRequest) -> HttpResponse:
    """All that tells of its reader, as a file."""
    now = timezone.now()
    archive = make_archive(current_user(request), site=settings.SITE_URL, now=now)
    response = HttpResponse(archive, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="my-data-{now:%Y-%m-%d}.zip"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@limit_posts("account-closing", times=10, seconds=60)
@never_cache
@just_said_who
def account_closing(request: HttpRequest) -> HttpResponse:
    """What closing means, and then the closing: of what was shown, or it is shown again."""
    now = timezone.now()
    if request.method == "POST":
        try:
            close_account(current_user(request), now=now, shown=request.POST.get("shown", ""))
        except (CannotClose, MeaningChanged):
            return _closing_page(request, status=409)
        logout(request)
        messages.success(request, "Your account is closed. A last mail says so. All the best!")
        response = redirect("landing")
        response.delete_cookie("tz_kept")
        # What the person chose goes, and what the device says takes its place.
        if detected := parse_zone(request.COOKIES.get("tz_detected")):
            _set_cookie(response, "tz", detected.key)
        else:
            response.delete_cookie("tz")
        response.delete_cookie("clock_hours")
        return response
    return _closing_page(request, status=200)


def _closing_page(request: HttpRequest, *, status: int) -> HttpResponse:
    meaning = meaning_for(current_user(request), timezone.now())
    context = {"meaning": meaning, "is_changed": status == 409}
    return render(request, "accounts/account_closing.html", context, status=status)


def _safe_next(request: HttpRequest) -> str:
    url = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if ours and url.startswith("/") and url != reverse("time_zone_update") else ""


def _set_cookie(response: HttpResponse, name: str, value: str) -> None:
    """Readable by `timezone.js`, which leaves a chosen zone alone."""
    response.set_cookie(name, value, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
