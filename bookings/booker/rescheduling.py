"""Moving a session: its student picks another time as in the wizard, and whoever is asked answers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.requests import current_user
from bookings.booker import calendar, state
from bookings.booker.state import Choice
from bookings.cancellation import describe_quote
from bookings.engine.busy import load_busy
from bookings.engine.slots import State, by_date, free_starts
from bookings.forms import AskToMoveForm
from bookings.models import Booking, MoveRequest
from bookings.moving import Moves, answer_by
from bookings.permissions import MOST_PROPOSALS
from bookings.policy import quote
from bookings.services import (
    BookingError,
    MoveChanged,
    NotAllowed,
    SlotTaken,
    ask_to_move,
    keep_old_time,
    reschedule,
    take_back_move,
)
from bookings.sessions import SessionView
from lib.clock import (
    clock_change_note,
    format_date_of_year,
    format_range,
    format_short_moment,
    format_zone,
    from_param,
    to_param,
)
from lib.ratelimit import limit_posts
from lib.wallclock import DAY_MINUTES, epoch_minute, from_epoch_minute
from mentors.schedules import load_schedules

# So many days with open times are offered to a mentor who proposes, and as many more at a press.
DAYS_TO_PROPOSE = 10
LOOK_AHEAD_DAYS = 60


class Time(Choice):
    """What is chosen of a session's new time: its type and its length stay."""

    def fields(self) -> dict[str, str]:
        return {name: value for name, value in super().fields().items() if name not in ("type", "duration")}


@dataclass(frozen=True)
class Page:
    """Who moves what, as far as every answer of the view needs it."""

    request: HttpRequest
    booking: Booking
    moves: Moves
    session: SessionView
    now: datetime

    @property
    def person(self) -> User:
        return current_user(self.request)

    @property
    def zone(self) -> ZoneInfo:
        return self.session.zone

    def context(self) -> dict[str, Any]:
        return {
            "booking": self.booking,
            "session": self.session,
            "moves": self.moves,
            "zone": self.zone,
            "now": self.now,
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limit_posts("reschedule", times=20, seconds=60)
def session_reschedule(request: HttpRequest, reference: str) -> HttpResponse:
    """One address for all that is done about a session's time; only a POST changes anything."""
    page = _page(request, reference)
    if request.method == "POST":
        return ACTIONS.get(request.POST.get("action", ""), _unknown)(page)
    return _show(page)


def _page(request: HttpRequest, reference: str) -> Page:
    person, now = current_user(request), timezone.now()
    booking = get_object_or_404(Booking.objects.of(person).with_people(), reference=reference)
    return Page(request, booking, Moves(booking, person, now), SessionView(booking, request, now), now)


def _show(page: Page, *, keeps_start: bool = True, status: int = 200) -> HttpResponse:
    moves = page.moves
    if moves.is_asker:
        return _asked_page(page)
    if moves.can_move:
        return _pick(page, keeps_start=keeps_start, status=status)
    if moves.has_to_answer:
        return _answer_page(page, status=status)
    if moves.can_ask:
        return _propose_page(page, AskToMoveForm(), status=status)
    return _back(page, moves.why_not_ask if moves.is_mentor else moves.why_not_move)


def _back(page: Page, refused: str) -> HttpResponse:
    messages.warning(page.request, refused)
    return redirect("session_detail", page.booking.reference)


# The student picks a time


def _choice(page: Page) -> Choice:
    booking = page.booking
    choice = Time(booking.session_type, booking.duration_minutes)
    return state.parse_when(choice, page.request.GET, page.zone)


def _pick(page: Page, *, keeps_start: bool = True, status: int = 200) -> HttpResponse:
    """Month and times; with a start in the address what moving there means, unless that can't be had."""
    choice, booking = _choice(page), page.booking
    if choice.start is not None and keeps_start:
        return _confirm_page(page, choice.start, AskToMoveForm(is_required=_has_to_ask(page)), status=status)
    choice = replace(choice, start=None)
    offer = state.load_offer(booking.mentor, choice, booking.student, page.zone, page.now, moving=booking)
    name = booking.mentor.user.first_name
    is_week = choice.view == "week"
    dates = (calendar.week_context if is_week else calendar.month_context)(choice, offer, name)
    context = page.context() | {
        "mentor": booking.mentor,
        "choice": choice,
        "dates": dates,
        "week" if is_week else "month": dates,
        "fields": choice.fields(),
        "has_to_ask": _has_to_ask(page),
        "zone_label": format_zone(page.zone, page.now),
        "proposed": _proposed(page),
    }
    if choice.day is not None:
        context["times"] = calendar.times_context(choice, offer, booking.mentor)
        context["back_url"] = choice.url(day=None)
    return render(page.request, "bookings/reschedule/pick.html", context, status=status)


def _has_to_ask(page: Page) -> bool:
    return bool(page.moves.why_not_move)


def _proposed(page: Page) -> list[dict[str, Any]]:
    """The times that the other of the two proposes, as far as they are still to come."""
    request = page.moves.request
    if request is None:
        return []
    length = page.booking.ends_at - page.booking.starts_at
    return [
        {
            "value": to_param(each.starts_at),
            "date": format_date_of_year(each.starts_at.astimezone(page.zone).date()),
            "hours": format_range(each.starts_at, each.starts_at + length, page.zone),
        }
        for each in request.times.all()
        if each.starts_at > page.now
    ]


def _confirm_page(
    page: Page, start: datetime, form: AskToMoveForm, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    """The old time and the new one, and what cancelling costs from then on."""
    booking = page.booking
    ends_at = start + (booking.ends_at - booking.starts_at)
    context = page.context() | {
        "form": form,
        "start": start,
        "ends_at": ends_at,
        "value": to_param(start),
        "hours": format_range(start, ends_at, page.zone),
        "moment": format_short_moment(start, page.zone),
        "clock_note": clock_change_note(page.zone, page.now, start),
        "has_to_ask": _has_to_ask(page),
        "answer_by": answer_by(booking, page.now),
        "quote_words": _quote_words(page, start),
        "trouble": trouble,
        "back_url": _choice(page).url(start=None),
    }
    return render(page.request, "bookings/reschedule/confirm.html", context, status=status)


def _quote_words(page: Page, start: datetime) -> str:
    booking = page.booking
    if booking.is_free or not page.moves.is_student:
        return ""
    found = quote(
        booking.cancellation_policy,
        price_minor=booking.price_minor,
        fee_minor=booking.fee_minor,
        currency=booking.currency,
        starts_at=start,
        now=page.now,
    )
    return describe_quote(found, booking.currency, page.zone)


# The one who was asked, and the one who asks


def _answer_page(page: Page, *, trouble: str = "", status: int = 200) -> HttpResponse:
    context = page.context() | {"proposed": _proposed(page), "trouble": trouble}
    return render(page.request, "bookings/reschedule/answer.html", context, status=status)


def _asked_page(page: Page) -> HttpResponse:
    return render(
        page.request, "bookings/reschedule/asked.html", page.context() | {"proposed": _proposed(page)}
    )


def _propose_page(
    page: Page, form: AskToMoveForm, *, trouble: str = "", days: int = DAYS_TO_PROPOSE, status: int = 200
) -> HttpResponse:
    offered, has_more = _open_days(page, days, form.chosen)
    context = page.context() | {
        "form": form,
        "days": offered,
        "shown_days": days,
        "next_days": days + DAYS_TO_PROPOSE if has_more else 0,
        "most": MOST_PROPOSALS,
        "answer_by": answer_by(page.booking, page.now),
        "is_frequent": page.moves.asked >= 1,
        "trouble": trouble,
    }
    return render(page.request, "bookings/reschedule/propose.html", context, status=status)


def _open_days(page: Page, most: int, chosen: set[str]) -> tuple[list[dict[str, Any]], bool]:
    """The first days on which both have time, and whether there are more: the mentor's notice doesn't count."""
    booking, mentor = page.booking, page.booking.mentor
    begin = epoch_minute(page.now)
    window = (begin, begin + LOOK_AHEAD_DAYS * DAY_MINUTES)
    busy = load_busy([mentor], booking.student, window, page.now, ignore=[booking.pk])[mentor.pk]
    schedule = load_schedules([mentor])[mentor.pk]
    starts = free_starts(schedule, busy, window, booking.duration_minutes, page.now, recheck=True)
    present = epoch_minute(booking.starts_at)
    free = [(minute, each) for minute, each in starts if each is not State.TAKEN and minute != present]
    days = by_date(free, page.zone)
    shown: list[tuple[date, Any]] = list(days.items())[:most]
    return [_day(day, slots, chosen) for day, slots in shown], len(days) > most


def _day(day: date, slots: Any, chosen: set[str]) -> dict[str, Any]:
    times = [{"value": to_param(from_epoch_minute(minute)), "label": label} for minute, _, label in slots]
    for each in times:
        each["is_picked"] = each["value"] in chosen
    return {
        "title": format_date_of_year(day),
        "times": times,
        "is_open": any(each["is_picked"] for each in times),
    }


# What a press does


def _move(page: Page) -> HttpResponse:
    start = from_param(page.request.POST.get("start", ""))
    if start is None:
        return _again(page, "Please pick a time.", status=422)
    try:
        moved = reschedule(
            page.booking.pk,
            actor=page.person,
            starts_at=start,
            now=page.now,
            shown=page.request.POST.get("shown", ""),
        )
    except BookingError as refusal:
        return _refused(page, refusal)
    messages.success(page.request, f"Moved to {format_short_moment(moved.starts_at, page.zone)}.")
    return redirect("session_detail", moved.reference)


def _ask(page: Page) -> HttpResponse:
    form = AskToMoveForm(page.request.POST, is_required=page.moves.is_student)
    if page.moves.is_mentor and (more := page.request.POST.get("more", "")).isdecimal():
        return _propose_page(
            page, AskToMoveForm.unchecked(page.request.POST), days=min(int(more), LOOK_AHEAD_DAYS)
        )
    if not form.is_valid():
        return _form_again(page, form)
    try:
        request = ask_to_move(
            page.booking.pk,
            actor=page.person,
            reason=form.cleaned_data["reason"],
            times=form.cleaned_data["start"],
            now=page.now,
            shown=page.request.POST.get("shown", ""),
        )
    except (SlotTaken, NotAllowed) as refusal:
        if isinstance(refusal, MoveChanged) or page.moves.why_not_ask:
            return _refused(page, refusal)
        form.add_error(None, str(refusal))
        return _form_again(page, form, status=409)
    except BookingError as refusal:
        form.add_error(None, str(refusal))
        return _form_again(page, form)
    messages.success(page.request, _asked_words(page, request))
    return redirect("session_detail", page.booking.reference)


def _asked_words(page: Page, request: MoveRequest) -> str:
    until = format_short_moment(request.answer_by, page.zone)
    return f"{page.session.other_first_name} is asked, and can answer until {until}. Until then the old time stands."


def _form_again(page: Page, form: AskToMoveForm, *, status: int = 422) -> HttpResponse:
    if page.moves.is_mentor:
        days = page.request.POST.get("days", "")
        shown = min(int(days), LOOK_AHEAD_DAYS) if days.isdecimal() else DAYS_TO_PROPOSE
        return _propose_page(page, form, days=shown, status=status)
    start = from_param(page.request.POST.get("start", ""))
    if start is None:
        return _again(page, "Please pick a time.", status=422)
    return _confirm_page(page, start, form, status=status)


def _keep(page: Page) -> HttpResponse:
    return _done(page, keep_old_time, "The session stays where it is.")


def _take_back(page: Page) -> HttpResponse:
    return _done(page, take_back_move, "You no longer ask to move this session.")


def _done(page: Page, change: Callable[..., Booking], words: str) -> HttpResponse:
    try:
        change(page.booking.pk, actor=page.person, now=page.now)
    except NotAllowed as refusal:
        messages.warning(page.request, str(refusal))
    else:
        messages.success(page.request, words)
    return redirect("session_detail", page.booking.reference)


def _unknown(page: Page) -> HttpResponse:
    return _show(page, status=422)


def _refused(page: Page, refusal: BookingError) -> HttpResponse:
    """The page again, as things are by now, with what stood in the way."""
    return _again(page, str(refusal), status=409 if isinstance(refusal, SlotTaken | NotAllowed) else 422)


def _again(page: Page, words: str, *, status: int) -> HttpResponse:
    messages.warning(page.request, words)
    return _show(_page(page.request, page.booking.reference), keeps_start=False, status=status)


ACTIONS: dict[str, Callable[[Page], HttpResponse]] = {
    "move": _move,
    "ask": _ask,
    "keep": _keep,
    "take_back": _take_back,
}
