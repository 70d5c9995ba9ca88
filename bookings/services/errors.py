"""Why a change was refused, in words for the person who asked."""

from datetime import datetime


class BookingError(Exception):
    """Refused; `str()` says why and what to do next."""


class NotBookable(BookingError):
    """That session can't be booked, and no other time would change it, or the time was never on offer."""


class NotOffered(NotBookable):
    """The type, its length or its currency is not on offer any more: there is another choice to make."""


class ConditionsChanged(NotBookable):
    """The session is not what the page showed: show it again."""


class CapReached(NotBookable):
    """The student keeps as many of these as one person can."""


class SlotTaken(BookingError):
    """Somebody else has that time. `nearest` are up to three starts that are free."""

    def __init__(self, message: str, nearest: list[datetime]) -> None:
        super().__init__(message)
        self.nearest = nearest


class SlotGone(BookingError):
    """Paid for, but the time can't be had any more: the money goes back."""


class NotAllowed(BookingError):
    """The session is not in a state in which that can be done."""


class QuoteChanged(NotAllowed):
    """Cancelling no longer means what was shown: show it again."""


class MoveChanged(NotAllowed):
    """The session's time, or what is asked about it, is not what was shown: show it again."""
