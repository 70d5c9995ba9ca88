"""Forty students with a session each on a running site; called inside it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bookings.models import Booking
from tests.factories import MentorFactory, SessionTypeFactory, UserFactory
from tests.signed_in import session_of

STUDENTS = 40
EVERY_DAY = [(day, "10:00", "16:00") for day in range(7)]


def arrive() -> dict[str, Any]:
    """Makes two mentors and the students: the keys of their sign-ins, and a start that both mentors offer."""
    mentors = {60: "one-time", 15: "overlaps"}
    for interval, slug in mentors.items():
        mentor = MentorFactory(slug=slug, slot_interval_minutes=interval, time_zone="UTC", hours=EVERY_DAY)
        SessionTypeFactory(mentor=mentor, slug="free", price_minor=0)
    students = [UserFactory(name=f"Student {number}", password=None) for number in range(STUDENTS)]
    noon = (datetime.now(UTC) + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    return {"sessions": [session_of(each) for each in students], "start": noon.isoformat()}


def report() -> list[tuple[str, str]]:
    """When each session starts, beside its mentor's slug."""
    rows = Booking.objects.order_by("starts_at").values_list("mentor__slug", "starts_at")
    return [(slug, starts_at.isoformat()) for slug, starts_at in rows]
