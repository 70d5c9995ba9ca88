"""What the front page shows of its reader's own: the next session, what is held, and mentors to book again."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest

from accounts.models import User
from accounts.requests import viewer_zone
from bookings.models import Booking
from bookings.openings import next_openings
from bookings.panels.mentors import opening_links
from bookings.session_lists import stand_out
from bookings.sessions import SessionView, session_views
from lib.clock import format_short_date
from mentors.models import Mentor

# More than anybody may have ahead, and enough of what is behind to find three people in it.
LOOKED_AT = 20
AGAIN, TIMES_EACH = 3, 2


class Again(NamedTuple):
    """Somebody whom the reader had a session with: the latest, and when there is time for another."""

    mentor: Mentor
    last: str
    times: list[dict[str, str]]


@dataclass(frozen=True)
class OwnHome:
    next: SessionView | None
    held: list[SessionView]
    again: list[Again]


def own_home(request: HttpRequest, person: User, now: datetime) -> OwnHome | None:
    """None for who has nothing ahead and nothing behind. At most eight queries, however many sessions there are."""
    own = Booking.objects.for_student(person)
    ahead = own.upcoming(now).with_people().order_by("starts_at", "pk")[:LOOKED_AT]
    following, held, _ = stand_out(session_views(request, list(ahead), now))
    again = _again(request, person, now)
    return OwnHome(following, held, again) if following or again else None


def _again(request: HttpRequest, person: User, now: datetime) -> list[Again]:
    """The mentors of the latest sessions that took place, each once, as long as they can be booked."""
    behind = Booking.objects.for_student(person).past(now).with_people().order_by("-starts_at", "pk")
    latest: dict[int, Booking] = {}
    for booking in behind[:LOOKED_AT]:
        if booking.mentor.is_bookable:
            latest.setdefault(booking.mentor_id, booking)
    bookings = list(latest.values())[:AGAIN]
    mentors = [booking.mentor for booking in bookings]
    openings = next_openings(mentors, person, now) if mentors else {}
    found = []
    for booking in bookings:
        mentor, zone = booking.mentor, viewer_zone(request, booking.mentor.zone)
        times = opening_links(mentor, openings.get(mentor.pk, [])[:TIMES_EACH], zone)
        last = f"{booking.type_name}, {format_short_date(booking.starts_at.astimezone(zone).date())}"
        found.append(Again(mentor, last, times))
    return found
