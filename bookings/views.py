from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import current_user, viewer_zone
from bookings import panels
from bookings.cancellation import Terms, describe_quote, terms_of
from bookings.forms import ReasonForm
from bookings.invitations import download
from bookings.models import Booking, Status
from bookings.moving import Moves
from bookings.permissions import JOIN_OPENS, is_mentor, is_room_open, why_not_cancel
from bookings.policy import describe
from bookings.services import NotAllowed, QuoteChanged, accept, cancel, decline, join
from bookings.session_lists import list_sessions
from bookings.sessions import STATE_PANELS, session_views
from lib.clock import format_moment, format_zone_name
from lib.money import format_money
from mentors.models import Mentor

ON_ITS_PAGE = ("session_money", "session_references", "session_messages")
MEETING_ORIGINS = ["https://meet.jit.si"]


@login_required
@require_safe
def my_sessions(request: HttpRequest) -> HttpResponse:
    own = Booking.objects.for_student(current_user(request))
    listed = list_sessions(request, own, timezone.now(), stands_out=True)
    return render(request, "bookings/my_sessions.html", {"listed": listed})


@login_required
@require_safe
def dashboard_sessions(request: HttpRequest) -> HttpResponse:
    mentor = get_object_or_404(Mentor.objects.with_dashboard(), user_id=request.user.pk)
    listed = list_sessions(request, Booking.objects.for_mentor(mentor), timezone.now(), stands_out=False)
    return render(request, "bookings/dashboard_sessions.html", {"listed": listed, "mentor": mentor})


@login_required
@require_safe
@never_cache
def session_detail(request: HttpRequest, reference: str) -> HttpResponse:
    booking = _visible(request, reference)
    context = _session(request, booking)
    context["moves"] = Moves(booking, current_user(request), context["now"])
    return render(request, "bookings/session_detail.html", context)


@login_required
@require_safe
@never_cache
def session_confirmation(request: HttpRequest, reference: str) -> HttpResponse:
    """Only reads the state: whoever has still to pay is shown that, and of what is over there is nothing to confirm."""
    booking = _own(request, reference)
    now = timezone.now()
    if booking.payable_at(now):
        return redirect("payment", booking.reference)
    if booking.status_at(now) not in (Status.SCHEDULED, Status.REQUESTED):
        return redirect("session_detail", booking.reference)
    context = _session(request, booking) | {
        "is_request": booking.status == Status.REQUESTED,
        "moves": Moves(booking, current_user(request), now),
    }
    return render(request, "bookings/session_confirmation.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def session_cancellation(request: HttpRequest, reference: str) -> HttpResponse:
    """What cancelling costs, and then the cancelling: for what was shown, or it is shown again."""
    booking, now = _visible(request, reference), timezone.now()
    person, terms = current_user(request), terms_of(booking, now)
    if refused := why_not_cancel(booking, person, now) or terms.refusal:
        messages.warning(request, refused)
        return redirect("session_detail", booking.reference)
    has_to_say_why = is_mentor(booking, person)
    form = ReasonForm(request.POST if request.method == "POST" else None, required=has_to_say_why)
    if request.method != "POST":
        return _cancellation_page(request, booking, form, status=200)
    quoted = request.POST.get("quoted", "")
    if not form.is_valid():
        if changed_words := terms.change_since(quoted, booking.currency):
            form.add_error(None, changed_words)
        return _cancellation_page(request, booking, form, status=422)
    try:
        cancel(
            booking.pk,
            actor=person,
            now=now,
            reason=form.cleaned_data["reason"],
            quoted=quoted,
        )
    except QuoteChanged as changed:
        form.add_error(None, str(changed))
        return _cancellation_page(request, _visible(request, reference), form, status=409)
    except NotAllowed as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, _cancelled_words(booking, terms))
    return redirect("session_detail", booking.reference)


def _cancellation_page(
    request: HttpRequest, booking: Booking, form: ReasonForm, *, status: int
) -> HttpResponse:
    context = _session(request, booking)
    now, zone = context["now"], context["zone"]
    terms = terms_of(booking, now)
    until = terms.quote.until
    context |= {
        "form": form,
        "terms": terms,
        "quote_words": describe_quote(terms.quote, booking.currency, zone),
        "is_last_day": until is not None and until - now < timedelta(days=1),
    }
    return render(request, "bookings/session_cancellation.html", context, status=status)


def _cancelled_words(booking: Booking, terms: Terms) -> str:
    if not terms.is_paid:
        return "Cancelled. The time is open again."
    if terms.went_back_minor and not terms.left_minor:
        amount = format_money(terms.went_back_minor, booking.currency)
        return (
            f"Cancelled. {amount} of what you paid went back before, or is on its way; nothing more was left."
        )
    if not terms.quote.refund_minor:
        return "Cancelled. Nothing comes back, as the page said."
    amount = format_money(terms.quote.refund_minor, booking.currency)
    return f"Cancelled. {amount} goes back to the way you paid, usually within 5 to 10 days."


@login_required
@require_POST
def session_accept(request: HttpRequest, reference: str) -> HttpResponse:
    return _answer(request, reference, accept)


@login_required
@require_POST
def session_decline(request: HttpRequest, reference: str) -> HttpResponse:
    return _answer(request, reference, decline)


def _answer(request: HttpRequest, reference: str, change: Callable[..., Booking]) -> HttpResponse:
    booking, now = get_object_or_404(Booking, reference=reference, mentor__user=request.user), timezone.now()
    try:
        answered = change(booking.pk, actor=current_user(request), now=now)
    except NotAllowed as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, _answered_words(answered, viewer_zone(request, answered.mentor.zone), now))
    return redirect("session_detail", booking.reference)


def _answered_words(booking: Booking, zone: ZoneInfo, now: datetime) -> str:
    if booking.status == Status.DECLINED:
        return "Declined. The time is open again."
    if booking.status == Status.SCHEDULED:
        return "Accepted. You are both booked, and each of you gets the confirmation by e-mail."
    if booking.is_lapsed(now) or booking.hold_expires_at is None:
        return "You had accepted this request. The time to pay for it is over."
    until = f"{format_moment(booking.hold_expires_at, zone)}, {format_zone_name(zone)}"
    return f"Accepted. {booking.student.first_name} can pay until {until}; the time is kept until then."


@login_required
@require_safe
def session_invite(request: HttpRequest, reference: str) -> HttpResponse:
    """The calendar file behind "Add to Calendar"."""
    booking = get_object_or_404(
        Booking.objects.visible_to(request.user).with_people(),
        reference=reference,
        status__in=[Status.SCHEDULED, Status.COMPLETED, Status.NO_SHOW],
    )
    response = HttpResponse(
        download(booking, current_user(request), now=timezone.now()),
        content_type="text/calendar; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{booking.reference.lower()}.ics"'
    return response


@csp_update({"form-action": MEETING_ORIGINS})  # type: ignore[arg-type]  # typed for views without arguments
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def session_join(request: HttpRequest, reference: str) -> HttpResponse:
    """Before its time a countdown; then a button whose press is recorded and leads on to the meeting."""
    booking = get_object_or_404(
        Booking.objects.visible_to(request.user).with_people(), reference=reference, status=Status.SCHEDULED
    )
    now = timezone.now()
    context = _session(request, booking) | {
        "opens_at": booking.starts_at - JOIN_OPENS,
        "is_open": is_room_open(booking, now),
        "is_over": booking.ends_at <= now,
    }
    if request.method == "POST" and context["is_open"]:
        try:
            join(booking.pk, actor=current_user(request), now=now)
        except NotAllowed as refusal:
            messages.warning(request, str(refusal))
            return redirect("session_detail", booking.reference)
        return redirect(booking.meeting_url)
    return render(
        request, "bookings/session_join.html", context, status=409 if request.method == "POST" else 200
    )


def _visible(request: HttpRequest, reference: str) -> Booking:
    return get_object_or_404(Booking.objects.visible_to(request.user).with_people(), reference=reference)


def _own(request: HttpRequest, reference: str) -> Booking:
    return get_object_or_404(
        Booking.objects.for_student(current_user(request)).with_people(), reference=reference
    )


def _session(request: HttpRequest, booking: Booking) -> dict[str, Any]:
    now = timezone.now()
    told = panels.sessions.render(request, [booking], *STATE_PANELS, *ON_ITS_PAGE)
    (session,) = session_views(request, [booking], now, told=told)
    return {name: told[name][booking.pk] for name in ON_ITS_PAGE} | {
        "session": session,
        "booking": booking,
        "zone": session.zone,
        "policy": describe(booking.cancellation_policy),
        "events": booking.events.select_related("actor"),
        "now": now,
    }
