from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from bookings.models import Review, Status
from bookings.services import NotAllowed, record_review
from mentors.models import Mentor
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = pytest.mark.django_db


def reviewed(session_type, rating, **fields):
    booking = BookingFactory(session_type=session_type, status=Status.COMPLETED, claims=False, **fields)
    return record_review(booking, rating=rating, words="Clear and kind.", now=NOW)


def test_a_review_is_kept_and_the_mentors_mean_with_it(mentor, free):
    reviewed(SessionTypeFactory(), 1)  # another mentor's
    for rating in (5, 4, 4):
        reviewed(free, rating)
    kept = Mentor.objects.get(pk=mentor.pk)
    assert (kept.rating_mean, kept.review_count) == (Decimal("4.33"), 3)


@pytest.mark.parametrize("status", [each for each in Status if each != Status.COMPLETED])
def test_only_a_session_that_took_place_is_reviewed(status):
    booking = BookingFactory(status=status)
    with pytest.raises(NotAllowed):
        record_review(booking, rating=5, words="", now=NOW)
    assert not Review.objects.exists()


@pytest.mark.parametrize("rating", [0, 6])
def test_a_rating_is_from_one_to_five(free, rating):
    with pytest.raises(IntegrityError, match="review_rating_is_1_to_5"), transaction.atomic():
        reviewed(free, rating)


def test_a_session_has_one_review(free):
    review = reviewed(free, 5)
    with pytest.raises(NotAllowed, match="review already"):
        record_review(review.booking, rating=1, words="", now=NOW)
    assert Mentor.objects.get(pk=free.mentor_id).rating_mean == 5
