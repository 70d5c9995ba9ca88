"""Students on a running site who are about to pay; called inside it."""

from datetime import UTC, datetime, timedelta

from bookings.services import book
from tests.concurrency.crowd import EVERY_DAY
from tests.factories import MentorFactory, SessionTypeFactory, UserFactory
from tests.signed_in import session_of

PAYERS = 16  # more than two web workers let wait for a provider


def arrive() -> list[tuple[str, str]]:
    """The path of each one's session, whose time is held for them, and the key of their sign-in."""
    now = datetime.now(UTC)
    mentor = MentorFactory(slug="busy", slot_interval_minutes=15, time_zone="UTC", hours=EVERY_DAY)
    paid = SessionTypeFactory(mentor=mentor, slug="paid", durations=[15])
    first = (now + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    payers = []
    for number in range(PAYERS):
        student = UserFactory(name=f"Payer {number}", password=None)  # hashing would take seconds
        starts_at = first + timedelta(minutes=15 * number)
        booking = book(student=student, session_type=paid, duration_minutes=15, starts_at=starts_at, now=now)
        payers.append((booking.get_absolute_url(), session_of(student)))
    return payers
