"""Eight of the staff at once record a payout of the same money, each by a transfer of their own."""

import threading

import pytest
from django.db import connection

from payments.models import Payout, PayoutLine
from payments.services.payouts import AmountChanged, record_payout
from tests.concurrency.guards import meeting, on_new_connections, without_row_locks
from tests.concurrency.test_settle_race import WORKERS, at_once
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import paid_session

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pay(mentor, staff):
    """Sends the same 100,000 as everybody else. Returns those who were refused."""
    paid_session(session_type=SessionTypeFactory(mentor=mentor))
    refused, start = [], threading.Barrier(WORKERS)

    def pay_at_once():
        start.wait(30)
        name = str(threading.get_ident())
        try:
            record_payout(
                mentor=mentor,
                currency="INR",
                amount_minor=100_000,
                transfer_reference=name,
                actor=staff,
                now=NOW,
            )
        except AmountChanged:
            refused.append(name)

    def pay():
        at_once(pay_at_once)
        return refused

    return pay


@pytest.fixture
def unlocked():
    """Nobody waits for anybody, and all have read what is available before the first writes."""
    meet_once = meeting(WORKERS)

    def meet(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "payments_payout" '):
            meet_once()
        return execute(sql, params, many, context)

    with without_row_locks("accounts_user"), on_new_connections(meet):
        yield


@pytest.fixture
def unguarded(transactional_db):
    """The database no longer minds that a share is paid twice."""
    (guard,) = (each for each in PayoutLine._meta.constraints if each.name == "payout_line_pays_a_share_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(PayoutLine, guard)
    yield
    PayoutLine.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(PayoutLine, guard)


def test_without_lock_and_constraint_a_share_is_paid_by_everybody(unguarded, unlocked, pay):
    assert pay() == []
    assert Payout.objects.count() == PayoutLine.objects.count() == WORKERS


def test_without_the_lock_the_database_lets_one_pay(unlocked, pay):
    assert len(pay()) == WORKERS - 1
    assert Payout.objects.count() == PayoutLine.objects.count() == 1


def test_payout_recorded_by_eight_at_once_is_one(pay):
    assert len(pay()) == WORKERS - 1
    assert Payout.objects.count() == PayoutLine.objects.count() == 1
