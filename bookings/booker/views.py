from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.forms import LoginForm as AllauthLoginForm
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from accounts.entry import codes_are_asked
from accounts.forms import EntryForm
from accounts.models import User
from accounts.requests import asks_for_part, go_to, viewer, viewer_zone
from bookings import caps
from bookings.booker import calendar, drafts, state
from bookings.booker.guests import enter, find_mentor, page_after, who_form
from bookings.booker.state import Choice, Offer
from bookings.cancellation import describe_ahead
from bookings.conditions import Conditions
from bookings.engine.offered import conditions_of, price_of
from bookings.engine.slots import Refusal
from bookings.forms import ConfirmForm
from bookings.models import Booking
from bookings.openings import similar_mentors
from bookings.panels.mentors import opening_links
from bookings.permissions import why_not_book
from bookings.policy import describe, quote
from bookings.ports import being_checked
from bookings.services import (
    CapReached,
    ConditionsChanged,
    NotBookable,
    NotOffered,
    SlotTaken,
    book,
    slot_taken,
)
from lib.clock import (
    clock_change_note,
    format_offset,
    format_range,
    format_time,
    format_zone,
)
from lib.ratelimit import limit_posts
from mentors.models import Mentor, SessionType


@require_http_methods(["GET", "HEAD", "POST"])
@limit_posts("book", times=20, seconds=60)
def booking_wizard(request: HttpRequest, slug: str) -> HttpResponse:
    """Session type, date, time, confirm: one URL for each state; only the confirming POST changes anything."""
    mentor = find_mentor(slug)
    if refused := why_not_book(mentor, request.user):
        status = 422 if mentor.is_bookable else 409
        return _refused(request, mentor, Choice(), refused, status=status)
    types = list(mentor.session_types.active())
    choice = state.parse(request.GET, types, viewer_zone(request, mentor.zone))
    if choice.session_type is None:
        return _type_page(request, mentor, types, choice)
    if request.method == "POST":
        return _confirm(request, mentor, choice)
    return _step(request, mentor, choice)


def _type_page(
    request: HttpRequest, mentor: Mentor, types: list[SessionType], choice: Choice
) -> HttpResponse:
    """The first step; where a form leads back to it, what was typed is kept for the last one."""
    if asks_for_part(request):  # a part of a later step was asked for, and that step is no more
        return go_to(request.get_full_path())
    now, zone = timezone.now(), viewer_zone(request, mentor.zone)
    student = viewer(request)
    kept = caps.kept_by(student, now) if student else []
    offered = [_offered(each) for each in types]
    for each in offered:
        each["cap"] = caps.reached(kept, student, each["type"], now) if student else ""
    context = _context(mentor, choice, zone, now) | {
        "types": offered,
        "trouble": choice.trouble,
        "wanted": request.GET.get("type"),
    }
    status = 200
    if request.method == "POST":
        drafts.keep(request)
        context["trouble"] = choice.trouble or "Please choose a session first."
        status = 409 if choice.trouble else 422
    return render(request, "bookings/wizard/type.html", context, status=status)


def _step(request: HttpRequest, mentor: Mentor, choice: Choice) -> HttpResponse:
    now = timezone.now()
    zone = viewer_zone(request, mentor.zone)
    context = _context(mentor, choice, zone, now)
    student = viewer(request)
    offer = state.load_offer(mentor, choice, student, zone, now)
    picked, hold = None, None
    if choice.start is not None:
        if not asks_for_part(request):
            return _last_step(request, mentor, choice, offer)
        picked, choice = choice.start, replace(choice, start=None)
    name = mentor.user.first_name
    if choice.view == "week":
        context["week"] = dates = calendar.week_context(choice, offer, name)
    else:
        context["month"] = dates = calendar.month_context(choice, offer, name)
    if offer.busy.held:
        hold = _own_hold(student, choice, now)
    context |= {
        "dates": dates,
        "fields": choice.fields(),
        "hold": hold,
        "hold_checked": bool(hold and being_checked([hold], now)),
    }
    if not offer.free and not asks_for_part(request):
        context["similar"] = _similar(mentor, student, zone, now)
    if choice.day is not None:
        context["times"] = calendar.times_context(choice, offer, mentor, picked)
        if asks_for_part(request) and request.GET.get("seen") == context["times"]["version"]:
            return HttpResponse(status=204)
    template = "bookings/wizard/date.html#times" if asks_for_part(request) else "bookings/wizard/date.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["X-Part"])
    return response


def _last_step(request: HttpRequest, mentor: Mentor, choice: Choice, offer: Offer) -> HttpResponse:
    """Its page; who pressed its button before they signed in is told here what was in the way."""
    assert choice.session_type is not None and choice.start is not None  # noqa: S101, PT018
    draft = drafts.draft_for(request, request.path)
    was_pressed = draft.url == request.path + choice.url()
    if refused := offer.refusal(choice.start):
        if was_pressed and refused is Refusal.TAKEN:
            return _taken(request, mentor, choice, offer.now)
        messages.warning(request, _gone(choice.start, offer.zone, refused))
        return redirect(request.path + choice.url(start=None))
    form = ConfirmForm(initial=draft.typed)
    return _confirm_page(request, mentor, choice, form, shown=draft.shown if was_pressed else None)


def _taken(request: HttpRequest, mentor: Mentor, choice: Choice, now: datetime) -> HttpResponse:
    assert choice.session_type is not None and choice.start is not None  # noqa: S101, PT018
    taken = slot_taken(viewer(request), choice.session_type, choice.duration, choice.start, now)
    return _refused(request, mentor, choice, str(taken), nearest=taken.nearest, status=409)


def _gone(start: datetime, zone: ZoneInfo, refused: Refusal) -> str:
    time = format_time(start, zone)
    if refused is Refusal.TAKEN:
        return f"{time} is no longer open. Please pick another time."
    return f"{time} can't be booked. {refused.value} Please pick another time."


def _similar(mentor: Mentor, student: User | None, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Others who could help, when this mentor has no free time at all."""
    return [
        {"mentor": other, "times": opening_links(other, openings, zone)}
        for other, openings in similar_mentors(mentor, student, now)
    ]


def _confirm(request: HttpRequest, mentor: Mentor, choice: Choice) -> HttpResponse:
    """Book what the page showed; with other facts by now it is shown again, with what changed."""
    assert choice.session_type is not None  # noqa: S101
    if choice.start is None:
        return _refused(request, mentor, choice, "That is not a time that can be booked. Please pick one.")
    if "back" in request.POST:
        drafts.keep(request)
        return redirect(request.path + choice.url(start=None))
    shown = request.POST.get("shown", "")
    form, student = ConfirmForm(request.POST), viewer(request)
    if student is None:
        return _confirm_signed_out(request, mentor, choice, form, shown)
    if not form.is_valid():
        return _confirm_page(request, mentor, choice, form, shown=shown, status=422)
    try:
        booking = book(
            student=student,
            session_type=choice.session_type,
            duration_minutes=choice.duration,
            starts_at=choice.start,
            now=timezone.now(),
            shown=shown,
            **form.cleaned_data,
        )
    except SlotTaken as taken:
        drafts.keep(request)
        return _refused(request, mentor, choice, str(taken), nearest=taken.nearest, status=409)
    except (ConditionsChanged, NotOffered):
        return _look_again(request, form, shown, mentor.slug)
    except CapReached as refusal:
        return _confirm_page(request, mentor, choice, form, shown=shown, cap=str(refusal), status=422)
    except NotBookable as refusal:
        drafts.keep(request)
        return _refused(request, mentor, choice, str(refusal))
    drafts.forget(request)
    return page_after(booking)


def _confirm_signed_out(
    request: HttpRequest, mentor: Mentor, choice: Choice, form: ConfirmForm, shown: str
) -> HttpResponse:
    """What could not be booked now is said at once; else who it is is asked, or a code mailed that books it."""
    assert choice.session_type is not None and choice.start is not None  # noqa: S101, PT018
    if "account" in request.POST:  # the other way to say who one is
        drafts.keep(request)
        account = "&account=yes" if request.POST["account"] == "yes" else ""
        return redirect(f"{request.path}{choice.url()}{account}")
    who = who_form(request, drafts.draft_for(request, request.path))
    if not (form.is_valid() and who.is_valid()):
        return _confirm_page(request, mentor, choice, form, who=who, shown=shown, status=422)
    if shown != conditions_of(choice.session_type, choice.duration, choice.start).token:
        return _confirm_page(request, mentor, choice, form, who=who, shown=shown, status=409)
    now = timezone.now()
    offer = state.load_offer(mentor, choice, None, viewer_zone(request, mentor.zone), now)
    if refused := offer.refusal(choice.start):
        drafts.keep(request)
        if refused is Refusal.TAKEN:
            return _taken(request, mentor, choice, now)
        return _refused(request, mentor, choice, refused.value)
    if answer := enter(request, mentor, choice, who, shown):
        return answer
    return _confirm_page(request, mentor, choice, form, who=who, shown=shown, status=429)


def _look_again(request: HttpRequest, form: ConfirmForm, shown: str, slug: str) -> HttpResponse:
    """What was read at the request's beginning is old by now."""
    mentor = find_mentor(slug)
    types = list(mentor.session_types.active())
    choice = state.parse(request.GET, types, viewer_zone(request, mentor.zone))
    if choice.session_type is None:
        return _type_page(request, mentor, types, choice)
    return _confirm_page(request, mentor, choice, form, shown=shown, status=409)


def _confirm_page(
    request: HttpRequest,
    mentor: Mentor,
    choice: Choice,
    form: ConfirmForm,
    *,
    who: EntryForm | AllauthLoginForm | None = None,
    shown: str | None = None,
    cap: str = "",
    status: int = 200,
) -> HttpResponse:
    """`shown` is the token of what the reader has seen before; what differs from it is said, with status 409.

    Signed out, `who` asks who they are.
    """
    assert choice.session_type is not None and choice.start is not None  # noqa: S101, PT018
    now, zone = timezone.now(), viewer_zone(request, mentor.zone)
    conditions = conditions_of(choice.session_type, choice.duration, choice.start)
    ends_at = choice.start + timedelta(minutes=choice.duration)
    if not cap and (student := viewer(request)):
        cap = caps.reached(caps.kept_by(student, now), student, choice.session_type, now)
    changes = [] if shown is None else conditions.changes_since(shown, mentor.user.first_name, zone)
    if changes and status == 200:
        status = 409
    if who is None and viewer(request) is None:
        who = who_form(request, drafts.draft_for(request, request.path))
    context = _context(mentor, choice, zone, now) | {
        "form": form,
        "who": who,
        "asks_code": isinstance(who, EntryForm) and codes_are_asked(),
        "conditions": conditions,
        "changes": changes,
        "cap": cap,
        "cancelling": _cancelling(conditions, zone, now, mentor.user.first_name),
        "ends_at": ends_at,
        "here": request.path + choice.url(),
        "hold_minutes": settings.HOLD_MINUTES,
        "hours": format_range(choice.start, ends_at, zone),
        "clock_note": clock_change_note(zone, now, choice.start),
    }
    return render(request, "bookings/wizard/confirm.html", context, status=status)


def _cancelling(conditions: Conditions, zone: ZoneInfo, now: datetime, name: str) -> str:
    """What cancelling would give back of a session that is booked and paid now."""
    if not conditions.policy:
        return f"any time before the start, with a word to {name}."
    found = quote(
        conditions.policy,
        price_minor=conditions.price_minor,
        fee_minor=conditions.fee_minor,
        currency=conditions.currency,
        starts_at=conditions.starts_at,
        now=now,
    )
    return describe_ahead(found, conditions.currency, zone)


def _refused(
    request: HttpRequest,
    mentor: Mentor,
    choice: Choice,
    message: str,
    *,
    nearest: list[datetime] | None = None,
    status: int = 422,
) -> HttpResponse:
    """What went wrong and where to go on; nothing was changed."""
    zone = viewer_zone(request, mentor.zone)
    others = [
        {
            "at": at,
            "url": reverse("book", args=[mentor.slug])
            + choice.url(start=at, day=None, month=None, week=None),
        }
        for at in nearest or []
    ]
    context = {
        "mentor": mentor,
        "message": message,
        "nearest": others,
        "zone": zone,
        "can_go_back": choice.session_type is not None and mentor.is_bookable,
        "back_url": reverse("book", args=[mentor.slug]) + choice.url(start=None),
    }
    return render(request, "bookings/wizard/refused.html", context, status=status)


def _context(mentor: Mentor, choice: Choice, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    at = choice.start or now
    context: dict[str, Any] = {
        "mentor": mentor,
        "choice": choice,
        "zone": zone,
        "zone_label": format_zone(zone, at),
        "offset": format_offset(at, zone),
        "steps": state.steps(choice),
        "now": now,
    }
    if choice.session_type:
        context["price"] = price_of(choice.session_type, choice.duration)
        context["durations"] = [
            {
                "minutes": minutes,
                "url": choice.url(duration=minutes, start=None),
                "is_chosen": minutes == choice.duration,
            }
            for minutes in choice.session_type.durations
        ]
        context["policy"] = (
            describe(mentor.cancellation_policy)
            if context["price"].amount_minor
            else "Cancel any time before the start."
        )
        context["back"] = {step["label"]: step["url"] for step in context["steps"]}
    return context


def _offered(session_type: SessionType) -> dict[str, Any]:
    *shorter, longest = map(str, session_type.durations)
    return {
        "type": session_type,
        "lengths": f"{', '.join(shorter)} or {longest}" if shorter else longest,
        "is_payable": session_type.is_payable,
        "durations": [
            {"minutes": minutes, "price": price_of(session_type, minutes)}
            for minutes in session_type.durations
        ],
    }


def _own_hold(student: User | None, choice: Choice, now: datetime) -> Booking | None:
    if student is None or choice.session_type is None:
        return None
    return Booking.objects.given_up_for(choice.session_type, student, now).first()
