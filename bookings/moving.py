"""Moving an agreed session, before anybody presses: what is asked, by when it is answered, what the page has shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import cached_property

from accounts.models import User
from bookings.models import Booking, MoveRequest
from bookings.permissions import (
    MOST_MOVES,
    MOVE_ANSWER_BEFORE_START,
    is_mentor,
    is_student,
    why_not_answer_move,
    why_not_ask_to_move,
    why_not_move,
)
from bookings.policy import moves_until

ANSWER_MOVE_WITHIN = timedelta(hours=48)


def answer_by(booking: Booking, now: datetime) -> datetime:
    """Until when a request to move that is made now waits for its answer."""
    return min(now + ANSWER_MOVE_WITHIN, booking.starts_at - MOVE_ANSWER_BEFORE_START)


def open_request(booking: Booking, now: datetime) -> MoveRequest | None:
    """The one that waits for an answer, with its times: two queries, or one when there is none."""
    found = booking.move_requests.open_at(now).prefetch_related("times").first()
    if found is not None:
        found.booking = booking
    return found


def times_asked(booking: Booking, person: User) -> int:
    """How often that person has asked to move the session, whatever came of it."""
    return booking.move_requests.filter(asked_by=person).count()


@dataclass
class Moves:
    """What can be done about a session's time, as one of its two people sees it. Needs the people loaded."""

    booking: Booking
    person: User
    now: datetime

    @cached_property
    def request(self) -> MoveRequest | None:
        return open_request(self.booking, self.now)

    @cached_property
    def asked(self) -> int:
        return times_asked(self.booking, self.person)

    @property
    def why_not_move(self) -> str:
        return why_not_move(self.booking, self.person, self.now, self.request)

    @property
    def why_not_ask(self) -> str:
        return why_not_ask_to_move(self.booking, self.person, self.now, self.request, asked=self.asked)

    @property
    def why_not_answer(self) -> str:
        return why_not_answer_move(self.booking, self.person, self.now, self.request)

    @property
    def can_move(self) -> bool:
        """Whether its student picks another time, at once or by asking."""
        return self.is_student and not (self.why_not_move and self.why_not_ask)

    @property
    def can_ask(self) -> bool:
        """Whether its mentor asks."""
        return self.is_mentor and not self.why_not_ask

    @property
    def has_to_answer(self) -> bool:
        return not self.why_not_answer

    @property
    def is_asker(self) -> bool:
        return self.request is not None and self.request.asked_by_id == self.person.pk

    @property
    def is_student(self) -> bool:
        return is_student(self.booking, self.person)

    @property
    def is_mentor(self) -> bool:
        return is_mentor(self.booking, self.person)

    @property
    def left(self) -> int:
        """How often the student still moves it without asking."""
        return MOST_MOVES - self.booking.moves

    @property
    def free_until(self) -> datetime:
        return moves_until(self.booking.cancellation_policy, self.booking.starts_at)

    @property
    def token(self) -> str:
        """What a page says it has shown: with another time or another request it is another."""
        return token_of(self.booking, self.request)


def token_of(booking: Booking, request: MoveRequest | None) -> str:
    return f"{booking.sequence}:{request.pk if request else 0}"
