"""The only writers of a session's state."""

from bookings.permissions import MENTOR_GONE
from bookings.services.attendance import complete, join
from bookings.services.booking import book, slot_taken
from bookings.services.cancelling import cancel, cancel_by_staff
from bookings.services.confirming import confirm
from bookings.services.errors import (
    BookingError,
    CapReached,
    ConditionsChanged,
    MoveChanged,
    NotAllowed,
    NotBookable,
    NotOffered,
    QuoteChanged,
    SlotGone,
    SlotTaken,
)
from bookings.services.holds import expire, extend_hold, release_hold
from bookings.services.leaving import end_waiting, forget_words, withdraw
from bookings.services.locking import lock_booking, lock_people
from bookings.services.openings import keep_openings_of, mark_changed, rebuild_openings, refresh_openings
from bookings.services.requests import accept, decline
from bookings.services.rescheduling import (
    ask_to_move,
    keep_old_time,
    lapse_move_request,
    reschedule,
    take_back_move,
)
from bookings.services.reviews import delete_review, hide_review, record_review, show_review
from bookings.services.sweep import sweep

__all__ = [
    "MENTOR_GONE",
    "BookingError",
    "CapReached",
    "ConditionsChanged",
    "MoveChanged",
    "NotAllowed",
    "NotBookable",
    "NotOffered",
    "QuoteChanged",
    "SlotGone",
    "SlotTaken",
    "accept",
    "ask_to_move",
    "book",
    "cancel",
    "cancel_by_staff",
    "complete",
    "confirm",
    "decline",
    "delete_review",
    "end_waiting",
    "expire",
    "extend_hold",
    "forget_words",
    "hide_review",
    "join",
    "keep_old_time",
    "keep_openings_of",
    "lapse_move_request",
    "lock_booking",
    "lock_people",
    "mark_changed",
    "rebuild_openings",
    "record_review",
    "refresh_openings",
    "release_hold",
    "reschedule",
    "show_review",
    "slot_taken",
    "sweep",
    "take_back_move",
    "withdraw",
]
