"""The demo's people and mentors, made by the same services as everybody else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from babel import Locale
from django.contrib.auth.hashers import make_password
from django.utils.text import slugify

from accounts.models import User
from accounts.services import create_person
from config.demo.pictures import draw_picture
from config.demo.plans import (
    HoursPlan,
    MentorPlan,
    OverridePlan,
    PersonPlan,
    load_fields,
    load_mentors,
    load_people,
)
from lib.money import to_minor
from mentors.models import DateOverride, Field, Language, Mentor, SessionType, Skill, WeeklyHours
from mentors.schedules import Hours
from mentors.services import apply, approve, create_session_type, set_weekly_hours

PASSWORD = "office-hours"  # noqa: S105
ACCOUNTS = ("student@example.com", "mentor@example.com", "approval@example.com", "staff@example.com")
# Nobody's account is new, so nobody has a new account's caps.
ACCOUNT_BEFORE_APPLYING = timedelta(days=14)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Cast:
    """Everybody, under the names that the script uses."""

    people: dict[str, User]  # by address
    mentors: dict[str, Mentor]
    session_types: dict[tuple[str, str], SessionType]
    plans: dict[str, MentorPlan]

    @property
    def students(self) -> list[User]:
        """Those with a past as students: no mentors, no staff, none of the accounts that a visitor signs in with."""
        return [
            person
            for address, person in self.people.items()
            if not (person.is_mentor or person.is_staff or address in ACCOUNTS)
        ]


def fill_cast(now: datetime) -> Cast:
    people = {plan.address: _person(plan, now) for plan in load_people()}
    staff = next(person for person in people.values() if person.is_staff)
    cast = Cast(people, {}, {}, {})
    for plan in load_mentors():
        _add_mentor(cast, plan, staff, now)
    # One hash for all: each would take as long as everything else together.
    User.objects.filter(pk__in=[person.pk for person in people.values()]).update(
        password=make_password(PASSWORD)
    )
    return cast


def fill_fields() -> None:
    """In the script's order, with those of their skills that mentors have."""
    for position, plan in enumerate(load_fields()):
        field, _ = Field.objects.get_or_create(
            slug=slugify(plan.name), defaults={"name": plan.name, "position": position}
        )
        field.skills.add(*Skill.objects.filter(name__in=plan.skills))


def _person(plan: PersonPlan, now: datetime) -> User:
    return create_person(
        email=plan.address,
        password=None,
        name=plan.name,
        time_zone=plan.time_zone,
        is_staff=plan.is_staff,
        is_superuser=plan.is_staff,
        date_joined=now - timedelta(days=250),
    )


def _add_mentor(cast: Cast, plan: MentorPlan, staff: User, now: datetime) -> None:
    joined_at = now - timedelta(days=plan.joined_days_ago)
    person = create_person(
        email=plan.address,
        password=None,
        name=plan.name,
        time_zone=plan.time_zone,
        date_joined=joined_at - ACCOUNT_BEFORE_APPLYING,
    )
    mentor = apply(
        user=person,
        headline=plan.headline,
        bio=plan.bio,
        skills=plan.skills,
        languages=_languages(plan.languages),
        time_zone=plan.time_zone,
        photo=draw_picture(plan.picture) if plan.picture else None,
        now=joined_at,
    )
    if not plan.is_application:
        mentor = approve(mentor, by=staff, now=joined_at + timedelta(hours=20))
    _set_rules(mentor, plan)
    set_weekly_hours(mentor=mentor, week=_week(plan.hours))
    today = now.astimezone(mentor.zone).date()
    DateOverride.objects.bulk_create(
        row for override in plan.overrides for row in _override(mentor, plan, override, today)
    )
    for offer in plan.session_types:
        cast.session_types[plan.key, offer.key] = create_session_type(
            mentor=mentor,
            name=offer.name,
            description=offer.description,
            pricing=offer.pricing,
            price_minor=to_minor(offer.price, offer.currency),
            currency=offer.currency,
            durations=offer.durations,
            requires_approval=offer.requires_approval,
        )
    person.refresh_from_db()
    cast.people[plan.address], cast.mentors[plan.key], cast.plans[plan.key] = person, mentor, plan


def _languages(codes: Iterable[str]) -> list[Language]:
    names = Locale("en").languages
    return [Language.objects.get_or_create(code=code, defaults={"name": names[code]})[0] for code in codes]


def _set_rules(mentor: Mentor, plan: MentorPlan) -> None:
    names = (
        *("cancellation_policy", "slot_interval_minutes", "buffer_minutes", "minimum_notice_hours"),
        *("allows_same_day", "window_days", "max_per_day", "max_per_week", "is_paused"),
    )
    for name in names:
        setattr(mentor, name, getattr(plan, name))
    mentor.save(update_fields=names)


def _week(plans: Iterable[HoursPlan]) -> list[Hours]:
    return [
        Hours(WEEKDAYS.index(day), kind, *_times(text))
        for plan in plans
        for day in plan.days
        for kind, texts in ((WeeklyHours.Kind.OPEN, plan.open), (WeeklyHours.Kind.BREAK, plan.breaks))
        for text in texts
    ]


def _override(mentor: Mentor, plan: MentorPlan, override: OverridePlan, today: date) -> list[DateOverride]:
    first = today + timedelta(days=override.in_days)
    if not override.open:
        last = first + timedelta(days=override.days - 1)
        return [DateOverride(mentor=mentor, first_date=first, last_date=last, note=override.note)]
    worked = {WEEKDAYS.index(day) for hours in plan.hours for day in hours.days}
    while first.weekday() not in worked:
        first += timedelta(days=1)
    return [
        DateOverride(
            mentor=mentor, first_date=first, last_date=first, starts=starts, ends=ends, note=override.note
        )
        for starts, ends in map(_times, override.open)
    ]


def _times(text: str) -> tuple[time, time]:
    """`09:00-17:30`."""
    starts, _, ends = text.partition("-")
    return time.fromisoformat(starts), time.fromisoformat(ends)
