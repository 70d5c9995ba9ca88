"""Claims on people's time: the rows that the database lets overlap for nobody. Nothing else writes them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bookings.models import Booking, TimeClaim


def claim_time(booking: Booking, until: datetime | None) -> None:
    """Claim the mentor's time, buffer included, and the student's, until that instant or for good.

    Call it inside a transaction. Raises `IntegrityError` when one of them has something else then.
    """
    buffer = timedelta(minutes=booking.buffer_minutes)
    mine = TimeClaim(booking=booking, person_id=booking.student_id, ends_at=booking.ends_at)
    theirs = TimeClaim(booking=booking, person_id=booking.mentor.user_id, ends_at=booking.ends_at + buffer)
    for claim in (theirs, mine):
        claim.starts_at, claim.expires_at = booking.starts_at, until
    TimeClaim.objects.bulk_create(sorted([theirs, mine], key=lambda claim: claim.person_id))


def claim_proposed(booking: Booking, starts: Iterable[datetime], until: datetime) -> None:
    """Claim the mentor's time, buffer included, for each start that a session might move to.

    Call it inside a transaction. Raises `IntegrityError` when the mentor has something else then.
    """
    length = booking.ends_at - booking.starts_at + timedelta(minutes=booking.buffer_minutes)
    TimeClaim.objects.bulk_create(
        TimeClaim(
            booking=booking,
            person_id=booking.mentor.user_id,
            starts_at=start,
            ends_at=start + length,
            expires_at=min(until, start),
        )
        for start in sorted(starts)
    )


def free_proposed(booking_pk: int) -> None:
    """Give back what an agreed session might have moved to. Safe to repeat."""
    TimeClaim.objects.filter(booking_id=booking_pk, expires_at__isnull=False).delete()


def keep_time(booking: Booking, until: datetime | None) -> bool:
    """Let the claims that a session has last until that instant, or for good. False when it has none any more."""
    return bool(booking.claims.update(expires_at=until))


def free_time(booking_pk: int) -> None:
    """Give the time back. Safe to repeat."""
    TimeClaim.objects.filter(booking_id=booking_pk).delete()
