"""A mentor's own pages. Whose they are is decided by what is fetched: nothing but one's own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lib.ratelimit import limit_uploads
from mentors import panels, services
from mentors.forms.profile import ProfileForm
from mentors.forms.session_type import SessionTypeForm
from mentors.models import Mentor, SessionType

read_or_post = require_http_methods(["GET", "HEAD", "POST"])
# Unpacking a photo is the costliest thing that anybody can ask for.
limit_photos = limit_uploads("photo", times=20, seconds=3600)


def own_mentor(request: HttpRequest) -> Mentor:
    return get_object_or_404(Mentor.objects.with_dashboard(), user_id=request.user.pk)


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to; nothing while it is only looked at."""
    return request.POST if request.method == "POST" else None


@login_required
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    offers = mentor.session_types.active()
    unpayable = [each for each in offers if not each.is_payable]
    dates_ahead = mentor.date_overrides.open_ahead(timezone.now())
    has_hours = mentor.weekly_hours.open().exists() or dates_ahead.exists()
    has_type = len(unpayable) < len(offers)
    shown = panels.mentors.render_one(request, mentor, "dashboard_next", "dashboard_figures")
    context = {
        "mentor": mentor,
        "decision": mentor.decision(),
        "has_hours": has_hours,
        "has_type": has_type,
        "unpayable": unpayable,
        "is_ready": has_hours and has_type and not unpayable and mentor.status != Mentor.Status.APPLIED,
        "next": shown["dashboard_next"],
        "figures": shown["dashboard_figures"],
    }
    return render(request, "mentors/dashboard/overview.html", context)


@login_required
@require_safe
def dashboard_session_types(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    context = {"mentor": mentor, "session_types": mentor.session_types.all()}
    return render(request, "mentors/dashboard/session_types.html", context)


@login_required
@read_or_post
def dashboard_session_type_create(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    form = SessionTypeForm(posted(request), currency=_usual_currency(mentor))
    if form.is_valid():
        session_type = services.create_session_type(mentor=mentor, **form.values())
        messages.success(request, f"“{session_type}” can now be booked.")
        return redirect("dashboard_session_types")
    context = {"mentor": mentor, "form": form}
    return render(
        request, "mentors/dashboard/session_type_form.html", context, status=422 if form.is_bound else 200
    )


@login_required
@read_or_post
def dashboard_session_type_edit(request: HttpRequest, slug: str) -> HttpResponse:
    session_type = _own_session_type(request, slug)
    form = SessionTypeForm(posted(request), instance=session_type)
    if form.is_valid():
        services.update_session_type(session_type=session_type, **form.values())
        messages.success(request, f"“{session_type}” is saved.")
        return redirect("dashboard_session_types")
    context = {"mentor": session_type.mentor, "session_type": session_type, "form": form}
    return render(
        request, "mentors/dashboard/session_type_form.html", context, status=422 if form.is_bound else 200
    )


@login_required
@require_POST
def dashboard_session_type_switch(request: HttpRequest, slug: str) -> HttpResponse:
    session_type = _own_session_type(request, slug)
    services.switch_session_type(session_type=session_type, is_active=request.POST.get("active") == "1")
    words = (
        "can be booked again" if session_type.is_active else "can no longer be booked; booked sessions stay"
    )
    messages.success(request, f"“{session_type}” {words}.")
    return redirect("dashboard_session_types")


@login_required
@require_POST
def dashboard_session_type_move(request: HttpRequest, slug: str) -> HttpResponse:
    session_type = _own_session_type(request, slug)
    up = request.POST.get("to") == "up"
    services.move_session_type(session_type=session_type, places=-1 if up else 1)
    messages.success(request, f"“{session_type}” is moved {'up' if up else 'down'}.")
    return redirect("dashboard_session_types")


@login_required
@read_or_post
@limit_photos
def dashboard_profile(request: HttpRequest) -> HttpResponse:
    mentor = own_mentor(request)
    form = ProfileForm(posted(request), request.FILES or None, instance=mentor)
    if form.is_valid():
        services.update_profile(mentor=mentor, **form.values())
        if photo := form.cleaned_data["photo"]:
            services.set_photo(mentor=mentor, photo=photo)
        elif form.cleaned_data.get("remove_photo"):
            services.remove_photo(mentor=mentor)
        messages.success(request, "Your profile is saved.")
        return redirect("dashboard_profile")
    policies = panels.mentors.render_one(request, mentor, "policy_choices")
    context = {"mentor": mentor, "form": form, "policies": policies["policy_choices"]}
    return render(request, "mentors/dashboard/profile.html", context, status=422 if form.is_bound else 200)


def _own_session_type(request: HttpRequest, slug: str) -> SessionType:
    mentor = own_mentor(request)
    return get_object_or_404(mentor.session_types.select_related("mentor__user"), slug=slug)


def _usual_currency(mentor: Mentor) -> str:
    latest = mentor.session_types.order_by("-pk").first()
    return latest.currency if latest else "INR"
