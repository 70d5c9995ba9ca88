from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from bookings.models import Review, Status
from bookings.services import NotAllowed, delete_review, hide_review, record_review, show_review
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


def kept(session_type):
    mentor = Mentor.objects.get(pk=session_type.mentor_id)
    return mentor.rating_mean, mentor.review_count


def test_a_hidden_review_does_not_count_until_it_is_shown_again(free, staff):
    rude, _ = reviewed(free, 1), reviewed(free, 5)
    for _ in range(2):
        hide_review(rude.pk, by=staff, reason="Rude.", now=NOW)
    assert kept(free) == (Decimal("5.00"), 1)
    show_review(rude.pk)
    assert kept(free) == (Decimal("3.00"), 2)


def test_hiding_writes_down_who_when_and_why(free, staff):
    rude = reviewed(free, 1)
    with pytest.raises(NotAllowed, match="Say why"):
        hide_review(rude.pk, by=staff, reason=" ", now=NOW)
    hide_review(rude.pk, by=staff, reason="Rude.", now=NOW)
    rude.refresh_from_db()
    assert (rude.hidden_by, rude.hidden_at, rude.hidden_reason) == (staff, NOW, "Rude.")
    assert (rude.rating, rude.words) == (1, "Clear and kind.")


def test_without_its_last_review_a_mentor_is_unrated(free, staff):
    one, two = reviewed(free, 4), reviewed(free, 2)
    hide_review(one.pk, by=staff, reason="Rude.", now=NOW)
    delete_review(two.pk)
    assert kept(free) == (None, 0)


def test_a_hidden_review_is_not_on_the_profile(client, free, staff):
    review = reviewed(free, 1)
    page = f"/mentors/{free.mentor.slug}/"
    assert "Clear and kind." in client.get(page).text
    hide_review(review.pk, by=staff, reason="Rude.", now=NOW)
    assert "Clear and kind." not in client.get(page).text


# In the admin

ADMIN = "/admin/bookings/review/"


def test_staff_cannot_rewrite_a_review(client, free, staff):
    review = reviewed(free, 1)
    client.force_login(staff)
    client.post(f"{ADMIN}{review.pk}/change/", {"words": "Wonderful.", "rating": 5, "_save": "1"})
    review.refresh_from_db()
    assert (review.words, review.rating) == ("Clear and kind.", 1)
    assert client.get(f"{ADMIN}add/").status_code == 403


def test_staff_hide_a_review_with_a_reason_and_show_it_again(client, free, staff):
    review = reviewed(free, 1)
    page, change = f"{ADMIN}{review.pk}/visibility/", f"{ADMIN}{review.pk}/change/"
    client.force_login(staff)
    assert page in client.get(change).text
    assert "Clear and kind." in client.get(page).text
    assert client.post(page, {"shown": "True", "reason": " "}).status_code == 422
    assert client.post(page, {"shown": "True", "reason": "Rude."})["Location"] == change
    assert kept(free) == (None, 0)
    assert "Rude." in client.get(change).text
    client.post(page, {"shown": "True", "reason": "Rude."})  # the same press once more
    assert kept(free) == (None, 0)
    client.post(page, {"shown": "False"})
    assert kept(free) == (Decimal("1.00"), 1)
    assert client.delete(page).status_code == 405


def test_reviews_deleted_in_the_admin_leave_the_mean_of_the_rest(client, free, staff):
    one, two, _ = (reviewed(free, rating) for rating in (1, 2, 5))
    client.force_login(staff)
    client.post(f"{ADMIN}{one.pk}/delete/", {"post": "yes"})
    assert kept(free) == (Decimal("3.50"), 2)
    client.post(ADMIN, {"action": "delete_selected", "_selected_action": [two.pk], "post": "yes"})
    assert kept(free) == (Decimal("5.00"), 1)


@pytest.mark.parametrize("who", ["student", "clerk"])
def test_a_review_is_hidden_by_nobody_without_the_permission(client, free, student, who):
    review = reviewed(free, 1)
    User.objects.filter(pk=student.pk).update(is_staff=who == "clerk")
    client.force_login(student)
    answer = client.post(f"{ADMIN}{review.pk}/visibility/", {"shown": "True", "reason": "Rude."})
    assert answer.status_code == (403 if who == "clerk" else 302)
    review.refresh_from_db()
    assert review.hidden_at is None
