"""Rows for tests: each factory makes the plainest valid row; a test names what matters to it."""

from datetime import UTC, datetime, time, timedelta

import factory
from django.utils import timezone

from accounts.models import User
from bookings.models import Booking, Status
from bookings.services.claims import claim_time
from mentors.models import Language, Mentor, SessionType, Skill, WeeklyHours

# A Wednesday noon in Kolkata, far from any clock change in Europe and America.
NOW = datetime(2026, 12, 2, 6, 30, tzinfo=UTC)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password("office-hours")
    time_zone = "Asia/Kolkata"
    # Long enough ago that the account is not new.
    date_joined = factory.LazyFunction(lambda: timezone.now() - timedelta(days=100))


class SkillFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Skill

    name = factory.Sequence(lambda n: f"Skill {n}")
    slug = factory.Sequence(lambda n: f"skill-{n}")


class LanguageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Language
        django_get_or_create = ("code",)

    code = "en"
    name = "English"


class MentorFactory(factory.django.DjangoModelFactory):
    """Approved, in Kolkata, open Monday to Saturday 9:00 to 17:00."""

    class Meta:
        model = Mentor
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory, is_mentor=True, time_zone=factory.SelfAttribute("..time_zone"))
    slug = factory.Sequence(lambda n: f"mentor-{n}")
    status = Mentor.Status.APPROVED
    headline = "Staff engineer"
    bio = "I have built things."
    time_zone = "Asia/Kolkata"
    slot_interval_minutes = 60
    applied_at = NOW - timedelta(days=90)
    approved_at = NOW - timedelta(days=89)

    @factory.post_generation
    def hours(self, create: bool, extracted: list[tuple[int, str, str]] | None, **_: object) -> None:
        """`hours=[(weekday, "09:00", "17:00"), …]`; an empty list for none."""
        rows = [(day, "09:00", "17:00") for day in range(6)] if extracted is None else extracted
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                mentor=self, weekday=day, starts=time.fromisoformat(starts), ends=time.fromisoformat(ends)
            )
            for day, starts, ends in rows
        )


class SessionTypeFactory(factory.django.DjangoModelFactory):
    """₹1,000 for an hour; `price_minor=0` for a free one."""

    class Meta:
        model = SessionType

    mentor = factory.SubFactory(MentorFactory)
    slug = factory.Sequence(lambda n: f"type-{n}")
    name = "Career Guidance"
    description = "Where you stand, and the next two moves."
    price_minor = 100_000
    currency = "INR"
    durations = factory.LazyFunction(lambda: [60])


class BookingFactory(factory.django.DjangoModelFactory):
    """Scheduled, free, a week ahead; with its claims, as every booking that has its time."""

    class Meta:
        model = Booking
        skip_postgeneration_save = True

    session_type = factory.SubFactory(SessionTypeFactory, price_minor=0)
    mentor = factory.SelfAttribute("session_type.mentor")
    student = factory.SubFactory(UserFactory)
    status = Status.SCHEDULED
    starts_at = NOW + timedelta(days=7)
    ends_at = factory.LazyAttribute(lambda booking: booking.starts_at + timedelta(minutes=60))
    hold_expires_at = factory.LazyAttribute(
        lambda booking: NOW + timedelta(minutes=15) if booking.status == Status.AWAITING_PAYMENT else None
    )
    respond_by = factory.LazyAttribute(
        lambda booking: NOW + timedelta(hours=48) if booking.status == Status.REQUESTED else None
    )
    type_name = factory.SelfAttribute("session_type.name")
    price_minor = factory.SelfAttribute("session_type.price_minor")
    fee_minor = factory.LazyAttribute(lambda booking: booking.price_minor * 5 // 100)
    currency = factory.SelfAttribute("session_type.currency")
    cancellation_policy = Mentor.Policy.FLEXIBLE
    created_at = NOW

    @factory.post_generation
    def claims(self, create: bool, extracted: bool | None, **_: object) -> None:
        has_time = self.status not in (Status.CANCELLED, Status.EXPIRED, Status.DECLINED)
        if has_time if extracted is None else extracted:
            claim_time(self, self.hold_expires_at or self.respond_by)
