"""Whom and what the measured pages and works are about, found in a filled database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from benchmarks.scale import rows
from benchmarks.scale.sizes import Size
from bookings.engine.busy import load_busy
from bookings.engine.offered import lead_minutes
from bookings.engine.slots import State, free_starts
from bookings.models import Booking, Status
from lib.clock import to_param
from lib.wallclock import DAY_MINUTES, epoch_minute, from_epoch_minute
from mentors.models import Mentor, SessionType
from mentors.schedules import load_schedules


@dataclass(frozen=True)
class World:
    size: Size

    @cached_property
    def mentor(self) -> Mentor:
        return Mentor.objects.select_related("user").get(pk=self.size.looked_at)

    @cached_property
    def staff(self) -> User:
        return User.objects.get(email="staff@example.com")

    @cached_property
    def sessions(self) -> dict[str, Booking]:
        """One of the mentor's in each state that has pages of its own."""
        mine = Booking.objects.with_people().filter(mentor=self.mentor)
        ahead = mine.filter(status=Status.SCHEDULED, starts_at__gt=timezone.now()).order_by("starts_at")
        behind = mine.filter(status=Status.COMPLETED).order_by("-starts_at")
        found = {
            "free": ahead.filter(price_minor=0).first(),
            "paid": ahead.filter(price_minor__gt=0).first(),
            "held": mine.open_holds(timezone.now()).first(),
            "requested": mine.filter(status=Status.REQUESTED, respond_by__gt=timezone.now()).first(),
            "past": behind.filter(price_minor__gt=0, review=None).first(),
            "reviewed": behind.exclude(review=None).first(),
            "cancelled": mine.filter(status=Status.CANCELLED, price_minor__gt=0)
            .order_by("-starts_at")
            .first(),
        }
        return {name: booking for name, booking in found.items() if booking is not None}

    @cached_property
    def types(self) -> dict[str, SessionType]:
        return {
            each.slug: each
            for each in SessionType.objects.select_related("mentor__user").filter(mentor=self.mentor)
        }

    @cached_property
    def facts(self) -> dict[str, str]:
        """What an address may name in braces: besides these each session's reference."""
        start = self.free_start(self.types["interview"])
        override = self.mentor.date_overrides.order_by("pk").last()
        assert override is not None
        return {
            "mentor": self.mentor.slug,
            "name": self.mentor.user.name,
            "email": self.sessions["paid"].student.email,
            "date": start.astimezone(self.mentor.zone).date().isoformat(),
            "start": to_param(start),
            "override": str(override.pk),
            "order": self.sessions["paid"].payments.get().reference,
            "paid_pk": str(self.sessions["paid"].pk),
            "past_pk": str(self.sessions["past"].pk),
            "review_pk": str(self.sessions["reviewed"].review.pk),
            "rare": rows.RARE_WORD,
            "common": rows.COMMON_WORD,
            **{name: booking.reference for name, booking in self.sessions.items()},
        }

    @property
    def student(self) -> User:
        """One who has no session of the mentor's ahead."""
        return self.sessions["past"].student

    def free_start(self, session_type: SessionType) -> datetime:
        """The first that this student could book some days from now."""
        now, mentor = timezone.now(), session_type.mentor
        soon = epoch_minute(now + timedelta(days=3))
        window = (soon, soon + 30 * DAY_MINUTES)
        busy = load_busy([mentor], self.student, window, now)[mentor.pk]
        schedule, lead = load_schedules([mentor])[mentor.pk], lead_minutes(session_type)
        starts = free_starts(schedule, busy, window, session_type.durations[0], now, lead_minutes=lead)
        return next(from_epoch_minute(minute) for minute, state in starts if state is State.FREE)

    def row(self, model: type[Model]) -> Any:
        """One from the middle of its table."""
        found = model._default_manager.order_by("pk")
        last = found.last()
        if last is None:
            raise LookupError(f"No {model._meta.verbose_name} is filled in")
        middle = found.filter(pk__gte=last.pk // 2).first() if isinstance(last.pk, int) else None
        return middle or last

    def person(self, who: str) -> User | None:
        """Nobody, the mentor, one of the staff, or the student of a session."""
        if who in ("mentor", "staff"):
            return self.mentor.user if who == "mentor" else self.staff
        return self.sessions[who].student if who else None

    def sign_in(self, who: str) -> None:
        """Once; `client` is signed in from then on."""
        person = self.person(who)
        if person is None or who in self._session_keys:
            return
        client = Client()
        client.force_login(person)
        request = HttpRequest()
        request.session = session = client.session
        record_authentication(request, person, method="password", reauthenticated=True)
        session.save()
        self._session_keys[who] = str(session.session_key)

    def client(self, who: str) -> Client:
        """A browser of theirs."""
        client = Client(SERVER_NAME="localhost")
        if who in self._session_keys:
            client.cookies[settings.SESSION_COOKIE_NAME] = self._session_keys[who]
        return client

    @cached_property
    def _session_keys(self) -> dict[str, str]:
        return {}

    def leave(self) -> None:
        Session.objects.filter(session_key__in=self._session_keys.values()).delete()
