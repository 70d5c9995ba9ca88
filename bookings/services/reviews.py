from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.db.models import Avg, Count

from accounts.models import User
from bookings.models import Booking, Review
from bookings.permissions import why_not_review
from bookings.services.errors import NotAllowed
from bookings.services.locking import lock_booking
from mentors.mentor_stats import set_rating


@transaction.atomic
def record_review(booking: Booking, *, rating: int, words: str, now: datetime) -> Review:
    """The student's word on a completed session, and the mentor's mean with it. Raises `NotAllowed`."""
    if refused := why_not_review(booking):
        raise NotAllowed(refused)
    lock_booking(booking.pk)
    if Review.objects.filter(booking=booking).exists():
        raise NotAllowed("This session has its review already.")
    review = Review.objects.create(booking=booking, rating=rating, words=words, created_at=now)
    _rate(booking.mentor_id)
    return review


@transaction.atomic
def hide_review(review_pk: int, *, by: User, reason: str, now: datetime) -> Review:
    """Seen by nobody but staff, and no part of the mentor's mean. Quiet when it is hidden already.

    Raises `NotAllowed` without a reason, and `Review.DoesNotExist`.
    """
    if not reason.strip():
        raise NotAllowed("Say why: it is kept with the review.")
    review = _locked(review_pk)
    if review.hidden_at is None:
        review.hidden_at, review.hidden_by, review.hidden_reason = now, by, reason.strip()
        _save_hiding(review)
    return review


@transaction.atomic
def show_review(review_pk: int) -> Review:
    """Seen again, and counted. Safe to repeat. Raises `Review.DoesNotExist`."""
    review = _locked(review_pk)
    review.hidden_at, review.hidden_by, review.hidden_reason = None, None, ""
    _save_hiding(review)
    return review


@transaction.atomic
def delete_review(review_pk: int) -> None:
    """Gone for good, and out of the mentor's mean. Raises `Review.DoesNotExist`."""
    review = _locked(review_pk)
    review.delete()
    _rate(review.booking.mentor_id)


def _locked(review_pk: int) -> Review:
    """Raises `Review.DoesNotExist`."""
    lock_booking(Review.objects.values_list("booking_id", flat=True).get(pk=review_pk))
    return Review.objects.select_related("booking").get(pk=review_pk)


def _save_hiding(review: Review) -> None:
    review.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
    _rate(review.booking.mentor_id)


def _rate(mentor_id: int) -> None:
    """The mean and the count of the reviews that are shown. The mentor is locked, so that none is left out."""
    shown = Review.objects.shown().filter(booking__mentor_id=mentor_id)
    kept = shown.aggregate(mean=Avg("rating"), count=Count("pk"))
    mean = kept["mean"] and Decimal(str(kept["mean"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
    set_rating(mentor_id, mean=mean, count=kept["count"])
