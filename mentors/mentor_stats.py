"""Figures kept on a mentor's row because browsing filters and sorts by them; bookings say when they change."""

from decimal import Decimal

from django.db.models import F

from mentors.models import Mentor


def count_session(mentor_id: int) -> None:
    """One more session has been completed."""
    Mentor.objects.filter(pk=mentor_id).update(session_count=F("session_count") + 1)


def set_rating(mentor_id: int, *, mean: Decimal | None, count: int) -> None:
    Mentor.objects.filter(pk=mentor_id).update(rating_mean=mean, review_count=count)
