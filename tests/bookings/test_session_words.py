"""How a session stands, in words, for each of its readers, and the one thing that is due."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import RequestFactory

from accounts.models import User
from bookings.models import Booking, Status
from bookings.sessions import session_views
from lib.zones import parse_zone
from mentors.models import Mentor
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = NOW + timedelta(days=7)  # 12:00 in Kolkata
ASKED = "Asked, answer by Fri 4 Dec, 12:00 pm"
KEPT = "The time is kept until then."
ROOM = "The room opens on this page at 11:45 am"
OPEN, JOIN, AGAIN = "The room is open", "Join Session", "Book again"
LAPSED = "Lapsed, nothing charged"
# Status, when it is read, who reads: look, words, note, what is due.
STATES: list[tuple[Status, datetime, str, tuple[str, str, str, str]]] = [
    (Status.AWAITING_PAYMENT, NOW, "student", ("waits", "Held for you", "₹1,050 to pay", "Proceed to Payment")),
    (Status.AWAITING_PAYMENT, NOW, "mentor", ("waits", "Held for Arjun, unpaid", "", "")),
    (Status.AWAITING_PAYMENT, NOW, "staff", ("waits", "Held for Arjun, unpaid", "", "")),
    (Status.REQUESTED, NOW, "student", ("waits", ASKED, KEPT, "")),
    (Status.REQUESTED, NOW, "mentor", ("waits", ASKED, KEPT, "")),
    (Status.SCHEDULED, NOW, "student", ("done", "Booked, nothing charged", ROOM, "")),
    (Status.SCHEDULED, NOW, "mentor", ("done", "Booked, nothing charged", ROOM, "")),
    (Status.SCHEDULED, START - 10 * MINUTE, "student", ("done", OPEN, "Starts at 12:00 pm", JOIN)),
    (Status.SCHEDULED, START - 10 * MINUTE, "mentor", ("done", OPEN, "Starts at 12:00 pm", JOIN)),
    (Status.SCHEDULED, START - 10 * MINUTE, "staff", ("done", OPEN, "Starts at 12:00 pm", "")),
    (Status.SCHEDULED, START + MINUTE, "student", ("done", OPEN, "In progress until 1:00 pm.", JOIN)),
    (Status.SCHEDULED, START + HOUR, "student", ("over", "Completed, nothing charged", "", AGAIN)),
    (Status.COMPLETED, START + DAY, "student", ("over", "Completed, nothing charged", "", AGAIN)),
    (Status.COMPLETED, START + DAY, "mentor", ("over", "Completed, nothing charged", "", "")),
    (Status.NO_SHOW, START + DAY, "student", ("ended", "Missed, nothing charged", "", AGAIN)),
    (Status.DECLINED, NOW, "student", ("ended", "Declined, nothing charged", "Meera could not take this time.", AGAIN)),
    (Status.DECLINED, NOW, "mentor", ("ended", "Declined, nothing charged", "", "")),
    (Status.CANCELLED, NOW, "student", ("ended", "Cancelled, nothing charged", "", AGAIN)),
    (Status.AWAITING_PAYMENT, NOW + HOUR, "student", ("ended", LAPSED, "Nobody paid in time.", AGAIN)),
    (Status.REQUESTED, NOW + 3 * DAY, "student", ("ended", LAPSED, "Nobody answered in time.", AGAIN)),
]  # fmt: skip


@pytest.fixture
def readers(mentor: Mentor, student: User, staff: User) -> dict[str, User]:
    return {"mentor": mentor.user, "student": student, "staff": staff}


def seen(booking: Booking, reader: User, now: datetime) -> tuple[str, str, str, str]:
    request = RequestFactory().get("/")
    request.user, request.time_zone = reader, parse_zone("Asia/Kolkata")  # type: ignore[attr-defined]
    rows = Booking.objects.with_people().filter(pk=booking.pk)
    with time_machine.travel(now, tick=False):
        (view,) = session_views(request, list(rows), now)
        note = f"{view.state.note} {view.state.awaited}".strip()
        return view.state.look, str(view.state.words), note, view.action.label if view.action else ""


def test_every_state_has_its_words_for_every_reader(mentor: Mentor, readers: dict[str, User]) -> None:
    kind = SessionTypeFactory(mentor=mentor)
    bookings = {
        status: BookingFactory(
            session_type=kind, student=readers["student"], status=status, starts_at=START, claims=False
        )
        for status in Status
    }
    for status, now, role, expected in STATES:
        assert seen(bookings[status], readers[role], now) == expected, (status, now, role)


def test_a_session_whose_mentor_is_gone_leads_on_to_others(mentor: Mentor, student: User) -> None:
    booking = BookingFactory(session_type__mentor=mentor, student=student, status=Status.COMPLETED)
    held = BookingFactory(session_type__mentor=mentor, student=student, status=Status.AWAITING_PAYMENT,
                          starts_at=START + DAY)  # fmt: skip
    Mentor.objects.update(status="suspended")
    assert seen(booking, student, START + DAY)[3] == "Browse More Mentors"
    assert seen(held, student, NOW)[:2] == ("ended", "Can’t take place")
    assert seen(held, student, NOW)[3] == ""


def test_a_session_that_is_no_longer_offered_is_booked_again_from_the_start(
    mentor: Mentor, student: User
) -> None:
    kind = SessionTypeFactory(mentor=mentor, slug="career", price_minor=0)
    booking = BookingFactory(session_type=kind, student=student, status=Status.COMPLETED)
    request = RequestFactory().get("/")
    request.user = student

    def again() -> str:
        rows = Booking.objects.with_people().filter(pk=booking.pk)
        (view,) = session_views(request, list(rows), START + DAY)
        assert view.action is not None
        return view.action.url

    assert again() == "/mentors/meera-rao/book/?type=career&duration=60"
    kind.is_active = False
    kind.save()
    assert again() == "/mentors/meera-rao/book/"
