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
from bookings.services.reviews import delete_review, hide_review, record_review, show_review
from bookings.services.sweep import sweep

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
    "keep_openings_of",
    "lock_booking",
    "lock_people",
    "mark_changed",
    "rebuild_openings",
    "record_review",
    "refresh_openings",
    "release_hold",
    "show_review",
    "slot_taken",
    "sweep",
    "withdraw",
]
