"""What bookings show where a mentor sets their hours: what students will see, and what lies outside."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.clock import format_date, format_minute, format_zone, local_minute
from accounts.requests import viewer_zone
from accounts.zones import parse_zone, zone_choices
from bookings.busy import load_busy
from bookings.models import HOLDING, Booking, Status
from bookings.services import lead_minutes
from bookings.sessions import SessionView
from bookings.slots import State, free_starts
from mentors.availability import DAY_MINUTES, Schedule, epoch_minute, from_epoch_minute, local_date, openings
from mentors.models import Mentor
from mentors.schedules import load_schedules

PREVIEW_DAYS = 14


def render_preview(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """The next two weeks as a student reads them, by the engine that the wizard asks.

    `preview_zone` and `preview_type` in the URL choose whose clock and which session type.
    """
    return {mentor.pk: SafeString(_preview(request, mentor)) for mentor in mentors}


def _preview(request: HttpRequest, mentor: Mentor) -> str:
    now = timezone.now()
    types = list(mentor.session_types.active())
    wanted = request.GET.get("preview_type")
    chosen = next((each for each in types if each.slug == wanted), types[0] if types else None)
    zone = parse_zone(request.GET.get("preview_zone", "")) or mentor.zone
    days: list[dict[str, object]] = []
    if chosen is not None:
        window = (epoch_minute(now), epoch_minute(now) + PREVIEW_DAYS * DAY_MINUTES)
        schedule = load_schedules([mentor])[mentor.pk]
        busy = load_busy([mentor], None, window, now)[mentor.pk]
        found = free_starts(
            schedule, busy, window, chosen.durations[0], now, lead_minutes=lead_minutes(chosen)
        )
        by_day: dict[object, list[dict[str, object]]] = {}
        for minute, state in found:
            at = from_epoch_minute(minute)
            slot = {"label": format_minute(local_minute(at, zone)), "is_taken": state is State.TAKEN}
            by_day.setdefault(at.astimezone(zone).date(), []).append(slot)
        days = [{"title": format_date(day), "slots": slots} for day, slots in by_day.items()]  # type: ignore[arg-type]
    context = {
        "types": types,
        "chosen": chosen,
        "zone": zone,
        "zone_label": format_zone(zone, now),
        "zones": zone_choices(),
        "days": days,
        "shown_month": request.GET.get("month", ""),
    }
    return render_to_string("bookings/_availability_preview.html", context)


def render_outside(request: HttpRequest, mentors: Sequence[Mentor]) -> Mapping[int, SafeString]:
    """The sessions ahead that the hours, as they are now, would no longer offer. They stay as they are."""
    now = timezone.now()
    schedules = load_schedules(mentors)
    ahead = (
        Booking.objects.filter(mentor__in=mentors, status__in=[*HOLDING, Status.SCHEDULED], starts_at__gt=now)
        .exclude(pk__in=Booking.objects.lapsed(now))
        .with_people()
        .order_by("starts_at")
    )
    rendered = {}
    sessions = list(ahead)
    for mentor in mentors:
        outside = [
            SessionView(each, request, now)
            for each in sessions
            if each.mentor_id == mentor.pk and not _is_open(schedules[mentor.pk], each)
        ]
        context = {"sessions": outside, "zone": viewer_zone(request, mentor.zone)}
        rendered[mentor.pk] = SafeString(render_to_string("bookings/_outside_hours.html", context))
    return rendered


def _is_open(schedule: Schedule, booking: Booking) -> bool:
    start, end = epoch_minute(booking.starts_at), epoch_minute(booking.ends_at)
    day = local_date(schedule.zone, start)
    near = openings(schedule, day - timedelta(days=1), day)
    return any(each.start <= start < each.limit and end <= each.reach for each in near)
