"""How soon a mentor answers requests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bookings.models import Booking, BookingEvent, Status
from mentors.models import Mentor

LOOKS_BACK = timedelta(days=90)
ANSWERS = (BookingEvent.Kind.ACCEPTED, BookingEvent.Kind.DECLINED)


@dataclass(frozen=True)
class AnswerTime:
    """`usual` is the median of what was answered; `missed` are those whose time for an answer ran out."""

    usual: timedelta | None
    answered: int
    missed: int

    @property
    def words(self) -> str:
        """`within 3 hours`: rounded up, in the largest unit that says something."""
        if self.usual is None:
            return ""
        minutes = -(-int(self.usual.total_seconds()) // 60)
        if minutes <= 60:
            return "within an hour"
        hours = -(-minutes // 60)
        return f"within {hours} hours" if hours <= 36 else f"within {-(-hours // 24)} days"


def answer_time_of(mentor: Mentor, now: datetime) -> AnswerTime | None:
    """Of the requests whose session starts after 90 days ago, in one query; None when there were none to answer."""
    rows = list(
        Booking.objects.for_mentor(mentor)
        .filter(starts_at__gt=now - LOOKS_BACK, requires_approval=True)
        .filter(events__kind__in=(*ANSWERS, BookingEvent.Kind.EXPIRED))
        .order_by("pk", "events__at")
        .values_list("pk", "created_at", "events__kind", "events__at", "status")
    )
    first: dict[int, tuple[datetime, str, datetime, str]] = {}
    for pk, created_at, kind, at, status in rows:
        first.setdefault(pk, (created_at, kind, at, status))
    waits = [
        (at - created_at).total_seconds() for created_at, kind, at, _ in first.values() if kind in ANSWERS
    ]
    missed = sum(
        kind == BookingEvent.Kind.EXPIRED and status == Status.EXPIRED
        for _, kind, _, status in first.values()
    )
    if not waits and not missed:
        return None
    return AnswerTime(timedelta(seconds=median(waits)) if waits else None, len(waits), missed)
