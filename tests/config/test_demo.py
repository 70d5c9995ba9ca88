"""What the demo promises to whoever opens the site for the first time."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Avg, Count, F, Q

from accounts.models import User
from bookings.models import ENDED, Booking, BookingEvent, Review, Status, TimeClaim
from config.demo import builder
from config.demo.cast import ACCOUNTS, PASSWORD
from config.demo.pictures import draw_picture
from config.demo.plans import load_mentors, load_sessions
from mentors.models import Mentor, SessionType, WeeklyHours
from notifications.models import Message
from notifications.models import Status as MessageStatus
from payments.models import MockCheckout, Payment, PaymentStatus
from payments.reports.earnings import State, earnings_of, make_earnings, totals_of
from tests.factories import NOW


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[builder.Filled]:
    """One demo for the whole module; each test's own changes are rolled back to it."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = builder.fill(NOW)
        assert made is not None
        assert not connection.run_on_commit  # no worker is woken
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def demo(filled: builder.Filled, db: None) -> builder.Filled:
    return filled


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def test_demo_fills_every_list(demo: builder.Filled) -> None:
    script = load_mentors()
    assert demo.mentors == len(script)
    assert demo.sessions == len(load_sessions()) + sum(
        len(mentor.reviews) + mentor.more_sessions for mentor in script
    )
    assert Mentor.objects.listed(NOW).count() >= 16
    assert len(set(Mentor.objects.listed(NOW).values_list("time_zone", flat=True))) >= 12
    assert len(set(SessionType.objects.values_list("currency", flat=True))) >= 8


def test_demo_accounts_sign_in(demo: builder.Filled, client: Any) -> None:
    for address in ACCOUNTS:
        assert client.login(email=address, password=PASSWORD)
    assert User.objects.get(email="staff@example.com").is_superuser
    proven = EmailAddress.objects.filter(verified=True, primary=True, user__email=F("email"))
    assert proven.count() == User.objects.count()


def test_demo_accounts_are_not_new(demo: builder.Filled) -> None:
    assert not User.objects.filter(date_joined__gt=NOW - timedelta(days=7)).exists()


def test_demo_mentor_offers_what_the_readme_says(demo: builder.Filled) -> None:
    mentor = Mentor.objects.get(user__email="mentor@example.com")
    offers = mentor.session_types.values_list("name", "pricing", "price_minor", "currency", "durations")
    assert list(offers) == [
        ("Mock Interview", "fixed", 0, "INR", [60]),
        ("Resume Review", "fixed", 50_000, "INR", [60]),
        ("Career Guidance", "fixed", 100_000, "INR", [60]),
        ("System Design Review", "hourly", 5_000, "USD", [30, 60, 90, 120]),
    ]
    week = mentor.weekly_hours.filter(kind=WeeklyHours.Kind.OPEN)
    assert set(week.values_list("weekday", flat=True)) == {0, 1, 2, 3, 4, 5}
    assert mentor.time_zone == "Asia/Kolkata"


def test_demo_approval_mentor_approves_everything(demo: builder.Filled) -> None:
    types = SessionType.objects.filter(mentor__user__email="approval@example.com")
    assert set(types.values_list("requires_approval", flat=True)) == {True}
    assert {session_type.is_free for session_type in types} == {True, False}
    waiting = Booking.objects.upcoming(NOW).filter(session_type__in=types, status=Status.REQUESTED)
    assert waiting.filter(student__email="student@example.com").exists()


def test_demo_has_a_picture_for_a_third_of_its_mentors(demo: builder.Filled) -> None:
    plans = [plan.picture for plan in load_mentors() if plan.picture]
    assert demo.mentors // 4 <= len(plans) <= demo.mentors // 2
    assert Mentor.objects.exclude(photo="").count() == len(plans)
    first, again, other = (draw_picture(plan).jpeg for plan in (plans[0], plans[0], plans[1]))
    assert first == again != other
    assert len(first) < 15_000


def test_demo_leaves_staff_an_application_and_the_public_no_paused_mentor(demo: builder.Filled) -> None:
    assert Mentor.objects.filter(status=Mentor.Status.APPLIED).count() == 1
    paused = Mentor.objects.get(is_paused=True)
    assert not Mentor.objects.listed(NOW).filter(pk=paused.pk).exists()


def test_demo_shows_the_student_every_state(demo: builder.Filled) -> None:
    mine = Booking.objects.filter(student__email="student@example.com")
    assert {booking.status_at(NOW) for booking in mine} == set(Status) - {Status.NO_SHOW}
    ahead = mine.upcoming(NOW).filter(status=Status.SCHEDULED)
    assert {booking.is_free for booking in ahead} == {True, False}
    assert mine.open_holds(NOW).count() == 1


def test_demo_says_the_same_by_status_and_by_clock(demo: builder.Filled) -> None:
    assert all(booking.status == booking.status_at(NOW) for booking in Booking.objects.all())


def test_demo_ratings_are_kept_and_differ(demo: builder.Filled) -> None:
    for mentor in Mentor.objects.annotate(
        completed=Count("bookings", filter=Q(bookings__status=Status.COMPLETED))
    ):
        found = Review.objects.filter(booking__mentor=mentor).aggregate(mean=Avg("rating"), count=Count("pk"))
        assert mentor.session_count == mentor.completed
        assert mentor.review_count == found["count"]
        if found["mean"] is None:
            assert mentor.rating_mean is None
        else:
            assert float(mentor.rating_mean or 0) == pytest.approx(found["mean"], abs=0.005)
    rated = Mentor.objects.listed(NOW).exclude(rating_mean=None).values_list("rating_mean", flat=True)
    assert 4.3 <= min(rated) < max(rated) <= 5
    assert Mentor.objects.listed(NOW).filter(review_count=0).count() >= 2


def test_demo_reviews_come_after_their_session(demo: builder.Filled) -> None:
    assert not Review.objects.filter(created_at__lte=F("booking__ends_at")).exists()
    assert not Review.objects.filter(created_at__gt=NOW).exists()
    assert Review.objects.values("booking__student").distinct().count() >= 12


def test_demo_claims_fit_their_sessions_and_never_overlap(demo: builder.Filled) -> None:
    assert not TimeClaim.objects.filter(booking__status__in=ENDED).exists()
    with_time = Booking.objects.exclude(status__in=ENDED)
    assert TimeClaim.objects.count() == 2 * with_time.count()
    claims = TimeClaim.objects.order_by("person", "starts_at")
    assert all(
        one.person_id != two.person_id or one.ends_at <= two.starts_at for one, two in pairwise(claims)
    )


def test_demo_money_matches_its_sessions(demo: builder.Filled) -> None:
    took = Q(status__in=[Status.SCHEDULED, Status.COMPLETED])
    paid = Booking.objects.filter(took, price_minor__gt=0)
    succeeded = Payment.objects.filter(status=PaymentStatus.SUCCEEDED)
    assert set(succeeded.values_list("booking", flat=True)) == set(paid.values_list("pk", flat=True))
    off = succeeded.exclude(
        amount_minor=F("booking__price_minor") + F("booking__fee_minor"),
        platform_fee_minor=F("booking__fee_minor"),
        currency=F("booking__currency"),
    )
    assert not off.exists()
    assert set(succeeded.values_list("payment_id", "amount_minor")) == set(
        MockCheckout.objects.values_list("payment_id", "amount_minor")
    )
    assert Payment.objects.live().get().booking.status == Status.AWAITING_PAYMENT


def test_demo_mentor_sees_every_kind_of_earnings(demo: builder.Filled) -> None:
    mentor = Mentor.objects.get(user__email="mentor@example.com")
    earnings = make_earnings(earnings_of(mentor, NOW), NOW)
    assert {each.state for each in earnings} == {State.PENDING, State.AVAILABLE, State.PAID_OUT}
    assert {each.currency for each in totals_of(mentor.user, NOW)} == {"INR", "USD"}
    assert mentor.payouts.standing().count() >= 2
    assert all(each.recorded_at < NOW for each in mentor.payouts.all())


def test_demo_histories_run_forward_to_the_status(demo: builder.Filled) -> None:
    last = {
        Status.REQUESTED: BookingEvent.Kind.REQUESTED,
        Status.AWAITING_PAYMENT: BookingEvent.Kind.HELD,
        **{status: BookingEvent.Kind(status) for status in (*ENDED, Status.SCHEDULED, Status.COMPLETED)},
    }
    for booking in Booking.objects.prefetch_related("events"):
        events = list(booking.events.all())
        assert events[0].at == booking.created_at < booking.starts_at
        assert events[-1].kind == last[Status(booking.status)]
        assert events[-1].at <= NOW
        assert all(
            event.at < booking.starts_at for event in events if event.kind != BookingEvent.Kind.COMPLETED
        )


def test_demo_mails_nothing_of_its_past(demo: builder.Filled) -> None:
    assert not mail.outbox
    assert not Message.objects.due(NOW + timedelta(minutes=5)).exists()
    queued = Message.objects.filter(status=MessageStatus.QUEUED)
    assert queued.exists()
    assert all(message.applies_at(message.due_at) for message in queued.select_related("booking"))
    sent = Message.objects.filter(status=MessageStatus.SENT)
    assert not sent.exclude(sent_at=F("due_at"), address=F("recipient__email")).exists()


def test_demo_second_run_changes_nothing(demo: builder.Filled, capsys: pytest.CaptureFixture[str]) -> None:
    before = counts()
    assert builder.fill(NOW + timedelta(days=3)) is None
    call_command("demo", force=True)
    assert "nothing was changed" in capsys.readouterr().out
    assert counts() == before
