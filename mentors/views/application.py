from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.requests import viewer_zone
from mentors import services
from mentors.forms.profile import ApplicationForm
from mentors.models import Mentor
from mentors.views.dashboard import limit_photos


@require_http_methods(["GET", "HEAD", "POST"])
@limit_photos
def mentor_apply(request: HttpRequest) -> HttpResponse:
    """One address for all of it: what it is about, the form, and what became of the application."""
    if not request.user.is_authenticated:
        if request.method == "POST":
            return redirect(f"{reverse('account_login')}?next={request.path}")
        return render(request, "mentors/apply_intro.html")
    user = request.user
    if mentor := Mentor.objects.filter(user=user).select_related("user").first():
        is_listed = Mentor.objects.listed(timezone.now()).filter(pk=mentor.pk).exists()
        context = {"mentor": mentor, "decision": mentor.decision(), "is_listed": is_listed}
        return render(request, "mentors/apply_status.html", context)
    if request.method == "POST":
        form = ApplicationForm(request.POST, request.FILES)
    else:
        form = ApplicationForm(
            initial={"time_zone": viewer_zone(request, ZoneInfo(settings.DEFAULT_TIME_ZONE))}
        )
    if form.is_valid():
        try:
            services.apply(user=user, **form.values(), photo=form.cleaned_data["photo"], now=timezone.now())
            messages.success(request, "Thank you. Your application is with our staff.")
        except services.AlreadyApplied:
            messages.info(request, "You have applied already.")
        return redirect("mentor_apply")
    return render(request, "mentors/apply.html", {"form": form}, status=422 if form.is_bound else 200)
