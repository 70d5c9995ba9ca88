"""Sessions for the page that shows every part of the look: made up, and never saved."""

from datetime import datetime, timedelta

from django.http import HttpRequest

from accounts.models import User
from bookings.models import Booking, Status
from bookings.sessions import SessionView
from mentors.models import Mentor, SessionType

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sample_sessions(request: HttpRequest, now: datetime) -> list[SessionView]:
    """A ticket's states as the page's reader, who is their student, would see them. Runs no query."""
    mentor = Mentor(
        pk=1,
        slug="marcus-ellery",
        user=User(pk=-3, name="Marcus Ellery"),
        status=Mentor.Status.APPROVED,
        time_zone="America/New_York",
    )
    kind = SessionType(pk=1, slug="analysis-review", durations=[60])
    states = [
        (Status.SCHEDULED, 8 * DAY, " and paid, $115.50"),
        (Status.SCHEDULED, HOUR / 6, " and paid, $115.50"),
        (Status.AWAITING_PAYMENT, 7 * DAY, ""),
        (Status.REQUESTED, 5 * DAY, ""),
        (Status.COMPLETED, -4 * DAY, " and paid, $115.50"),
        (Status.CANCELLED, 6 * DAY, ", refunded $115.50"),
    ]
    minute = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
    return [
        SessionView(
            Booking(
                reference="SESSION-7KQ2M9XA",
                mentor=mentor,
                student=User(pk=request.user.pk, name="Arjun Kapoor"),
                session_type=kind,
                type_name="Analysis Review",
                status=status,
                starts_at=minute + ahead,
                ends_at=minute + ahead + HOUR,
                hold_expires_at=now + timedelta(minutes=9),
                respond_by=minute + DAY,
                price_minor=11_000,
                fee_minor=550,
                currency="USD",
            ),
            request,
            now,
            money=money,
        )
        for status, ahead, money in states
    ]
