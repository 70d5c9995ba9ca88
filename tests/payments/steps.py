"""What tests of payments do, and look at, again and again."""

from dataclasses import replace
from datetime import timedelta

from django.core import mail
from django.urls import reverse
from django.utils import timezone

from bookings.models import BookingEvent, Status
from bookings.services import book
from bookings.services import sweep as sweep_bookings
from notifications.models import Kind, Message
from notifications.services import deliver
from payments import services
from payments.gateways.base import RefundResult
from payments.models import Payment, PaymentStatus, Refund
from payments.reports.audit import audit
from tests.factories import NOW, UserFactory
from tests.payments.factories import STARTS_AT

PAID, PART = 105_000, 40_000
# Beyond every gateway's checkout and the hold that goes with it.
LATE = NOW + timedelta(minutes=40)


def settle(payment) -> Payment:
    return services.settle(payment.pk, source="test", now=timezone.now())


def sweep() -> None:
    sweep_bookings(timezone.now())
    services.sweep(timezone.now())


def fresh(row):
    row.refresh_from_db()
    return row


def book_again(booking, student=None):
    return book(
        student=student or UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=timezone.now(),
    )


def assert_booked_once(booking, payment) -> None:
    assert fresh(booking).status == Status.SCHEDULED
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1
    told = Message.objects.filter(booking=booking, kind=Kind.SESSION_SCHEDULED)
    assert sorted(told.values_list("recipient", flat=True)) == sorted(
        [booking.student_id, booking.mentor.user_id]
    )
    assert Payment.objects.counted().get(booking=booking) == payment
    assert_money(came_in=PAID, fee=5_000, mentor=100_000)


def assert_money(**expected: int) -> None:
    """What came in and where it is; everything that is not named is nothing. And all of it adds up."""
    found = audit()
    assert found.problems == []
    parts = dict.fromkeys(("came_in", "fee", "mentor", "refunded", "on_its_way", "lost"), 0)
    totals = vars(found.totals["INR"]) if found.totals else parts
    assert totals == parts | expected


def assert_nothing_happened(booking) -> None:
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert not Payment.objects.filter(status=PaymentStatus.SUCCEEDED).exists()
    assert_money()


def pay_for(harness, booking) -> Payment:
    """Opened, paid, and settled."""
    payment = harness.open(booking)
    harness.pay(payment.provider_ref)
    return settle(payment)


def refund_by_staff(payment, staff, minor, *, seen=None):
    return services.refund_by_staff(
        payment.pk,
        amount_minor=minor,
        seen_refunds=payment.refunds.count() if seen is None else seen,
        actor=staff,
        note="Sorry",
        now=timezone.now(),
    )


def send_when_due(refund) -> Refund:
    services.send_refund(refund.pk, now=max(timezone.now(), fresh(refund).due_at))
    return fresh(refund)


def send_all() -> None:
    for refund in Refund.objects.all():
        send_when_due(refund)


def sums(payment) -> tuple[int, int]:
    fresh(payment)
    return payment.reserved_minor, payment.refunded_minor


def at_provider(harness, payment) -> list[int]:
    """What has gone back there, in minor units."""
    states = harness.gateway.list_refunds(fresh(payment).payment_id)
    return [state.amount.minor for state in states if state.status is not RefundResult.FAILED]


def says(provider, call="fetch", **changes) -> None:
    provider.says[call] = lambda state: replace(state, **changes)


# What a page says that offers to pay, besides a link to where one pays.
OFFERS = ("Proceed to Payment", "Pay with", "Simulate Payment", "Pay to make it yours")


def paths(booking) -> list[str]:
    """Every page on which its student may see how the payment stands."""
    at = {"args": [booking.reference]}
    names = ("session_detail", "payment", "payment_failed", "session_confirmation", "payment_razorpay")
    return [*(reverse(name, **at) for name in names), "/my-sessions/?show=all", "/payments/"]


def offers(page: str, booking) -> list[str]:
    link = f'href="{reverse("payment", args=[booking.reference])}"'
    return [offer for offer in (*OFFERS, link) if offer in page]


def sent(kind, person=None) -> list[str]:
    """The bodies of what leaves."""
    mail.outbox.clear()
    for message in Message.objects.filter(kind=kind):
        deliver(message.pk, now=timezone.now())
    return [
        " ".join(each.body.split()) for each in mail.outbox if person is None or each.to == [person.email]
    ]
