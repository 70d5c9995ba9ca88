"""Sets the scene on a site that runs with its demo; called inside it."""

from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.services import create_person
from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import State, free_starts
from bookings.models import Booking, Status
from bookings.services import book, rebuild_openings
from lib.clock import from_param
from lib.wallclock import DAY_MINUTES, epoch_minute, from_epoch_minute
from mentors.models import Mentor, SessionType
from mentors.schedules import Hours, load_schedules
from mentors.services import apply, approve, create_session_type, set_weekly_hours
from payments.gateways import mock
from payments.gateways.base import PayStatus
from payments.models import MockCheckout
from payments.services import ReturnUrls, open_checkout, settle
from tests.signed_in import session_of


def somebody(name: str, password: str | None = None) -> User:
    """A person in Kolkata whose account is not new."""
    address = f"{name.lower().replace(' ', '.')}@example.com"
    joined_at = timezone.now() - timedelta(days=100)
    return create_person(
        email=address, name=name, password=password, time_zone="Asia/Kolkata", date_joined=joined_at
    )


def newcomer(name: str, password: str) -> str:
    """Somebody who can sign in: their address."""
    return somebody(name, password).email


def signed_in(name: str) -> str:
    """The key of a session in which that person of the demo is signed in."""
    return session_of(User.objects.get(email=f"{name}@example.com"))


def next_start(session_type: SessionType, student: User) -> datetime:
    """The first start that this student could book."""
    now, mentor = timezone.now(), session_type.mentor
    window = (epoch_minute(now), epoch_minute(now) + 61 * DAY_MINUTES)
    busy = load_busy([mentor], student, window, now)[mentor.pk]
    schedule, lead = load_schedules([mentor])[mentor.pk], lead_minutes(session_type)
    starts = free_starts(schedule, busy, window, session_type.durations[0], now, lead_minutes=lead)
    return next(from_epoch_minute(minute) for minute, state in starts if state is State.FREE)


def booked(mentor: str, name: str, student: User) -> Booking:
    session_type = SessionType.objects.select_related("mentor__user").get(
        mentor__user__email=mentor, name=name
    )
    return book(
        student=student,
        session_type=session_type,
        duration_minutes=session_type.durations[0],
        starts_at=next_start(session_type, student),
        now=timezone.now(),
        topic="Where to go next",
        notes="Two offers, one weekend.\nhttps://example.com/cv",
    )


def declined_card(booking: Booking) -> None:
    """A checkout whose first try the bank refused."""
    now = timezone.now()
    payment = open_checkout(booking.pk, "mock", now=now, urls=ReturnUrls(success="/", cancel="/"))
    mock.simulate(payment.provider_ref, mock.Outcome.FAILURE)
    settle(payment.pk, source="test", now=now)


def checked(booking: Booking) -> None:
    """Paid in such a way that the bank takes its time."""
    now = timezone.now()
    payment = open_checkout(booking.pk, "mock", now=now, urls=ReturnUrls(success="/", cancel="/"))
    MockCheckout.objects.filter(provider_ref=payment.provider_ref).update(status=PayStatus.PROCESSING)
    settle(payment.pk, source="test", now=now)


def held(name: str) -> dict[str, str]:
    """Somebody new of that name with an unpaid session: its reference, and the key of their sign-in."""
    payer = somebody(name)
    booking = booked("mentor@example.com", "Career Guidance", payer)
    return {"reference": booking.reference, "session": session_of(payer)}


def stage() -> dict[str, str]:
    """One session in each state that has pages of its own: their references."""
    student = User.objects.get(email="student@example.com")
    mentor_user = User.objects.get(email="mentor@example.com")
    held = booked("mentor@example.com", "Career Guidance", student)
    declined_card(held)
    at_the_bank = booked("mentor@example.com", "Resume Review", student)
    checked(at_the_bank)
    free = booked("mentor@example.com", "Mock Interview", student)
    approving = SessionType.objects.filter(mentor__user__email="approval@example.com", requires_approval=True)
    requested = booked("approval@example.com", approving[0].name, student)
    cancelled = Booking.objects.filter(student=student, status=Status.CANCELLED).first()
    ahead = Booking.objects.filter(student=student, status=Status.SCHEDULED, starts_at__gt=timezone.now())
    paid = ahead.filter(price_minor__gt=0)[0]
    return {
        "held": held.reference,
        "checked": at_the_bank.reference,
        "free": free.reference,
        "requested": requested.reference,
        "paid": paid.reference,
        "cancelled": cancelled.reference if cancelled else "",
        "mentor_slug": mentor_user.mentor.slug,
        "start": f"{next_start(free.session_type, student):%Y-%m-%dT%H:%MZ}",
        "date": f"{next_start(free.session_type, student).astimezone(mentor_user.mentor.zone):%Y-%m-%d}",
        "free_type": free.session_type.slug,
        "paid_type": held.session_type.slug,
    }


def take(mentor: str, start: str) -> None:
    """Somebody else books that start of the mentor's free session."""
    session_type = SessionType.objects.select_related("mentor__user").get(
        mentor__user__email=mentor, name="Mock Interview"
    )
    other = somebody(f"Quick {User.objects.count()}")
    at = from_param(start)
    assert at is not None
    book(student=other, session_type=session_type, duration_minutes=60, starts_at=at, now=timezone.now())


def empty_week(name: str) -> str:
    """A mentor in Kolkata who can be booked but has set no hours yet; the key of their sign-in."""
    now, user = timezone.now(), somebody(name.title())
    mentor = apply(
        user=user, headline="A mentor", bio="Of few words.", skills=["Python"], languages=[],
        time_zone="Asia/Kolkata", now=now,
    )  # fmt: skip
    approve(mentor, by=user, now=now)
    create_session_type(
        mentor=mentor, name="Mock Interview", description="", pricing="fixed", price_minor=0,
        currency="INR", durations=[60], requires_approval=False,
    )  # fmt: skip
    return session_of(user)


def open_always(name: str) -> None:
    """The mentor of that name is open at every hour of the week."""
    mentor = Mentor.objects.get(user__email=f"{name}@example.com")
    set_weekly_hours(mentor=mentor, week=[Hours(day, "open", time(0), time(0)) for day in range(7)])
    rebuild_openings(timezone.now())


def leaver(name: str, password: str) -> str:
    """Somebody with a free session ahead: its reference."""
    return booked("mentor@example.com", "Mock Interview", somebody(name, password)).reference


def change_offer(mentor: str, name: str, **facts: Any) -> None:
    """The mentor's session of that name is another by now."""
    SessionType.objects.filter(mentor__user__email=mentor, name=name).update(**facts)
