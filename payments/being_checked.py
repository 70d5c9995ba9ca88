"""What a student is told while a payment of theirs is being checked, by a bank or by staff."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bookings.models import Booking
from payments.models import WITH_BANK, Payment


def being_checked(bookings: Sequence[Booking], now: datetime) -> Mapping[int, str]:
    """Those of the sessions for which nobody should pay again, in one query."""
    found: dict[int, list[Payment]] = defaultdict(list)
    rows = Payment.objects.being_checked().filter(booking__in=[booking.pk for booking in bookings])
    for payment in rows.defer("request", "checkout_url"):
        found[payment.booking_id].append(payment)
    return {
        booking.pk: explanation(booking, found[booking.pk], now)
        for booking in bookings
        if booking.pk in found
    }


def explanation(booking: Booking, payments: Iterable[Payment], now: datetime) -> str:
    """`payments` are those of the session that are being checked, at least one."""
    is_held = booking.payable_at(now)
    if any(each.needs_review and each.payment_id for each in payments):
        return "Another amount came in than was agreed, and is being checked by our staff. " + (
            "The time is kept for you until they have decided, at the longest until its start. "
            "Please don’t pay again."
            if is_held
            else "The session can’t take place any more, so all of it goes back to you."
        )
    if any(each.status in WITH_BANK for each in payments):
        return "Your payment is being checked by the bank. " + (
            "The time is kept for you meanwhile. Please don’t pay again."
            if is_held
            else "Should it come through, you get the session if it can still take place, "
            "and else all your money back."
        )
    return "A payment for this session is being checked by our staff. Please don’t pay again."
