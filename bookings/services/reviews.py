from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.db.models import Avg, Count

from bookings.models import Booking, Review, Status
from bookings.services.errors import NotAllowed
from bookings.services.locking import lock_booking
from mentors.figures import set_rating


def record_review(booking: Booking, *, rating: int, words: str, now: datetime) -> Review:
    """The student's word on a completed session, and the mentor's mean with it. Raises `NotAllowed`."""
    if booking.status != Status.COMPLETED:
        raise NotAllowed("Only a session that took place can be reviewed.")
    with transaction.atomic():
        lock_booking(booking.pk)
        if Review.objects.filter(booking=booking).exists():
            raise NotAllowed("This session has its review already.")
        review = Review.objects.create(booking=booking, rating=rating, words=words, created_at=now)
        kept = Review.objects.filter(booking__mentor_id=booking.mentor_id).aggregate(
            mean=Avg("rating"), count=Count("pk")
        )
        mean = Decimal(str(kept["mean"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
        set_rating(booking.mentor_id, mean=mean, count=kept["count"])
    return review
