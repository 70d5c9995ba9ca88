"""What the clock does by itself, once a minute."""

from datetime import datetime

from bookings.models import Booking, MoveRequest
from bookings.permissions import MENTOR_GONE
from bookings.services.attendance import complete
from bookings.services.holds import EXPIRE, expire
from bookings.services.leaving import withdraw
from bookings.services.rescheduling import lapse_move_request
from lib.sweeping import each_row


def sweep(now: datetime) -> None:
    """Lapsed holds and requests end, also those whose mentor is gone, requests to move that nobody answered, and
    sessions that are over complete."""
    for lapsed in (
        Booking.objects.lapsed_holds(now).order_by("hold_expires_at", "pk"),
        Booking.objects.lapsed_requests(now).order_by("respond_by", "pk"),
    ):
        each_row(EXPIRE, lapsed, lambda pk: expire(pk, now=now))
    waiting = Booking.objects.left_behind().order_by("pk")
    each_row("bookings.withdraw", waiting, lambda pk: withdraw(pk, actor=None, now=now, reason=MENTOR_GONE))
    unanswered = MoveRequest.objects.lapsed(now).order_by("answer_by", "pk")
    each_row("bookings.lapse_move", unanswered, lambda pk: lapse_move_request(pk, now=now))
    over = Booking.objects.over(now).order_by("ends_at", "pk")
    each_row("bookings.complete", over, lambda pk: complete(pk, now=now))
