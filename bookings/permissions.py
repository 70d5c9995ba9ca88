"""Who may do what with a session: the one place for these rules, which pages and services both ask.

Each `why_not_…` says in words for that person why they may not do it at that instant, and is empty when they may.
Pure: a session, or a mentor, comes with its people loaded, and nothing runs a query. Who may see a session is
`Booking.objects.visible_to`; what of money stands in the way is `bookings.cancellation`.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from bookings.models import HOLDING, Booking, MoveRequest, Status
from bookings.policy import moves_until
from mentors.models import Mentor

Person = User | AnonymousUser

JOIN_OPENS = timedelta(minutes=15)

# How often a student moves a session without asking, and how often each of the two asks.
MOST_MOVES = 3
MOST_MOVE_REQUESTS = 3
MOST_PROPOSALS = 3
# A request to move is answered at least so long before the start, and whoever is asked has at least an hour.
MOVE_ANSWER_BEFORE_START = timedelta(hours=2)
SHORTEST_MOVE_ANSWER = timedelta(hours=1)

MENTOR_GONE = "The mentor takes no sessions at the moment."
NOT_OPEN = "This request is no longer open."
NOT_ASKED = "This request to move is no longer open."
NOT_CANCELLABLE = "This session can't be cancelled here any more."


def is_student(booking: Booking, person: Person) -> bool:
    return booking.student_id == person.pk


def is_mentor(booking: Booking, person: Person) -> bool:
    return booking.mentor.user_id == person.pk


def is_one_of_the_two(booking: Booking, person: Person) -> bool:
    """Staff look, and never take part."""
    return is_student(booking, person) or is_mentor(booking, person)


def why_not_book(mentor: Mentor, person: Person) -> str:
    """Anybody may who is neither switched off nor that mentor; signed out they choose, and sign in to book."""
    if person.pk and not person.is_active:
        return "Your account is switched off. Write to us about it."
    if person.pk == mentor.user_id:
        return "This is your own page: you can't book a session with yourself."
    return "" if mentor.is_bookable else "This mentor takes no bookings at the moment."


def why_not_cancel(booking: Booking, person: Person, now: datetime) -> str:
    """The student's holds, requests and sessions that have not begun; for the mentor free sessions that are agreed."""
    if not is_one_of_the_two(booking, person):
        return "Only the student and the mentor cancel a session here."
    is_agreed = booking.status == Status.SCHEDULED
    if booking.is_lapsed(now) or booking.status not in (*HOLDING, Status.SCHEDULED):
        return NOT_CANCELLABLE
    if is_agreed and booking.starts_at <= now:
        return NOT_CANCELLABLE
    if is_student(booking, person):
        return ""
    if not is_agreed:
        return NOT_CANCELLABLE
    return "" if booking.is_free else "A paid session is cancelled by its student or by our staff."


def why_not_move(booking: Booking, person: Person, now: datetime, request: MoveRequest | None) -> str:
    """Picking another time oneself: the student, until the policy's first line and three times; and whenever the
    mentor asks to move. `request` is the one that waits for an answer, if any does."""
    if not is_student(booking, person):
        return "Only the student moves a session without asking."
    if refused := _why_not_movable(booking, now):
        return refused
    if request is not None:
        return (
            ""
            if request.is_mentors
            else "You have asked to move this session. Take that back to pick a time."
        )
    if booking.moves >= MOST_MOVES:
        return f"You have moved this session {MOST_MOVES} times. You can still ask {booking.mentor.user.first_name}."
    if now > moves_until(booking.cancellation_policy, booking.starts_at):
        return f"It is too late to move this session without asking {booking.mentor.user.first_name}."
    return ""


def why_not_ask_to_move(
    booking: Booking, person: Person, now: datetime, request: MoveRequest | None, *, asked: int
) -> str:
    """The mentor, and the student who can't move it themselves any more. `asked` is how often that person has."""
    if not is_one_of_the_two(booking, person):
        return "Only the student and the mentor ask to move a session."
    if refused := _why_not_movable(booking, now):
        return refused
    if request is not None:
        return "A request to move this session waits for its answer."
    if is_student(booking, person) and not why_not_move(booking, person, now, None):
        return "You can move this session without asking."
    if asked >= MOST_MOVE_REQUESTS:
        return f"You have asked to move this session {MOST_MOVE_REQUESTS} times, which is the most."
    if now + SHORTEST_MOVE_ANSWER > booking.starts_at - MOVE_ANSWER_BEFORE_START:
        return "It is too late to ask to move this session: nobody would have the time to answer."
    return ""


def why_not_answer_move(booking: Booking, person: Person, now: datetime, request: MoveRequest | None) -> str:
    """The one of the two who was asked."""
    if not is_one_of_the_two(booking, person):
        return "Only the student and the mentor answer a request to move."
    if request is None or _why_not_movable(booking, now):
        return NOT_ASKED
    return (
        "You have asked yourself: the answer is the other side’s." if request.asked_by_id == person.pk else ""
    )


def _why_not_movable(booking: Booking, now: datetime) -> str:
    if booking.status != Status.SCHEDULED or booking.starts_at <= now:
        return "This session can’t be moved any more."
    return MENTOR_GONE if booking.mentor_is_gone else ""


def why_staff_can_not_cancel(booking: Booking, now: datetime) -> str:
    """Whatever has not ended, until it is over; who of the staff is asked by their permissions in the admin."""
    status = booking.status_at(now)
    return (
        "" if status in (*HOLDING, Status.SCHEDULED) else f"This session is {status.label.lower()} already."
    )


def why_not_decline(booking: Booking, person: Person, now: datetime) -> str:
    if not is_mentor(booking, person):
        return "Only the mentor answers a request."
    return "" if booking.status_at(now) == Status.REQUESTED else NOT_OPEN


def why_not_accept(booking: Booking, person: Person, now: datetime) -> str:
    """Who has paused their profile still answers the requests that came before."""
    if refused := why_not_decline(booking, person, now):
        return refused
    if not booking.mentor.may_accept:
        return "Your profile is suspended, so you can't accept requests. Write to us."
    return ""


def can_be_paid(booking: Booking, now: datetime, *, is_checked: bool) -> bool:
    """By its student: not twice, and not for a mentor who has left.

    `is_checked` says that money for it is being checked: `bookings.ports.being_checked`.
    """
    return booking.payable_at(now) and not is_checked and not booking.mentor_is_gone


def why_not_join(booking: Booking, person: Person, now: datetime) -> str:
    if not is_one_of_the_two(booking, person):
        return "Only the student and the mentor join a session."
    if booking.status != Status.SCHEDULED:
        return "This session is not taking place any more."
    return "" if is_room_open(booking, now) else "The room opens 15 minutes before the start."


def has_room(booking: Booking, now: datetime) -> bool:
    """It is going to take place, or takes place."""
    return booking.status == Status.SCHEDULED and booking.ends_at > now


def is_room_open(booking: Booking, now: datetime) -> bool:
    """From a quarter of an hour before the start until the end."""
    return has_room(booking, now) and booking.starts_at - JOIN_OPENS <= now


def why_not_review(booking: Booking) -> str:
    return "" if booking.status == Status.COMPLETED else "Only a session that took place can be reviewed."
