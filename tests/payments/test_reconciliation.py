"""The provider's list and ours, compared: the same in the end, and then quiet."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bookings.models import Status
from payments import services, tasks
from payments.gateways.base import GatewayUnavailable
from payments.models import Payment, PaymentStatus
from tests.factories import NOW
from tests.payments.markers import with_webhooks
from tests.payments.steps import PAID, PART, assert_booked_once, assert_money, fresh, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_try")]


def reconcile():
    return services.reconcile(timezone.now())


def quiet() -> bool:
    """The second run changes nothing and says nothing."""
    before = list(Payment.objects.order_by("pk").values())
    found = reconcile()
    assert list(Payment.objects.order_by("pk").values()) == before
    return not (found.repaired or found.reported or found.unreachable)


def test_paid_there_and_open_here_is_repaired(harness, booking, paid):
    assert len(reconcile().repaired) == 1
    assert quiet()
    assert_booked_once(booking, paid)


def test_paid_there_and_over_here_is_repaired(harness, booking, paid, travel_to):
    Payment.objects.filter(pk=paid.pk).update(status=PaymentStatus.EXPIRED)
    assert len(reconcile().repaired) == 1
    assert quiet()
    assert_booked_once(booking, paid)


def test_refunded_there_and_not_here_is_repaired(harness, booking, settled):
    harness.refund_by_hand(settled, PART)
    assert len(reconcile().repaired) == 1
    assert quiet()
    assert_money(came_in=PAID, fee=5_000, mentor=100_000 - PART, refunded=PART)


@pytest.mark.parametrize(("state", "findings"), [("open", 1), ("succeeded", 2)])
def test_ours_without_a_counterpart_is_reported(harness, booking, payment, state, findings):
    if state == "succeeded":  # then theirs has none either
        harness.pay(payment.provider_ref)
        settle(payment)
    Payment.objects.filter(pk=payment.pk).update(provider_ref="made_up")
    found = reconcile()
    assert ([len(found.repaired), len(found.reported)], fresh(payment).needs_review) == ([0, findings], True)
    assert "made_up" in payment.review_reason
    assert quiet()


def test_other_amount_of_what_counts_is_reported(harness, booking, settled):
    Payment.objects.filter(pk=settled.pk).update(amount_minor=PAID + 1)
    found = reconcile()
    assert (len(found.reported), fresh(settled).needs_review) == (1, True)
    assert quiet()


def test_other_amount_of_what_does_not_count_yet_is_reported(harness, booking, paid):
    Payment.objects.filter(pk=paid.pk).update(amount_minor=PAID + 1)
    assert len(reconcile().reported) == 1
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert quiet()


def test_nothing_to_find_is_quiet(harness, booking, settled):
    assert quiet()


def test_provider_that_is_down_is_named(harness, booking, settled):
    harness.break_down()
    found = reconcile()
    assert [words.partition(":")[0] for words in found.unreachable] == [harness.name]
    harness.recover()


@with_webhooks
def test_lists_of_more_than_a_page_are_read_to_their_end(harness, booking, paid):
    for number in range(120):
        make_anothers(harness, number)
    assert len(reconcile().repaired) == 1
    assert_booked_once(booking, paid)


def test_checkout_of_ours_that_is_paid_and_not_on_record_is_reported(harness, booking, paid):
    Payment.objects.filter(pk=paid.pk).update(provider_ref="", status=PaymentStatus.CANCELED)
    found = reconcile()
    assert [paid.provider_ref in words for words in found.reported] == [True]
    assert fresh(paid).needs_review
    assert quiet()


def make_anothers(harness, number: int) -> None:
    """Another app's payment at the same provider, younger than ours."""
    if harness.name == "stripe":
        made = dict(harness.fake_stripe.session(Payment.objects.get().provider_ref))
        made |= {"id": f"cs_test_other{number}", "client_reference_id": "", "payment_intent": None}
        harness.fake_stripe.objects[made["id"]] = made | {"status": "open", "payment_status": "unpaid"}
    else:
        made = dict(harness.try_of(Payment.objects.get().provider_ref))
        made |= {"id": f"pay_other{number:03}", "order_id": f"order_other{number}", "notes": []}
        harness.fake_razorpay.payments[made["id"]] = made


# The command


def test_reconcile_prints_what_it_repaired_and_then_nothing(paid, capsys):
    call_command("reconcile")
    assert f"Repaired: {paid.reference}: was waiting for payment here" in capsys.readouterr().out
    call_command("reconcile", days=30)
    assert capsys.readouterr().out == ""


def test_reconcile_prints_what_staff_have_to_see(paid, capsys):
    Payment.objects.update(amount_minor=105_001)
    call_command("reconcile")
    assert f"To review: {paid.reference}" in capsys.readouterr().out


def test_reconcile_fails_when_a_provider_does_not_answer(paid, provider):
    provider.refuses["list_payments"] = GatewayUnavailable("timeout")
    with pytest.raises(CommandError, match="mock: timeout"):
        call_command("reconcile")


def test_reconcile_looks_no_further_back_than_it_is_told(paid, travel_to, capsys):
    travel_to(NOW + timedelta(days=4))
    call_command("reconcile")
    assert capsys.readouterr().out == ""
    call_command("reconcile", days=5)
    assert "Repaired" in capsys.readouterr().out


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


def test_provider_that_can_not_be_compared_holds_up_no_other(paid, provider, settings, stripe_server):
    provider.refuses["list_payments"] = LookupError("an answer that nobody foresaw")
    assert services.reconcile(NOW).failed == ["mock"]
    assert stripe_server.requests


def test_reconciliation_begins_no_more_when_its_time_is_over(paid):
    assert services.reconcile(NOW, seconds=0).repaired == []


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
