"""The public pages."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from mentors import browse, panels
from mentors.forms.browse import BrowseForm
from mentors.models import Mentor

PAGE_SIZE = 12
FEATURED = 6


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    mentors = browse.find().prefetch_related("session_types", "skills")[:FEATURED]
    return render(request, "mentors/landing.html", {"cards": browse.cards(request, mentors)})


@require_safe
def mentor_list(request: HttpRequest) -> HttpResponse:
    form = BrowseForm.read(request.GET)
    mentors = form.results().prefetch_related("session_types", "skills")
    page = Paginator(mentors, PAGE_SIZE).get_page(request.GET.get("page"))
    cards = browse.cards(request, page.object_list, form.currency_code)
    return render(request, "mentors/mentor_list.html", {"form": form, "page": page, "cards": cards})


@require_safe
def mentor_detail(request: HttpRequest, slug: str) -> HttpResponse:
    mentors = Mentor.objects.visible_to(request.user).select_related("user")
    mentor = get_object_or_404(mentors.prefetch_related("skills", "languages"), slug=slug)
    return render(
        request,
        "mentors/mentor_detail.html",
        {
            "mentor": mentor,
            "session_types": mentor.session_types.active(),
            "is_own": request.user.pk == mentor.user_id,
            "now": timezone.now(),
            "times": panels.mentor_times.render(request, [mentor])[mentor.pk],
            "policy": panels.mentor_policy.render(request, [mentor])[mentor.pk],
            "reviews": panels.mentor_reviews.render(request, [mentor])[mentor.pk],
        },
    )
