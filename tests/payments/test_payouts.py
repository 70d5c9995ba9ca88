from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.models import Payment, Payout, PayoutLine
from payments.reports.audit import audit
from payments.reports.earnings import available_earnings, earnings_of, make_earnings, payouts_due, totals_of
from payments.services.payouts import AmountChanged, PayoutRefused, record_payout, return_payout
from payments.shares import shares_of
from payments.signals import payout_recorded
from tests.factories import NOW, MentorFactory, SessionTypeFactory
from tests.payments.factories import paid_session, refunded

pytestmark = pytest.mark.django_db
Kind = PayoutLine.Kind


@pytest.fixture
def earn(mentor):
    """A paid session of Meera's, over for a week unless said otherwise."""
    session_type = SessionTypeFactory(mentor=mentor)
    return lambda **changes: paid_session(session_type=session_type, **changes)


@pytest.fixture
def pay(mentor, staff):
    return lambda amount_minor, currency="INR", reference="NEFT-1", now=NOW: record_payout(
        mentor=mentor,
        currency=currency,
        amount_minor=amount_minor,
        transfer_reference=reference,
        actor=staff,
        now=now,
    )


def lines(payout) -> list[tuple[str, int]]:
    return list(payout.lines.values_list("kind", "amount_minor"))


def amounts(mentor, currency="INR") -> tuple[int, int, int]:
    """Pending, available, paid out."""
    found = {each.currency: each for each in totals_of(mentor.user, NOW)}[currency]
    return found.pending, found.available, found.paid_out


def test_payout_takes_every_available_share(mentor, staff, earn, pay):
    earn()
    earn(price_minor=50_000, ended_ago=timedelta(days=8))
    payout = pay(150_000)
    assert (payout.amount_minor, payout.currency, payout.recorded_by) == (150_000, "INR", staff)
    assert sorted(lines(payout)) == [(Kind.SHARE, 50_000), (Kind.SHARE, 100_000)]
    assert amounts(mentor) == (0, 0, 150_000)


def test_payout_is_announced_in_its_transaction(earn, pay):
    heard = []

    def hear(payout, now, **_):
        heard.append((payout.amount_minor, now, transaction.get_connection().in_atomic_block))

    payout_recorded.connect(hear)
    earn()
    pay(100_000)
    payout_recorded.disconnect(hear)
    assert heard == [(100_000, NOW, True)]


def test_payout_leaves_what_is_pending_and_what_is_in_other_currencies(mentor, earn, pay):
    earn()
    earn(ended_ago=timedelta(hours=47))
    earn(currency="USD", ended_ago=timedelta(days=9))
    assert lines(pay(100_000)) == [(Kind.SHARE, 100_000)]
    assert amounts(mentor) == (100_000, 0, 100_000)
    assert amounts(mentor, "USD") == (0, 100_000, 0)


def test_share_that_is_disputed_waits(mentor, earn, pay):
    earn()
    Payment.objects.update(is_disputed=True)
    assert amounts(mentor) == (100_000, 0, 0)
    with pytest.raises(AmountChanged):
        pay(100_000)
    Payment.objects.update(is_disputed=False)
    assert pay(100_000).amount_minor == 100_000


@pytest.mark.parametrize("sent", [99_999, 100_001, 0, -1])
def test_amount_that_is_not_what_is_available_is_refused(earn, pay, sent):
    earn()
    with pytest.raises(AmountChanged):
        pay(sent)
    assert not Payout.objects.exists()


def test_nothing_can_be_paid_out_when_nothing_is_available(earn, pay):
    earn(ended_ago=timedelta(hours=1))
    with pytest.raises(PayoutRefused, match="Nothing can be paid out"):
        pay(0)


def test_second_payout_of_the_same_money_is_refused(earn, pay):
    earn()
    pay(100_000)
    with pytest.raises(AmountChanged):
        pay(100_000, reference="NEFT-2")


def test_same_transfer_is_recorded_once(earn, pay):
    earn()
    pay(100_000)
    earn(ended_ago=timedelta(days=8))
    with pytest.raises(PayoutRefused, match="recorded already"):
        pay(100_000)


def test_refund_after_the_payout_comes_off_the_next_one(mentor, earn, pay):
    payment = earn()
    pay(100_000)
    refunded(payment, 30_000)
    assert amounts(mentor) == (0, -30_000, 100_000)
    earn(ended_ago=timedelta(days=8))
    payout = pay(70_000, reference="NEFT-2")
    assert sorted(lines(payout)) == [(Kind.CORRECTION, -30_000), (Kind.SHARE, 100_000)]
    assert amounts(mentor) == (0, 0, 170_000)


def test_what_has_to_come_back_is_carried_over_until_there_is_enough(mentor, earn, pay):
    payment = earn()
    pay(100_000)
    refunded(payment, 105_000)
    earn(price_minor=60_000, ended_ago=timedelta(days=8))
    assert amounts(mentor) == (0, -40_000, 100_000)
    with pytest.raises(PayoutRefused, match="Nothing can be paid out"):
        pay(-40_000, reference="NEFT-2")
    earn(price_minor=50_000, ended_ago=timedelta(days=9))
    assert pay(10_000, reference="NEFT-2").amount_minor == 10_000


def test_chargeback_after_the_payout_comes_off_and_its_reversal_is_paid(mentor, earn, pay):
    payment = earn()
    pay(100_000)
    Payment.objects.filter(pk=payment.pk).update(lost_minor=105_000)
    earn(ended_ago=timedelta(days=8), price_minor=150_000)
    pay(50_000, reference="NEFT-2")
    Payment.objects.filter(pk=payment.pk).update(lost_minor=0)
    payout = pay(100_000, reference="NEFT-3")
    assert lines(payout) == [(Kind.CORRECTION, 100_000)]
    assert amounts(mentor) == (0, 0, 250_000)


def test_dispute_about_a_share_that_was_paid_out_changes_nothing_until_it_is_lost(mentor, earn, pay):
    earn()
    pay(100_000)
    Payment.objects.update(is_disputed=True)
    assert amounts(mentor) == (0, 0, 100_000)


def test_refund_comes_off_also_while_another_dispute_is_open(mentor, earn, pay):
    payment = earn()
    pay(100_000)
    refunded(payment, 10_000)
    Payment.objects.update(is_disputed=True)
    assert amounts(mentor) == (0, -10_000, 100_000)


def test_transfer_that_came_back_is_owed_again(mentor, staff, earn, pay):
    payment = earn()
    payout = pay(100_000)
    returned = return_payout(payout.pk, actor=staff, now=NOW)
    assert (returned.returned_at, returned.returned_by) == (NOW, staff)
    assert amounts(mentor) == (0, 100_000, 0)
    refunded(payment, 40_000)
    assert lines(pay(60_000, reference="NEFT-2")) == [(Kind.SHARE, 60_000)]


def test_payout_is_returned_once(staff, stranger, earn, pay):
    earn()
    payout = pay(100_000)
    return_payout(payout.pk, actor=staff, now=NOW)
    again = return_payout(payout.pk, actor=stranger, now=NOW + timedelta(days=1))
    assert (again.returned_at, again.returned_by) == (NOW, staff)


def test_share_is_in_one_payout_at_most_by_the_database(mentor, staff, earn, pay):
    payment = earn()
    pay(100_000)
    other = Payout.objects.create(
        mentor=mentor,
        currency="INR",
        amount_minor=1,
        transfer_reference="x",
        recorded_at=NOW,
        recorded_by=staff,
    )
    with pytest.raises(IntegrityError):
        PayoutLine.objects.create(payout=other, payment=payment, kind=Kind.SHARE, amount_minor=100_000)


def test_database_refuses_a_share_of_nothing_and_a_payout_of_nothing(mentor, staff, earn, pay):
    payment, payout = earn(), None
    payout = pay(100_000)
    for kind, amount in ((Kind.SHARE, 0), (Kind.SHARE, -1), (Kind.CORRECTION, 0)):
        with pytest.raises(IntegrityError), transaction.atomic():
            PayoutLine.objects.create(payout=payout, payment=paid_session(), kind=kind, amount_minor=amount)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payout.objects.update(amount_minor=0)
    assert payment.payout_lines.count() == 1


def test_all_due_names_who_can_be_paid_and_how_much(mentor, earn, pay):
    earn()
    earn(currency="USD", price_minor=7_500, ended_ago=timedelta(days=8))
    earn(ended_ago=timedelta(hours=1))
    other = SessionTypeFactory(mentor=MentorFactory(user__name="Aaron First"))
    paid_session(session_type=other, price_minor=20_000)
    found = [(each.mentor.user.name, each.currency, each.amount_minor) for each in payouts_due(NOW).rows]
    assert found == [
        ("Aaron First", "INR", 20_000),
        ("Meera Rao", "INR", 100_000),
        ("Meera Rao", "USD", 7_500),
    ]
    pay(100_000)
    refunded(earn(ended_ago=timedelta(days=9)), 105_000)
    assert [each.currency for each in payouts_due(NOW).rows if each.mentor == mentor] == ["USD"]


def test_all_due_takes_off_what_was_refunded_since(earn, pay):
    payment = earn()
    pay(100_000)
    refunded(payment, 30_000)
    assert payouts_due(NOW).rows == []
    earn(ended_ago=timedelta(days=8))
    assert [each.amount_minor for each in payouts_due(NOW).rows] == [70_000]


def test_all_due_is_read_a_page_at_a_time_and_no_mentor_is_on_two(earn):
    earn()
    earn(currency="USD", ended_ago=timedelta(days=8))
    for name in ("Aaron First", "Berta Second"):
        paid_session(session_type=SessionTypeFactory(mentor=MentorFactory(user__name=name)))
    first = payouts_due(NOW, limit=3)
    second = payouts_due(NOW, limit=3, after=first.following)
    pages = [[(due.mentor.user.name, due.currency) for due in page.rows] for page in (first, second)]
    assert pages == [
        [("Aaron First", "INR"), ("Meera Rao", "INR"), ("Meera Rao", "USD")],
        [("Berta Second", "INR")],
    ]
    assert second.following is None


@pytest.mark.parametrize("count", [1, 30])
def test_all_due_costs_two_queries(earn, count, django_assert_num_queries):
    for days in range(count):
        earn(ended_ago=timedelta(days=days + 3))
    with django_assert_num_queries(2):
        assert len(payouts_due(NOW).rows) == 1


# The audit


def test_audit_finds_payouts_in_order(staff, earn, pay):
    payment = earn()
    return_payout(pay(100_000).pk, actor=staff, now=NOW)
    pay(100_000, reference="NEFT-2")
    assert payment.payout_lines.count() == 2
    assert audit().problems == []


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        (Payout, {"amount_minor": 1}, "1 was sent, and its lines are 100000"),
        (Payout, {"currency": "USD"}, "is not of its mentor, currency or state"),
        (Payout, {"returned_at": NOW}, "is not of its mentor, currency or state"),
        (PayoutLine, {"is_returned": True}, "is not of its mentor, currency or state"),
    ],
)
def test_audit_finds_a_payout_that_was_meddled_with(earn, pay, table, changes, words):
    earn()
    payout = pay(100_000)
    table.objects.update(**changes)
    assert any(each.startswith(payout.reference) and words in each for each in audit().problems)


def test_audit_finds_a_payment_that_notes_another_amount_than_was_paid_out(earn, pay):
    payment = earn()
    pay(100_000)
    other = earn(ended_ago=timedelta(days=1))
    Payment.objects.update(paid_out_minor=1)
    assert audit().problems == [
        f"{payment.reference}: 1 paid out by the payment, 100000 by the lines of payouts",
        f"{other.reference}: 1 paid out by the payment, 0 by the lines of payouts",
    ]


def test_audit_finds_a_payout_to_somebody_else(earn, pay):
    earn()
    pay(100_000)
    Payout.objects.update(mentor=MentorFactory())
    assert len(audit().problems) == 1


# No unit is lost or made

prices = st.integers(1, 10**8)
step = st.one_of(
    st.tuples(st.just("earn"), prices, st.sampled_from(["INR", "JPY", "KWD"]), st.integers(0, 100)),
    st.tuples(st.sampled_from(["refund", "lose", "win", "dispute"]), st.integers(0, 5), prices),
    st.tuples(st.sampled_from(["pay", "return"])),
)


# A quarter of the usual: each books, pays and pays out.
@settings(max_examples=settings().max_examples // 4)
@given(st.lists(step, max_size=12))
def test_every_unit_is_somewhere_whatever_happens(steps):
    with transaction.atomic():
        mentor = MentorFactory()
        session_type, payments = SessionTypeFactory(mentor=mentor), []
        for number, (name, *values) in enumerate(steps):
            if name == "earn":
                price, currency, hours = values
                payments.append(
                    paid_session(
                        session_type=session_type,
                        price_minor=price,
                        fee_minor=price // 20,
                        currency=currency,
                        ended_ago=timedelta(hours=hours, days=number * 10),
                    )
                )
            elif name in ("pay", "return"):
                pay_all(mentor, number) if name == "pay" else return_latest(mentor)
            elif payments:
                happen(name, payments[values[0] % len(payments)], values[1])
            prove(mentor)
        prove_that_sums_are_of_the_rows(mentor)
        transaction.set_rollback(True)


def pay_all(mentor, number):
    for each in totals_of(mentor.user, NOW):
        if each.available > 0:
            record_payout(
                mentor=mentor,
                currency=each.currency,
                amount_minor=each.available,
                transfer_reference=f"{number}-{each.currency}",
                actor=mentor.user,
                now=NOW,
            )


def return_latest(mentor):
    if payout := mentor.payouts.standing().first():
        return_payout(payout.pk, actor=mentor.user, now=NOW)


def happen(name, payment, amount):
    payment.refresh_from_db()
    if name == "refund" and payment.refundable_minor:
        refunded(payment, min(amount, payment.refundable_minor))
    lost = {"lose": payment.amount_minor, "win": 0}.get(name, payment.lost_minor)
    Payment.objects.filter(pk=payment.pk).update(lost_minor=lost, is_disputed=name == "dispute")


def prove(mentor):
    for each in totals_of(mentor.user, NOW):
        payments = Payment.objects.filter(booking__mentor=mentor, currency=each.currency)
        parts = [shares_of(payment) for payment in payments]
        came_in = sum(payment.amount_minor for payment in payments)
        elsewhere = sum(part.fee + part.refunded + part.on_its_way + part.lost for part in parts)
        assert each.pending + each.available + each.paid_out + elsewhere == came_in
        sent = sum(payout.amount_minor for payout in mentor.payouts.standing().filter(currency=each.currency))
        assert sent == each.paid_out


def prove_that_sums_are_of_the_rows(mentor):
    """What the database sums, and what the rows of pages and payouts say."""
    rows = make_earnings(earnings_of(mentor, NOW), NOW)
    owed = {due.currency: due.amount_minor for due in payouts_due(NOW).rows}
    for each in totals_of(mentor.user, NOW):
        of_currency = [row for row in rows if row.payment.currency == each.currency]
        assert each.pending == sum(row.pending for row in of_currency)
        assert each.available == sum(row.available for row in of_currency)
        assert each.paid_out == sum(row.paid for row in of_currency)
        assert owed.get(each.currency, 0) == max(each.available, 0)
        found = available_earnings(mentor, each.currency, NOW)
        assert sorted(row.available for row in found) == sorted(
            row.available for row in of_currency if row.available
        )
