"""Whether the money adds up: each way in which it may not is found, and named by session and order."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bookings.models import Booking, Status
from bookings.services import book
from payments import services, tasks
from payments.gateways.base import GatewayUnavailable
from payments.gateways.mock import Outcome, simulate
from payments.models import Dispute, Payment, PaymentStatus, Refund
from payments.reports import audit as audit_module
from payments.reports.audit import audit
from payments.services.reconciliation import Report
from tests.factories import NOW, BookingFactory
from tests.payments.conftest import URLS
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


@pytest.fixture
def another(booking, paid, stranger) -> Payment:
    """Begun and paid after `paid`, for somebody else's session of the same type."""
    theirs = book(
        student=stranger,
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=booking.starts_at + timedelta(days=1),
        now=NOW,
    )
    payment = services.open_checkout(theirs.pk, "mock", now=NOW, urls=URLS)
    simulate(payment.provider_ref, Outcome.SUCCESS)
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


def test_what_moves_while_it_is_counted_is_counted_again(settled, monkeypatch):
    counted = []

    def count(plain=audit_module._audit):
        found = plain()
        counted.append(len(found.problems))
        Payment.objects.update(refunded_minor=40_000)
        return found

    Payment.objects.update(refunded_minor=0)
    monkeypatch.setattr(audit_module, "_audit", count)
    assert audit().problems == []
    assert counted == [1, 0]


def test_queries_do_not_grow_with_the_sessions(settled, django_assert_num_queries):
    with django_assert_num_queries(5):
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
    with django_assert_num_queries(5):
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


def test_reconcile_prints_what_it_repaired_and_then_nothing(paid, capsys):
    call_command("reconcile")
    assert f"Repaired: {paid.reference}: was waiting for payment here" in capsys.readouterr().out
    call_command("reconcile", days=30)
    assert capsys.readouterr().out == ""


def test_reconcile_prints_what_staff_have_to_see(paid, capsys):
    Payment.objects.update(amount_minor=105_001)
    call_command("reconcile")
    assert f"To review: {paid.reference}" in capsys.readouterr().out


def test_reconcile_fails_when_a_provider_does_not_answer(paid, provider, monkeypatch):
    def list_payments(since):
        raise GatewayUnavailable("timeout")

    monkeypatch.setattr(provider, "list_payments", list_payments)
    with pytest.raises(CommandError, match="mock: timeout"):
        call_command("reconcile")


def test_payment_that_can_not_be_compared_holds_up_no_other_and_is_named(paid, another, provider):
    def say(state):
        if state.provider_ref == paid.provider_ref:
            raise LookupError("an answer that nobody foresaw")
        return state

    provider.says["fetch"] = say
    with pytest.raises(CommandError, match=f"{paid.provider_ref} could not be compared"):
        call_command("reconcile")
    another.refresh_from_db()
    assert another.status == PaymentStatus.SUCCEEDED


def test_provider_that_can_not_be_compared_holds_up_no_other(paid, provider, settings, stripe, monkeypatch):
    def list_payments(since):
        raise LookupError("an answer that nobody foresaw")

    monkeypatch.setattr(provider, "list_payments", list_payments)
    assert services.reconcile(NOW).failed == ["mock"]
    assert stripe.requests


def test_reconciliation_begins_no_more_when_its_time_is_over(paid):
    assert services.reconcile(NOW, seconds=0).repaired == []


@pytest.mark.parametrize("others", [[], ["another"]])
def test_reconciliation_asks_for_all_payments_at_once(settled, others, request, django_assert_num_queries):
    for name in others:
        settle(request.getfixturevalue(name))
    with django_assert_num_queries(8):
        assert services.reconcile(NOW) == Report()


def test_reconcile_looks_no_further_back_than_it_is_told(paid, travel_to, capsys):
    travel_to(NOW + timedelta(days=4))
    call_command("reconcile")
    assert capsys.readouterr().out == ""
    call_command("reconcile", days=5)
    assert "Repaired" in capsys.readouterr().out


def test_schedule_reconciles(booking, paid):
    tasks.reconcile(added_later=1)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_reconciliation_learns_the_providers_fee_late(paid):
    payment = settle(paid)
    Payment.objects.update(provider_fee_minor=None, provider_fee_currency="")
    services.reconcile(NOW)
    payment.refresh_from_db()
    assert (payment.provider_fee_minor, payment.provider_fee_currency) == (0, "INR")
