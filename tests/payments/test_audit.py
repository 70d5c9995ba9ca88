"""Whether the money adds up: each way in which it may not is found, and named by session and order."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bookings.models import Booking, Status
from payments import services, tasks
from payments.models import Dispute, Payment, PaymentStatus, Refund, RefundStatus
from payments.reports.audit import audit
from payments.services.reconciliation import Report
from tests.factories import NOW, BookingFactory
from tests.payments.test_settlement import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(paid) -> Payment:
    """Paid and confirmed, of which ₹400 are refunded."""
    payment = settle(paid)
    refund = services.enqueue_refund(
        payment.pk, amount_minor=40_000, reason=Refund.Reason.STAFF, key="refund-audit-1", now=NOW
    )
    services.send_refund(refund.pk, now=NOW)
    payment.refresh_from_db()
    return payment


def change(model, **fields):
    def apply(payment):
        model.objects.update(**fields)

    return apply


def lose(amount):
    def apply(payment):
        Dispute.objects.create(
            payment=payment, dispute_id="dp_1", status="lost", amount_minor=amount, opened_at=NOW
        )
        Payment.objects.update(lost_minor=amount)

    return apply


def leave_no_payment(payment):
    Refund.objects.all().delete()
    Payment.objects.update(status=PaymentStatus.FAILED, refunded_minor=0)


WRONG = {
    "refunded by the payment, 40000 by its rows": change(Payment, refunded_minor=0),
    "on its way back by the payment, 0 by its rows": change(Payment, reserved_minor=5),
    "lost to chargebacks by the payment, 0 by its rows": change(Payment, lost_minor=5),
    "money left it that never came in": change(Payment, status=PaymentStatus.FAILED),
    "40000 more went out than came in": lose(105_000),
    "paid twice, and 65000 of it is not on its way back": change(Payment, is_surplus=True),
    "another amount than was agreed": change(Booking, price_minor=1),
    "paid, and the session is waiting for payment": change(
        Booking, status=Status.AWAITING_PAYMENT, hold_expires_at=NOW
    ),
    "the session expired, and 65000 is not on its way back": change(Booking, status=Status.EXPIRED),
    "it takes place, and nothing was paid for it": leave_no_payment,
}


def test_what_came_in_is_divided_to_the_unit(settled):
    found = audit()
    assert found.problems == []
    assert vars(found.totals["INR"]) == {
        "came_in": 105_000,
        "fee": 5_000,
        "mentor": 60_000,
        "refunded": 40_000,
        "on_its_way": 0,
        "lost": 0,
    }


@pytest.mark.parametrize("words", WRONG)
def test_what_does_not_add_up_is_named(settled, booking, words):
    WRONG[words](settled)
    problems = audit().problems
    assert any(words in each for each in problems), problems
    assert all(each.startswith(booking.reference) for each in problems)


def test_money_of_another_amount_waits_for_staff(paid):
    Payment.objects.update(amount_minor=105_001)
    settle(paid)
    assert "staff have not decided" in audit().problems[0]


def test_free_and_cancelled_sessions_need_no_money(db):
    BookingFactory()
    BookingFactory(status=Status.CANCELLED, session_type__price_minor=100_000)
    assert audit().problems == []


def test_lost_money_is_a_part_like_the_others(settled):
    lose(65_000)(settled)
    found = audit()
    assert (found.problems, found.totals["INR"].lost, found.totals["INR"].mentor) == ([], 65_000, 0)


def test_what_moves_while_it_is_counted_is_counted_again(settled):
    """The refund is written when the refunds are summed already, and the payments are not."""
    Payment.objects.update(refunded_minor=0)
    refund, summed = Refund.objects.get(), []
    Refund.objects.update(status=RefundStatus.PENDING)
    Payment.objects.update(reserved_minor=40_000)

    def write_after_the_sums(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if not summed and "SUM" in sql and "payments_refund" in sql:
            summed.append(sql)
            Refund.objects.filter(pk=refund.pk).update(status=RefundStatus.SUCCEEDED)
            Payment.objects.update(reserved_minor=0, refunded_minor=40_000)
        return answer

    with connection.execute_wrapper(write_after_the_sums):
        found = audit()
    assert (len(summed), found.problems, found.totals["INR"].refunded) == (1, [], 40_000)


def test_queries_do_not_grow_with_the_sessions(settled, django_assert_num_queries):
    with django_assert_num_queries(7):
        audit()
    for number in range(10):
        other = BookingFactory(session_type__price_minor=100_000, starts_at=NOW + timedelta(days=20 + number))
        Payment.objects.create(
            booking=other,
            amount_minor=105_000,
            platform_fee_minor=5_000,
            currency="INR",
            status=PaymentStatus.SUCCEEDED,
            gateway="mock",
            payment_id=f"PAY-{number}",
            succeeded_at=NOW,
            created_at=NOW,
        )
    with django_assert_num_queries(7):
        assert audit().totals["INR"].came_in == 11 * 105_000


# The commands and the schedule


def test_audit_money_prints_where_the_money_is(settled, capsys):
    call_command("audit_money")
    printed = capsys.readouterr().out
    assert "₹1,050.00 came in = ₹50.00 fee + ₹600.00 mentors + ₹400.00 refunded" in printed
    assert "All of it adds up." in printed


def test_audit_money_fails_when_something_is_off(settled, booking, capsys):
    Payment.objects.update(refunded_minor=0)
    with pytest.raises(CommandError, match="1 things do not add up"):
        call_command("audit_money")
    assert booking.reference in capsys.readouterr().out


@pytest.mark.sqlite
def test_payment_that_can_not_be_counted_holds_up_no_other_and_is_named(settled, another):
    settle(another)
    with connection.cursor() as cursor:  # SQLite takes words for a number
        cursor.execute("UPDATE payments_payment SET refunded_minor = 'x' WHERE id = %s", [settled.pk])
    found = audit()
    assert f"{settled.reference}: it could not be counted" in found.problems
    assert found.totals["INR"].came_in == another.amount_minor


def test_schedule_logs_what_is_off_as_an_error(settled, booking, caplog):
    tasks.audit_money(added_later=1)
    assert not [each for each in caplog.records if each.levelname == "ERROR"]
    Payment.objects.update(refunded_minor=0)
    tasks.audit_money()
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert booking.reference in record.finding


@pytest.mark.parametrize("others", [[], ["another"]])
def test_reconciliation_asks_for_all_payments_at_once(settled, others, request, django_assert_num_queries):
    for name in others:
        settle(request.getfixturevalue(name))
    with django_assert_num_queries(8):
        assert services.reconcile(NOW) == Report()
