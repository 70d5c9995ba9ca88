"""The public pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from mentors import browse, panels
from mentors.forms.browse import BrowseForm
from mentors.models import Mentor
from mentors.pages import MentorPaginator

PAGE_SIZE = 12
FEATURED = 9
IN_HERO = 3


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    cards = browse.cards(request, browse.find(timezone.now()).for_cards()[:FEATURED])
    context = {"soonest": cards[:IN_HERO], "cards": cards[IN_HERO:]}
    return render(request, "mentors/landing.html", context)


@require_safe
def mentor_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    form = BrowseForm.read(request.GET, now)
    page = MentorPaginator(form.results(now).for_cards(), PAGE_SIZE).get_page(request.GET.get("page"))
    cards = browse.cards(request, page.object_list, form.currency_code)
    return render(request, "mentors/mentor_list.html", {"form": form, "page": page, "cards": cards})


@require_safe
def mentor_detail(request: HttpRequest, slug: str) -> HttpResponse:
    mentors = Mentor.objects.visible_to(request.user).select_related("user")
    mentor = get_object_or_404(mentors.prefetch_related("session_types", "skills", "languages"), slug=slug)
    shown = panels.mentors.render_one(request, mentor, "mentor_policy", "mentor_reviews")
    return render(
        request,
        "mentors/mentor_detail.html",
        {
            "mentor": mentor,
            "card": browse.cards(request, [mentor])[0],
            "is_own": request.user.pk == mentor.user_id,
            "now": timezone.now(),
            "policy": shown["mentor_policy"],
            "reviews": shown["mentor_reviews"],
        },
    )
