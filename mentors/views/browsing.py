"""The public pages."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import knows_zone, viewer_zone
from lib.linked_data import to_script
from mentors import browse, panels
from mentors.forms.browse import BrowseForm
from mentors.linked_data import of_mentor
from mentors.models import Mentor
from mentors.pages import MentorPaginator

PAGE_SIZE = 12


@require_safe
def mentor_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    zone = viewer_zone(request, ZoneInfo(settings.DEFAULT_TIME_ZONE))
    form = BrowseForm.read(request.GET)
    page = MentorPaginator(form.results(now, zone), PAGE_SIZE).get_page(request.GET.get("page"))
    cards = browse.cards(request, page.object_list, form.currency_code)
    return render(request, "mentors/mentor_list.html", {"form": form, "page": page, "cards": cards})


@require_safe
def mentor_detail(request: HttpRequest, slug: str) -> HttpResponse:
    mentors = Mentor.objects.visible_to(request.user).select_related("user")
    mentor = get_object_or_404(mentors.prefetch_related("session_types", "skills", "languages"), slug=slug)
    now = timezone.now()
    names = ("mentor_times_on_profile", "mentor_next_open", "mentor_policy", "mentor_reviews")
    shown = panels.mentors.render_one(request, mentor, *names)
    zone = viewer_zone(request, mentor.zone)
    card = browse.card(mentor, times=shown["mentor_times_on_profile"])
    return render(
        request,
        "mentors/mentor_detail.html",
        {
            "mentor": mentor,
            "card": card,
            "linked_data": to_script(of_mentor(mentor, card.offers)),
            "is_own": request.user.pk == mentor.user_id,
            "now": now,
            "is_same_clock": knows_zone(request)
            and now.astimezone(zone).utcoffset() == now.astimezone(mentor.zone).utcoffset(),
            "next_open": shown["mentor_next_open"],
            "policy": shown["mentor_policy"],
            "reviews": shown["mentor_reviews"],
        },
    )
