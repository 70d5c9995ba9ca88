from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.test import RequestFactory
from django.urls import reverse

from bookings import panels
from bookings.models import Booking, Status
from bookings.services import cancel
from lib.zones import parse_zone
from payments import services
from payments.gateways.base import GatewayRejected
from payments.gateways.mock import Outcome, simulate
from payments.models import Payment, PaymentStatus, Refund
from tests.factories import NOW, BookingFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.django_db


def rendered(panel, *bookings) -> list[str]:
    request = RequestFactory().get("/")
    request.user, request.time_zone = bookings[0].student, parse_zone("Europe/Berlin")
    rows = list(Booking.objects.with_people().filter(pk__in=[booking.pk for booking in bookings]))
    found = panels.sessions.render(request, rows, panel)[panel]
    return [" ".join(found[booking.pk].split()) for booking in bookings]


def badge(booking) -> str:
    """What money adds to the words of the session's own state."""
    panel = rendered("session_state", booking)[0]
    return panel.removeprefix(", ")


def references(booking) -> str:
    return rendered("session_references", booking)[0]


def money(booking) -> str:
    return rendered("session_money", booking)[0]


def settle(payment) -> Payment:
    return services.settle(payment.pk, source="test", now=NOW)


def test_badge_of_a_free_session(student):
    assert badge(BookingFactory(student=student)) == "free"


def test_badge_of_a_held_session(booking):
    assert badge(booking) == "unpaid"


def test_badge_of_a_held_session_whose_payment_failed(booking, payment):
    simulate(payment.provider_ref, Outcome.FAILURE)
    settle(payment)
    assert badge(booking) == "payment failed"


@pytest.mark.parametrize("changes", [{"needs_review": True}, {"status": PaymentStatus.PROCESSING}])
def test_badge_of_a_payment_that_is_not_certain_yet(booking, payment, changes):
    Payment.objects.update(**changes)
    assert badge(booking) == "payment being checked"


def test_badge_of_a_paid_session(booking, paid):
    settle(paid)
    assert badge(booking) == "and paid, ₹1,050"


def test_badge_of_a_request(mentor):
    session_type = SessionTypeFactory(mentor=mentor, requires_approval=True)
    assert badge(BookingFactory(session_type=session_type, status=Status.REQUESTED)) == "paid after approval"


@pytest.mark.parametrize("lapsed", [True, False])
def test_badge_of_a_session_that_ended_unpaid(booking, student, lapsed):
    if lapsed:
        Booking.objects.update(hold_expires_at=NOW)
    else:
        cancel(booking.pk, actor=student, now=NOW)
    assert badge(booking) == "nothing charged"


@pytest.fixture
def owed(booking, paid, student) -> Refund:
    """The session was cancelled while the money was coming in."""
    cancel(booking.pk, actor=student, now=NOW)
    settle(paid)
    return Refund.objects.get()


def test_badge_of_money_that_goes_back(booking, owed, provider):
    assert badge(booking) == "₹1,050 on its way back"
    services.send_refund(owed.pk, now=NOW)
    assert badge(booking) == "refunded ₹1,050"


def test_badge_of_a_refund_that_failed(booking, owed, provider):
    provider.refuses["refund"] = GatewayRejected("no")
    services.send_refund(owed.pk, now=NOW)
    assert badge(booking) == "refund failed"


def test_badge_of_a_part_that_went_back(booking, paid):
    settle(paid)
    refund = services.enqueue_refund(
        paid.pk, amount_minor=50_000, reason=Refund.Reason.SURPLUS, key="a", now=NOW
    )
    services.send_refund(refund.pk, now=NOW)
    assert badge(booking) == "partly refunded ₹500"


def test_badge_of_a_session_paid_twice_is_of_the_payment_that_counts(booking, paid):
    Payment.objects.update(status=PaymentStatus.EXPIRED)
    second = booking.payments.create(
        amount_minor=105_000,
        platform_fee_minor=5_000,
        currency="INR",
        status=PaymentStatus.SUCCEEDED,
        succeeded_at=NOW,
        created_at=NOW - timedelta(days=1),
    )
    Booking.objects.update(status=Status.SCHEDULED, hold_expires_at=None)
    settle(paid)
    assert badge(booking) == "and paid, ₹1,050"
    assert second.reference in references(booking)


def test_money_block_shows_the_whole_trail(booking, paid):
    payment = settle(paid)
    shown = money(booking) + references(booking)
    for part in (
        payment.reference,
        payment.payment_id,
        "₹1,000.00",
        "₹50.00",
        "₹1,050.00",
        "Wednesday 2 December 2026, 7:30 am",
        "Europe/Berlin (GMT+1)",
        "Paid ₹1,050",
    ):
        assert part in shown


def test_money_block_shows_refunds(booking, owed):
    shown = money(booking)
    assert owed.reference in references(booking)
    assert "Refund on its way" in shown
    assert owed.get_reason_display() in shown


def test_money_block_of_a_free_session_says_free(student):
    shown = money(BookingFactory(student=student))
    assert "Free" in shown
    assert "Platform fee" not in shown


@pytest.mark.parametrize("shown", [["session_state"], ["session_money"], ["session_state", "session_money"]])
@pytest.mark.parametrize("count", [1, 30])
def test_panels_cost_two_queries_however_many_rows(mentor, django_assert_num_queries, shown, count):
    session_type = SessionTypeFactory(mentor=mentor)
    bookings = []
    for day in range(count):
        starts_at = NOW + timedelta(days=day + 1)
        booking = BookingFactory(
            session_type=session_type, status=Status.AWAITING_PAYMENT, starts_at=starts_at
        )
        services.ensure_payment(booking, NOW)
        bookings.append(booking)
    rows = list(Booking.objects.with_people())
    request = RequestFactory().get("/")
    request.user = mentor.user
    with django_assert_num_queries(2):
        panels.sessions.render(request, rows, *shown)


def test_session_page_shows_the_money(client, student, booking, paid):
    payment = settle(paid)
    client.force_login(student)
    shown = client.get(reverse("session_confirmation", args=[booking.reference])).content.decode()
    assert payment.reference in shown
    assert payment.payment_id in shown


def test_money_block_is_for_the_two_people_and_staff_who_may_look_at_payments(
    booking, payment, student, mentor, stranger, staff
):
    looker = UserFactory(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_booking"))
    request = RequestFactory().get("/")
    seen = []
    for reader in (student, mentor.user, staff, stranger, looker, AnonymousUser()):
        request.user = reader
        seen.append(
            payment.reference
            in panels.sessions.render_one(request, booking, "session_references")["session_references"]
        )
    assert seen == [True, True, True, False, False, False]
