"""Booking while signed out: who somebody is, asked on the last step, and the code that proves it.

Nothing is held before that. The booking belongs to the session in which its button was pressed: a draft there has
a purpose, which the sign-in that was begun for it carries, and only that sign-in books it.
"""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.forms import LoginForm as AllauthLoginForm
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import entry as entries
from accounts.entry import Entry, TooManyCodes
from accounts.forms import ConfirmLoginCodeForm, EntryForm, LoginForm
from accounts.models import User
from accounts.requests import viewer_zone
from bookings.booker import drafts, state
from bookings.booker.drafts import Draft
from bookings.booker.state import Choice
from bookings.engine.offered import conditions_of
from bookings.models import Booking
from bookings.services import NotBookable, SlotTaken, book
from lib.ratelimit import limit_posts
from lib.zones import parse_zone
from mentors.models import Mentor

EXPIRED = "This code has expired. Ask for a new one below."
USED_UP = "That was one wrong code too many. Ask for a new one below."
ENOUGH = "We have sent several codes to this address. Wait a minute, and look among the spam meanwhile."


def find_mentor(slug: str) -> Mentor:
    mentor = Mentor.objects.select_related("user").filter(slug=slug, approved_at__isnull=False).first()
    if mentor is None:
        raise Http404
    return mentor


def page_after(booking: Booking) -> HttpResponse:
    page = "payment" if booking.payable_at(timezone.now()) else "session_confirmation"
    return redirect(page, booking.reference)


def who_form(request: HttpRequest, draft: Draft) -> EntryForm | AllauthLoginForm:
    """For name and address, or, where somebody says that they have an account, for address and password."""
    if request.method == "POST":
        has_account = "login" in request.POST
        return LoginForm(request.POST, request=request) if has_account else EntryForm(request.POST)
    if request.GET.get("account"):
        return LoginForm(initial=draft.typed, request=request)
    return EntryForm(initial=draft.typed)


def enter(
    request: HttpRequest, mentor: Mentor, choice: Choice, who: EntryForm | AllauthLoginForm, shown: str
) -> HttpResponse | None:
    """Sign in by password and book, or mail a code. None when that can't be done now: the form says why."""
    draft = drafts.keep(request, url=request.path + choice.url(), shown=shown)
    if isinstance(who, AllauthLoginForm):
        return entries.sign_in_by_password(request, who, purpose=draft.purpose)
    zone = parse_zone(request.COOKIES.get("tz") or request.COOKIES.get("tz_detected"))
    facts = who.facts() | {"purpose": draft.purpose, "time_zone": zone.key if zone else ""}
    if not entries.codes_are_asked():
        try:
            return entries.sign_up_unproven(request, **facts)
        except IntegrityError:
            who.add_error(
                "email", "There is an account with this address since a moment ago. Sign in with it."
            )
            return None
    link = reverse("book_code", args=[mentor.slug])
    try:
        entries.begin(request, link=link, **facts)
    except TooManyCodes:
        who.add_error("email", ENOUGH)
        return None
    return redirect(link)


def book_after_sign_in(request: HttpRequest, user: User, purpose: str) -> HttpResponse | None:
    """Book what was pressed for, once whoever pressed is signed in; None when this sign-in was for something else.

    What stands in the way by now is said by the page at which it was pressed, with what was typed.
    """
    draft = drafts.draft_of(request)
    if draft is None or draft.purpose != purpose:
        return None
    mentor = find_mentor(resolve(draft.path).kwargs["slug"])
    types = list(mentor.session_types.active())
    asked = QueryDict(urlsplit(draft.url).query).dict()
    choice = state.parse(asked, types, viewer_zone(request, mentor.zone))
    if choice.session_type is None or choice.start is None:
        return redirect(draft.url)
    try:
        booking = book(
            student=user,
            session_type=choice.session_type,
            duration_minutes=choice.duration,
            starts_at=choice.start,
            now=timezone.now(),
            topic=draft.topic,
            notes=draft.notes,
            shown=draft.shown,
        )
    except (NotBookable, SlotTaken):
        return redirect(draft.url)
    drafts.forget(request)
    return page_after(booking)


@require_http_methods(["GET", "HEAD", "POST"])
@limit_posts("booking-code", times=20, seconds=60)
@never_cache
def booking_code(request: HttpRequest, slug: str) -> HttpResponse:
    """The one field for the code, which signs in or up, and books. A mail's link only fills it in."""
    mentor, entry, draft = find_mentor(slug), entries.pending(request), drafts.draft_of(request)
    if not entry or not draft or (draft.purpose, draft.path) != (entry.purpose, reverse("book", args=[slug])):
        return render(request, "bookings/wizard/code_elsewhere.html", {"mentor": mentor}, status=410)
    if request.user.is_authenticated:
        entries.forget(request)
        messages.info(request, "You are signed in. Nothing is booked yet: the button below books it.")
        return redirect(draft.url)
    if request.method != "POST":
        filled = {"code": entry.code_of(request.GET.get("token", ""))}
        return _code_page(request, mentor, entry, draft, ConfirmLoginCodeForm(initial=filled))
    if request.POST.get("purpose") != entry.purpose:
        other = "You chose another session since. This page shows it; nothing was booked."
        return _code_page(request, mentor, entry, draft, ConfirmLoginCodeForm(), trouble=other, status=409)
    if request.POST.get("action") == "resend":
        return _resend(request, mentor, entry, draft)
    form = ConfirmLoginCodeForm(request.POST, code=entry.code)
    if trouble := EXPIRED if entry.is_expired else USED_UP if entry.is_used_up else "":
        return _code_page(request, mentor, entry, draft, ConfirmLoginCodeForm(), trouble=trouble, status=422)
    if form.is_valid():
        return entries.sign_in_by_code(request, entry)
    if form.data.get("code"):
        entries.record_wrong_code(request, entry)
    trouble = USED_UP if entry.is_used_up else ""
    return _code_page(request, mentor, entry, draft, form, trouble=trouble, status=422)


def _resend(request: HttpRequest, mentor: Mentor, entry: Entry, draft: Draft) -> HttpResponse:
    try:
        entries.send_code(request, entry)
    except TooManyCodes:
        form = ConfirmLoginCodeForm()
        return _code_page(request, mentor, entry, draft, form, trouble=ENOUGH, status=429)
    messages.success(request, "A new code is on its way. The one before no longer works.")
    return redirect(entry.link)


def _code_page(
    request: HttpRequest,
    mentor: Mentor,
    entry: Entry,
    draft: Draft,
    form: Any,
    *,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    zone = viewer_zone(request, mentor.zone)
    types = list(mentor.session_types.active())
    choice = state.parse(QueryDict(urlsplit(draft.url).query).dict(), types, zone)
    chosen = choice.session_type and choice.start
    context = {
        "mentor": mentor,
        "choice": choice,
        "conditions": conditions_of(choice.session_type, choice.duration, choice.start) if chosen else None,  # type: ignore[arg-type]
        "zone": zone,
        "entry": entry,
        "form": form,
        "trouble": trouble,
        "back_url": draft.url,
    }
    return render(request, "bookings/wizard/code.html", context, status=status)
