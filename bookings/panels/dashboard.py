"""What bookings show on a mentor's own first page: what is next, the week ahead, who waits, how it is going."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.requests import viewer_zone
from bookings.answer_time import AnswerTime, answer_time_of
from bookings.models import Booking, BookingQuerySet, Status
from bookings.sessions import SessionView
from bookings.week_ahead import DAYS, Session, WeekAhead, draw_week
from lib.wallclock import epoch_minute, local_date
from mentors.availability import openings
from mentors.models import Mentor
from mentors.schedules import load_schedules

WEEK = timedelta(days=DAYS)
ONE_DAY = timedelta(days=1)


class DashboardPanels:
    """Made once for a page, with the mentor whose it is."""

    def __init__(self, request: HttpRequest, mentors: Sequence[Mentor]) -> None:
        self.request, self.mentors, self.now = request, mentors, timezone.now()

    def next(self) -> Mapping[int, SafeString]:
        """The next session, the seven days from today on, and the requests that wait for an answer."""
        rendered = {}
        for mentor in self.mentors:
            sessions = self._sessions_ahead(mentor)
            agreed = (each for each in sessions if each.status is Status.SCHEDULED)
            context = {
                "session": next(agreed, None) or self._first_after(mentor),
                "week": self._week(mentor, sessions),
                "zone": viewer_zone(self.request, mentor.zone),
                "requests": [each for each in sessions if each.status is Status.REQUESTED],
            }
            rendered[mentor.pk] = SafeString(
                render_to_string("bookings/_dashboard_next.html", context, request=self.request)
            )
        return rendered

    def figures(self) -> Mapping[int, SafeString]:
        """How students find the mentor, and how soon requests are answered."""
        rendered = {}
        for mentor in self.mentors:
            answered: AnswerTime | None = answer_time_of(mentor, self.now)
            context = {"mentor": mentor, "answered": answered}
            rendered[mentor.pk] = SafeString(render_to_string("bookings/_dashboard_figures.html", context))
        return rendered

    def _week(self, mentor: Mentor, sessions: Sequence[SessionView]) -> WeekAhead:
        zone = viewer_zone(self.request, mentor.zone)
        schedule = load_schedules([mentor])[mentor.pk]
        today = local_date(schedule.zone, epoch_minute(self.now))
        # A day more on either side: the reader's calendar may be another than the mentor's.
        open_hours = openings(schedule, today - ONE_DAY, today + WEEK + ONE_DAY)
        return draw_week(
            [(each.start, each.limit) for each in open_hours],
            [
                Session(
                    each.booking.starts_at,
                    each.booking.ends_at,
                    is_asked=each.status is Status.REQUESTED,
                    name=each.booking.type_name,
                    student=each.other_name,
                    url=each.booking.get_absolute_url(),
                )
                for each in sessions
            ],
            zone,
            self.now,
        )

    def _sessions_ahead(self, mentor: Mentor) -> list[SessionView]:
        """Every open request, and what is agreed for the week to come: one query."""
        within_a_week = Q(status=Status.SCHEDULED, starts_at__lte=self.now + WEEK)
        rows = self._upcoming(mentor).filter(Q(status=Status.REQUESTED) | within_a_week)
        return [SessionView(each, self.request, self.now) for each in rows]

    def _first_after(self, mentor: Mentor) -> SessionView | None:
        row = self._upcoming(mentor).filter(status=Status.SCHEDULED).first()
        return SessionView(row, self.request, self.now) if row else None

    def _upcoming(self, mentor: Mentor) -> BookingQuerySet:
        return Booking.objects.for_mentor(mentor).upcoming(self.now).with_people().order_by("starts_at")
