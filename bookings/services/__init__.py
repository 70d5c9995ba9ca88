"""The only writers of a session's state."""

from bookings.services.booking import book
from bookings.services.errors import (
    BookingError,
    CapReached,
    ConditionsChanged,
    NotAllowed,
    NotBookable,
    NotOffered,
    QuoteChanged,
    SlotGone,
    SlotTaken,
)
from bookings.services.leaving import end_waiting, forget_words, waiting_of
from bookings.services.locking import lock_booking, lock_people
from bookings.services.reviews import delete_review, hide_review, record_review, show_review
from bookings.services.transitions import (
    MENTOR_GONE,
    accept,
    cancel,
    cancel_by_staff,
    confirm,
    decline,
    extend_hold,
    join,
    release_hold,
    sweep,
    withdraw,
)

__all__ = [
    "MENTOR_GONE",
    "BookingError",
    "CapReached",
    "ConditionsChanged",
    "NotAllowed",
    "NotBookable",
    "NotOffered",
    "QuoteChanged",
    "SlotGone",
    "SlotTaken",
    "accept",
    "book",
    "cancel",
    "cancel_by_staff",
    "confirm",
    "decline",
    "delete_review",
    "end_waiting",
    "extend_hold",
    "forget_words",
    "hide_review",
    "join",
    "lock_booking",
    "lock_people",
    "record_review",
    "release_hold",
    "show_review",
    "sweep",
    "waiting_of",
    "withdraw",
]
