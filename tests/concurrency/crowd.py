"""Forty students with a session each on a running site; run there by `manage.py shell`."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts.models import User
from bookings.models import Booking
from tests.factories import MentorFactory, SessionTypeFactory, UserFactory

STUDENTS = 40
EVERY_DAY = [(day, "10:00", "16:00") for day in range(7)]


def arrive() -> None:
    """Prints the students' session keys, the wizards of two mentors, and a start that both offer."""
    mentors = {60: "one-time", 15: "overlaps"}
    for interval, slug in mentors.items():
        mentor = MentorFactory(slug=slug, slot_interval_minutes=interval, time_zone="UTC", hours=EVERY_DAY)
        SessionTypeFactory(mentor=mentor, slug="free", price_minor=0)
    students = [UserFactory(name=f"Student {number}") for number in range(STUDENTS)]
    noon = (datetime.now(UTC) + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    print(json.dumps({"sessions": [sign_in(each) for each in students], "start": noon.isoformat()}))  # noqa: T201


def sign_in(user: User) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


def report() -> None:
    """Prints when each mentor's sessions start, by the mentor's slug."""
    rows = Booking.objects.order_by("starts_at").values_list("mentor__slug", "starts_at")
    print(json.dumps([(slug, starts_at.isoformat()) for slug, starts_at in rows]))  # noqa: T201
