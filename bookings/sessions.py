"""One session as one of its two people sees it: whose clock, what it is called, what can be done."""

from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.requests import knows_zone, viewer_zone
from bookings.models import Booking, Status
from bookings.permissions import (
    can_be_paid,
    has_room,
    is_mentor,
    is_room_open,
    is_student,
    why_not_accept,
    why_not_cancel,
    why_not_decline,
)
from lib.clock import (
    clock_change_note,
    format_offset,
    format_other_clock,
    format_range,
    format_zone,
    format_zone_name,
)


class SessionView:
    """Needs the booking's people loaded; runs no query."""

    def __init__(
        self,
        booking: Booking,
        request: HttpRequest,
        now: datetime,
        *,
        badge: SafeString | str = "",
        checked: str = "",
    ) -> None:
        """`checked` is what the student is told while money for the session is being checked.

        `can_join` says that it is going to take place or takes place, `is_near` that its room is open.
        """
        self.booking, self.now, self.badge, self.checked = booking, now, badge, checked
        self.zone = viewer_zone(request, booking.mentor.zone)
        self.is_own_clock = knows_zone(request)
        reader, is_checked = request.user, bool(checked)
        self.is_student = is_student(booking, reader)
        self.is_mentor = is_mentor(booking, reader)
        self.is_one_of_the_two = self.is_student or self.is_mentor
        self.can_pay = self.is_student and can_be_paid(booking, now, is_checked=is_checked)
        self.can_answer = not why_not_decline(booking, reader, now)
        self.can_accept = not why_not_accept(booking, reader, now)
        self.can_cancel = not why_not_cancel(booking, reader, now)
        self.can_join = has_room(booking, now)
        self.is_near = is_room_open(booking, now)

    @property
    def other_name(self) -> str:
        return self.booking.mentor.user.name if not self.is_mentor else self.booking.student.name

    @property
    def other_first_name(self) -> str:
        return self.booking.mentor.user.first_name if not self.is_mentor else self.booking.student.first_name

    @cached_property
    def other_zone(self) -> ZoneInfo | None:
        """The other person's clock; None for a student who never said which it is."""
        return self.booking.student.zone if self.is_mentor else self.booking.mentor.zone

    @property
    def local_start(self) -> datetime:
        return self.booking.starts_at.astimezone(self.zone)

    @property
    def hours(self) -> str:
        return format_range(self.booking.starts_at, self.booking.ends_at, self.zone)

    @property
    def zone_label(self) -> str:
        return format_zone(self.zone, self.booking.starts_at)

    @property
    def whose_clock(self) -> str:
        """`your time`, and while the reader's zone is unknown the name of the one that the page is in."""
        return "your time" if self.is_own_clock else f"in {format_zone_name(self.zone)}"

    @property
    def other_clock(self) -> str:
        """`6:30 am`, or nothing when both clocks read the same, or the other is unknown."""
        at, zone = self.booking.starts_at, self.other_zone
        if zone is None or format_offset(at, self.zone) == format_offset(at, zone):
            return ""
        return format_other_clock(at, self.zone, zone)

    @property
    def other_clock_and_zone(self) -> str:
        """`6:30 am in Europe/Berlin`, or nothing."""
        zone, words = self.other_zone, self.other_clock
        return f"{words} in {format_zone_name(zone)}" if zone and words else ""

    @property
    def other_zone_label(self) -> str:
        return format_zone(self.other_zone, self.booking.starts_at) if self.other_zone else ""

    @property
    def status(self) -> Status:
        return self.booking.status_at(self.now)

    @property
    def label(self) -> str:
        if self.status is Status.REQUESTED and self.is_mentor:
            return "Waiting for your answer"
        return self.booking.label_at(self.now)

    @property
    def clock_note(self) -> str:
        return clock_change_note(self.zone, self.now, self.booking.starts_at) if self.is_ahead else ""

    @property
    def is_ahead(self) -> bool:
        return self.booking.starts_at > self.now and self.status not in (
            Status.CANCELLED,
            Status.DECLINED,
            Status.EXPIRED,
        )

    @property
    def where(self) -> str:
        """And what can be said of the room at the moment."""
        if self.is_near:
            return "Video call; the room is open"
        if self.can_join:
            return "Video call; the room opens 15 minutes before the start"
        return "Video call"

    @property
    def has_invite(self) -> bool:
        return self.booking.status == Status.SCHEDULED
