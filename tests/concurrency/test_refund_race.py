"""Money that two people want to move in the same moment: two of the staff, a student and the bank, two workers."""

import threading

import pytest
from django.db import connection

from bookings.cancellation import RefundChoice
from bookings.models import Booking, BookingEvent, Status
from bookings.services import NotAllowed, book, cancel, cancel_by_staff
from payments import services
from payments.gateways.mock import Outcome, simulate
from payments.models import MockRefund, Payment, Refund
from payments.services import NotRefundable, RefundsChanged
from tests.concurrency.guards import meeting, without_row_locks
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import STARTS_AT, URLS

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WORKERS = 8


def at_once(*works):
    """Each in its own thread and connection; what they raised, in their order, or nothing."""
    raised: list[BaseException | None] = [None] * len(works)

    def run(number, work):
        try:
            work()
        except Exception as error:
            raised[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


@pytest.fixture
def booking(mentor, student) -> Booking:
    session_type = SessionTypeFactory(mentor=mentor)
    return book(student=student, session_type=session_type, duration_minutes=60, starts_at=STARTS_AT, now=NOW)


@pytest.fixture
def paid(booking) -> Payment:
    """Paid at the provider; we have not heard of it."""
    payment = services.open_checkout(booking.pk, "mock", now=NOW, urls=URLS)
    simulate(payment.provider_ref, Outcome.SUCCESS)
    return payment


@pytest.fixture
def settled(paid) -> Payment:
    return services.settle(paid.pk, source="test", now=NOW)


def refund(payment, staff, minor):
    services.refund_by_staff(
        payment.pk, amount_minor=minor, seen_refunds=0, actor=staff, note="Sorry", now=NOW
    )


def sums(payment) -> tuple[int, int]:
    payment.refresh_from_db()
    return payment.reserved_minor, payment.refunded_minor


def two_parts_that_are_too_much(payment):
    return at_once(
        *[
            lambda key=key: services.enqueue_refund(
                payment.pk, amount_minor=60_000, reason=Refund.Reason.STAFF, key=key, now=NOW
            )
            for key in ("one", "other")
        ]
    )


def test_without_the_lock_more_goes_back_than_was_paid(settled):
    with without_row_locks("payments_payment", after_read=meeting(2)):
        assert two_parts_that_are_too_much(settled) == [None, None]
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 120_000


def test_with_the_lock_the_second_part_is_refused(settled):
    raised = two_parts_that_are_too_much(settled)
    assert [type(error) for error in raised if error] == [NotRefundable]
    assert sums(settled) == (60_000, 0)


def test_two_staff_on_one_page_refund_once(settled, staff):
    raised = at_once(*[lambda: refund(settled, staff, 60_000)] * WORKERS)
    assert raised == [None] * WORKERS
    assert (Refund.objects.count(), sums(settled)) == (1, (60_000, 0))


def test_two_staff_with_two_amounts_refund_one_of_them(settled, staff):
    raised = at_once(*[lambda minor=minor: refund(settled, staff, minor) for minor in (60_000, 50_000)])
    assert [type(error) for error in raised if error] == [RefundsChanged]
    assert Refund.objects.count() == 1


def test_cancelled_by_eight_at_once_gives_back_once(booking, settled, student):
    raised = at_once(*[lambda: cancel(booking.pk, actor=student, now=NOW)] * WORKERS)
    assert raised == [None] * WORKERS
    assert booking.events.filter(kind=BookingEvent.Kind.CANCELLED).count() == 1
    assert (Refund.objects.count(), sums(settled)) == (1, (105_000, 0))


def test_student_and_staff_who_cancel_at_once_give_back_once(booking, settled, student, staff):
    def by_staff():
        cancel_by_staff(booking.pk, actor=staff, now=NOW, reason="Ill", give_back=RefundChoice.ALL)

    raised = at_once(lambda: cancel(booking.pk, actor=student, now=NOW), by_staff)
    assert all(isinstance(error, NotAllowed) for error in raised if error)
    assert (Refund.objects.count(), sums(settled)) == (1, (105_000, 0))


def test_cancelling_beside_a_refund_never_gives_back_more_than_was_paid(booking, settled, student, staff):
    raised = at_once(
        lambda: cancel(booking.pk, actor=student, now=NOW), lambda: refund(settled, staff, 60_000)
    )
    booking.refresh_from_db()
    assert all(isinstance(error, NotAllowed | NotRefundable) for error in raised if error)
    reserved = sum(Refund.objects.values_list("amount_minor", flat=True))
    assert sums(settled) == (reserved, 0)
    assert reserved == (105_000 if booking.status == Status.CANCELLED else 60_000)


@pytest.mark.parametrize("round_", range(4))
def test_cancelling_beside_the_payment_gives_all_of_it_back_once(booking, paid, student, round_):
    works = [
        lambda: cancel(booking.pk, actor=student, now=NOW),
        *[lambda: services.settle(paid.pk, source="test", now=NOW)] * 3,
    ]
    assert at_once(*works[round_:], *works[:round_]) == [None] * 4
    services.settle(paid.pk, source="test", now=NOW)
    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED
    assert (Refund.objects.count(), sums(paid)) == (1, (105_000, 0))
    services.sweep(NOW)
    assert (MockRefund.objects.get().amount_minor, sums(paid)) == (105_000, (0, 105_000))


def test_failed_refund_tried_again_by_eight_at_once_is_sent_once(settled, staff):
    refund(settled, staff, 60_000)
    row = Refund.objects.get()
    Refund.objects.update(status="failed", attempts=1)
    raised = at_once(*[lambda: services.retry_refund(row.pk, now=NOW)] * WORKERS)
    assert raised == [None] * WORKERS
    at_once(*[lambda: services.send_refund(row.pk, now=NOW)] * WORKERS)
    row.refresh_from_db()
    assert (row.status, row.renewals, MockRefund.objects.count()) == ("succeeded", 1, 1)
    assert sums(settled) == (0, 60_000)
