"""The workloads as rows, each with a mentor of its own."""

from datetime import time

from accounts.models import User
from benchmarks.workloads import (
    DATA,
    DURATION,
    MENTOR_ZONE,
    NOW,
    OVERRIDES,
    STEP,
    VIEWER_ZONE,
    WEEKLY,
    Workload,
)
from bookings.models import Booking, Status, TimeClaim
from mentors.models import DateOverride, Mentor, SessionType, WeeklyHours


def viewer() -> User:
    return User.objects.create(email="viewer@example.com", name="Viewer", time_zone=VIEWER_ZONE.key)


def fill(workload: Workload) -> SessionType:
    """The mentor with their hours and sessions; what is asked for is the session type."""
    name = workload.name.lower()
    user = User.objects.create(email=f"{name}@example.com", name=f"Mentor {name}", is_mentor=True)
    mentor = Mentor.objects.create(
        user=user,
        slug=name,
        status=Mentor.Status.APPROVED,
        headline="Measured",
        bio="Measured",
        time_zone=MENTOR_ZONE.key,
        slot_interval_minutes=STEP,
        minimum_notice_hours=2,
        window_days=DATA["days"],
        max_per_day=50,
        max_per_week=300,
        applied_at=NOW,
        approved_at=NOW,
    )
    WeeklyHours.objects.bulk_create(
        WeeklyHours(mentor=mentor, weekday=day, starts=_time(start), ends=_time(end))
        for day, spans in WEEKLY.items()
        for start, end in spans
    )
    DateOverride.objects.bulk_create(
        DateOverride(mentor=mentor, first_date=day, last_date=day, **hours)
        for day, spans in OVERRIDES.items()
        for hours in [{"starts": _time(a), "ends": _time(b)} for a, b in spans] or [{}]
    )
    session_type = SessionType.objects.create(
        mentor=mentor, slug="session", name="Session", price_minor=0, durations=[DURATION]
    )
    student = User.objects.create(email=f"student-{name}@example.com", name="Student")
    sessions = Booking.objects.bulk_create(
        Booking(
            mentor=mentor,
            student=student,
            session_type=session_type,
            status=Status.SCHEDULED,
            starts_at=starts_at,
            ends_at=ends_at,
            type_name=session_type.name,
            price_minor=0,
            fee_minor=0,
            currency="USD",
            cancellation_policy=Mentor.Policy.FLEXIBLE,
            created_at=NOW,
        )
        for starts_at, ends_at in workload.sessions
    )
    TimeClaim.objects.bulk_create(
        TimeClaim(booking=each, person_id=person, starts_at=each.starts_at, ends_at=each.ends_at)
        for each in sessions
        for person in (user.pk, student.pk)
    )
    return session_type


def _time(minute: int) -> time:
    return time(minute // 60, minute % 60)
