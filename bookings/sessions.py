"""One session as one of its readers sees it: whose clock, how it stands, what comes next, and what is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.requests import knows_zone, viewer_zone
from bookings import panels
from bookings.models import Booking, MoveRequest, Status
from bookings.permissions import (
    JOIN_OPENS,
    MENTOR_GONE,
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
    format_below_day,
    format_city,
    format_offset,
    format_other_clock,
    format_range,
    format_short_moment,
    format_time,
    format_zone_name,
)
from lib.money import format_money
from mentors.models import Mentor

# What upper apps say that a session's state and ticket depend on.
STATE_PANELS = ("session_state", "session_checked", "session_receipt")
ENDED_WORDS = {
    Status.NO_SHOW: "Missed",
    Status.DECLINED: "Declined",
    Status.EXPIRED: "Lapsed",
    Status.CANCELLED: "Cancelled",
}


@dataclass(frozen=True)
class State:
    """How a session stands.

    `look` picks shape and colour: done, waits, over or ended. `note` is one sentence on what comes next. `held_until`
    is when a hold runs out; `awaited_at` a moment that the note leads up to, and `awaited` how it goes on.
    """

    look: str
    words: str
    note: str = ""
    held_until: datetime | None = None
    awaited_at: datetime | None = None
    awaited: str = ""


@dataclass(frozen=True)
class Action:
    """The one thing that is due, or that leads on."""

    label: str
    url: str


class SessionView:
    """Needs the booking's people loaded; runs no query."""

    def __init__(
        self,
        booking: Booking,
        request: HttpRequest,
        now: datetime,
        *,
        money: SafeString | str = "",
        checked: SafeString | str = "",
        receipt_url: str = "",
        move_request: MoveRequest | None = None,
    ) -> None:
        """`money` is what goes on after the state's words; `checked` is what the student is told while money for the
        session is being checked; `move_request` is the one that waits for its answer.

        `can_join` says that it is going to take place or takes place, `is_near` that its room is open.
        """
        self.booking, self.now = booking, now
        self.money, self.checked, self.receipt_url = money, checked, receipt_url
        self.move_request = move_request
        self.zone = viewer_zone(request, booking.mentor.zone)
        self.is_own_clock = knows_zone(request)
        reader, is_checked = request.user, bool(checked)
        self.reader_pk = reader.pk
        self.is_student = is_student(booking, reader)
        self.is_mentor = is_mentor(booking, reader)
        self.is_one_of_the_two = self.is_student or self.is_mentor
        self.can_pay = self.is_student and can_be_paid(booking, now, is_checked=is_checked)
        self.can_answer = not why_not_decline(booking, reader, now)
        self.can_accept = not why_not_accept(booking, reader, now)
        self.can_cancel = not why_not_cancel(booking, reader, now)
        self.can_join = has_room(booking, now)
        self.is_near = is_room_open(booking, now)

    # The other person

    @property
    def other(self) -> Mentor | User:
        """Whoever has a portrait on this reader's page."""
        return self.booking.student if self.is_mentor else self.booking.mentor

    @property
    def other_name(self) -> str:
        return self.booking.mentor.user.name if not self.is_mentor else self.booking.student.name

    @property
    def other_first_name(self) -> str:
        return self.booking.mentor.user.first_name if not self.is_mentor else self.booking.student.first_name

    @property
    def other_url(self) -> str:
        """The mentor's profile, as long as it is public; students have none."""
        mentor = self.booking.mentor
        return mentor.get_absolute_url() if mentor.is_bookable and not self.is_mentor else ""

    @cached_property
    def other_zone(self) -> ZoneInfo | None:
        """The other person's clock; None for a student who never said which it is."""
        return self.booking.student.zone if self.is_mentor else self.booking.mentor.zone

    # Its time

    @property
    def local_start(self) -> datetime:
        return self.booking.starts_at.astimezone(self.zone)

    @property
    def is_today(self) -> bool:
        return self.local_start.date() == self.now.astimezone(self.zone).date()

    @property
    def below_day(self) -> str:
        """`Wed`, and the month where it is not this one."""
        return format_below_day(self.local_start.date(), self.now.astimezone(self.zone).date())

    @property
    def hours(self) -> str:
        return format_range(self.booking.starts_at, self.booking.ends_at, self.zone)

    @property
    def my_zone(self) -> ZoneInfo | None:
        """The reader's own, or None while it is unknown and the page is in the mentor's."""
        return self.zone if self.is_own_clock or self.is_mentor else None

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
    def other_clock_and_city(self) -> str:
        """`6:30 am in Berlin`, or nothing."""
        zone, words = self.other_zone, self.other_clock
        return f"{words} in {format_city(zone)}" if zone and words else ""

    @property
    def zone_line(self) -> str:
        """`Kolkata time; 9:00 am for Farah in Toronto`, on a page that names its zones in full elsewhere."""
        city = f"{format_city(self.zone)} time"
        if self.other_zone is None:
            return city
        if self.my_zone is None:
            return f"{city}, where {self.other_first_name} is"
        if not self.other_clock:
            return f"{city}, the same for {self.other_first_name}"
        return f"{city}; {self.other_clock} for {self.other_first_name} in {format_city(self.other_zone)}"

    @property
    def has_two_clocks(self) -> bool:
        """Whether its ticket draws both: while the time is agreed or asked for, and still ahead."""
        waits = (Status.SCHEDULED, Status.REQUESTED)
        return self.is_ahead and self.status in waits and self.other_zone is not None

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
    def room_opens_at(self) -> datetime:
        return self.booking.starts_at - JOIN_OPENS

    # How it stands

    @property
    def status(self) -> Status:
        return self.booking.status_at(self.now)

    @property
    def is_over(self) -> bool:
        return self.status not in (Status.REQUESTED, Status.AWAITING_PAYMENT, Status.SCHEDULED)

    @property
    def tone(self) -> str:
        """Of its dial."""
        if self.is_over:
            return "over"
        return "held" if self.status == Status.AWAITING_PAYMENT else ""

    @cached_property
    def state(self) -> State:
        """In words for its student, its mentor, or staff."""
        if self.status == Status.AWAITING_PAYMENT:
            return self._state_of_hold()
        if self.status == Status.REQUESTED:
            return self._state_of_request()
        if self.status == Status.SCHEDULED:
            return self._state_of_agreed()
        if self.status == Status.COMPLETED:
            return State("over", self._with_money("Completed"))
        return State("ended", self._with_money(ENDED_WORDS[self.status]), self._why_ended())

    def _state_of_hold(self) -> State:
        student, until = self.booking.student.first_name, self.booking.hold_expires_at
        if not self.is_student:
            return State("waits", self._with_money(f"Held for {student}"), held_until=until)
        if self.checked:
            return State("waits", "Payment being checked", self.checked)
        if self.booking.mentor_is_gone:
            return State("ended", "Can’t take place", MENTOR_GONE)
        amount = format_money(self.booking.amount_minor, self.booking.currency)
        return State("waits", "Held for you", f"{amount} to pay", held_until=until)

    def _state_of_request(self) -> State:
        by = self.booking.respond_by
        words = f"Asked, answer by {format_short_moment(by, self.zone)}" if by else "Asked"
        return State("waits", words, "The time is kept until then.")

    def _state_of_agreed(self) -> State:
        starts_at, opens_at = self.booking.starts_at, self.room_opens_at
        if self.move_request and not self.is_near:
            return self._state_of_asked_to_move(self.move_request)
        if not self.is_near:
            is_same_day = opens_at.astimezone(self.zone).date() == self.local_start.date()
            opens = f"at {format_time(opens_at, self.zone)}{'' if is_same_day else ' the day before'}"
            note = "The room opens on this page"
            return State("done", self._with_money("Booked"), note, awaited_at=opens_at, awaited=opens)
        if starts_at > self.now:
            starts = f"at {format_time(starts_at, self.zone)}"
            return State("done", "The room is open", "Starts", awaited_at=starts_at, awaited=starts)
        ends = format_time(self.booking.ends_at, self.zone)
        return State("done", "The room is open", f"In progress until {ends}.")

    def _state_of_asked_to_move(self, request: MoveRequest) -> State:
        by = f"by {format_short_moment(request.answer_by, self.zone)}; until then this time stands."
        if self.has_to_answer_move:
            return State("waits", f"{self.other_first_name} asks to move", f"Answer {by}")
        if self.is_one_of_the_two:
            return State("waits", "You asked to move", f"{self.other_first_name} can answer {by}")
        return State("waits", "Asked to move", f"Answer {by}")

    def _why_ended(self) -> str:
        if self.status == Status.EXPIRED:
            return f"Nobody {'paid' if self.booking.hold_expires_at else 'answered'} in time."
        if self.status == Status.DECLINED and not self.is_mentor:
            return f"{self.booking.mentor.user.first_name} could not take this time."
        return ""

    def _with_money(self, words: str) -> SafeString:
        """`Booked and paid, ₹1,050`."""
        return conditional_escape(words) + conditional_escape(self.money)

    # What can be done

    @property
    def has_to_answer_move(self) -> bool:
        request = self.move_request
        return request is not None and self.is_one_of_the_two and request.asked_by_id != self.reader_pk

    @cached_property
    def action(self) -> Action | None:
        """Nothing where nothing is due; a request's two answers are forms of their own, by `can_answer`."""
        if self.can_pay:
            return Action("Proceed to Payment", reverse("payment", args=[self.booking.reference]))
        if self.has_to_answer_move and not self.is_near:
            return Action("Answer", reverse("session_reschedule", args=[self.booking.reference]))
        if self.is_near and self.is_one_of_the_two:
            return Action("Join Session", reverse("session_join", args=[self.booking.reference]))
        if self.is_over and self.is_student:
            return self._book_again()
        return None

    def _book_again(self) -> Action:
        """The same session at another time, or another session where that one is no longer offered."""
        mentor, kind, minutes = (
            self.booking.mentor,
            self.booking.session_type,
            self.booking.duration_minutes,
        )
        if not mentor.is_bookable:
            return Action("Browse More Mentors", reverse("mentor_list"))
        wizard = reverse("book", args=[mentor.slug])
        if kind.is_active and minutes in kind.durations:
            wizard += f"?{urlencode({'type': kind.slug, 'duration': minutes})}"
        return Action("Book again", wizard)

    @property
    def has_invite(self) -> bool:
        return self.status == Status.SCHEDULED

    @property
    def has_notes(self) -> bool:
        """What the student wrote, for the mentor to read beforehand."""
        return self.is_mentor and bool(self.booking.topic or self.booking.notes)


def session_views(
    request: HttpRequest,
    bookings: Sequence[Booking],
    now: datetime,
    *,
    told: Mapping[str, Mapping[int, SafeString]] | None = None,
) -> list[SessionView]:
    """All of a page's sessions, with what is known of their money: the same queries for one and for thirty.

    `told` are their `STATE_PANELS`, where the page asks for others besides, so that all share what is loaded.
    """
    told = told or panels.sessions.render(request, bookings, *STATE_PANELS)
    agreed = [each.pk for each in bookings if each.status == Status.SCHEDULED and each.starts_at > now]
    requests = {each.booking_id: each for each in MoveRequest.objects.open_at(now).filter(booking__in=agreed)}
    return [
        SessionView(
            booking,
            request,
            now,
            money=told["session_state"][booking.pk],
            checked=told["session_checked"][booking.pk],
            receipt_url=told["session_receipt"][booking.pk],
            move_request=requests.get(booking.pk),
        )
        for booking in bookings
    ]
