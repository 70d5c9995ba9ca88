"""Money that goes back, and sessions that are cancelled: once and to the unit, for every gateway."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from bookings.cancellation import RefundChoice
from bookings.models import Status
from bookings.services import NotAllowed, book, cancel, cancel_by_staff, decline
from lib.money import unchargeable
from mentors.models import Mentor, SessionType
from payments import services
from payments.gateways.base import GatewayUnavailable, RefundResult
from payments.models import MockRefund, Payment, Refund, RefundStatus
from payments.reports.audit import audit
from payments.services import NotRefundable
from tests.factories import NOW, SessionTypeFactory
from tests.payments.conftest import STARTS_AT
from tests.payments.stripe_books import SLOW_REFUND_CARD
from tests.payments.worlds import WORLDS

pytestmark = pytest.mark.django_db
PAID = 105_000
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def impatient(settings):
    """One try, and a short one, so that what goes wrong is seen at once."""
    settings.PROVIDER_RETRIES = 0
    settings.PROVIDER_TIMEOUT = (5, 10)


@pytest.fixture(params=WORLDS)
def world(request, settings, db):
    settings.PAYMENT_GATEWAYS = [request.param]
    with WORLDS[request.param]() as world:
        yield world


def settle(world, booking) -> Payment:
    """Opened, paid, and settled."""
    payment = world.open(booking)
    world.pay(payment.provider_ref)
    return services.settle(payment.pk, source="test", now=timezone.now())


@pytest.fixture
def settled(world, booking) -> Payment:
    return settle(world, booking)


@pytest.fixture
def slowly(world, booking) -> Payment:
    """Paid in such a way that refunds of it take days."""
    payment = world.open(booking)
    if world.name == "stripe":
        world.books.pay(payment.provider_ref, SLOW_REFUND_CARD)
    else:
        world.pay(payment.provider_ref)
    if world.name == "razorpay":
        world.account.refund_status = "pending"
    if world.name == "mock":
        world.provider.says["refund"] = pending
    return services.settle(payment.pk, source="test", now=timezone.now())


def pending(state):
    """The mock provider's books, and what it says."""
    MockRefund.objects.filter(refund_id=state.refund_id).update(status=RefundResult.PENDING)
    return replace(state, status=RefundResult.PENDING)


def trouble_refunds(world, *, done: bool) -> None:
    """The next refund is asked for in vain, or is made and its answer lost."""
    if world.name == "mock":
        where = world.provider.loses if done else world.provider.refuses
        where["refund"] = GatewayUnavailable("timeout")
    elif world.name == "razorpay":
        world.stand_in.fail("POST", "/v1/payments/[^/]+/refund", "lost" if done else "500")
    else:
        world.stand_in.disturb("lost" if done else "html", "POST /v1/refunds")


def calm(world) -> None:
    if world.name == "mock":
        world.provider.loses.clear()
        world.provider.refuses.clear()


def end_refund(world, refund, *, arrived: bool) -> None:
    """The bank's word, perhaps days later."""
    provider_id = fresh(refund).provider_id
    if world.name == "mock":
        status = RefundResult.SUCCEEDED if arrived else RefundResult.FAILED
        MockRefund.objects.filter(refund_id=provider_id).update(status=status)
        world.provider.says.clear()
    elif world.name == "razorpay":
        world.account.refund_status = "processed"
        world.account.end_refund(provider_id, "processed" if arrived else "failed")
    else:
        world.books.move_refund(provider_id, "succeeded" if arrived else "failed", "declined")


def at_provider(world, payment) -> list[int]:
    """What has gone back there, in minor units."""
    states = world.bench.gateway.list_refunds(fresh(payment).payment_id)
    return [state.amount.minor for state in states if state.status is not RefundResult.FAILED]


def refund_by_staff(payment, staff, minor, *, seen=None):
    return services.refund_by_staff(
        payment.pk,
        amount_minor=minor,
        seen_refunds=payment.refunds.count() if seen is None else seen,
        actor=staff,
        note="Sorry",
        now=timezone.now(),
    )


def send(refund) -> Refund:
    services.send_refund(refund.pk, now=max(timezone.now(), fresh(refund).due_at))
    return fresh(refund)


def send_all() -> None:
    for refund in Refund.objects.all():
        send(refund)


def fresh(row):
    row.refresh_from_db()
    return row


def sums(payment) -> tuple[int, int]:
    fresh(payment)
    return payment.reserved_minor, payment.refunded_minor


@pytest.fixture(autouse=True)
def the_money_adds_up(db):
    yield
    found = audit()
    assert found.problems == []
    assert all(total.is_balanced for total in found.totals.values())


# 21


def test_case_21_refund_of_everything(world, settled, staff):
    refund = send(refund_by_staff(settled, staff, PAID))
    assert (refund.status, refund.reason, refund.actor) == ("succeeded", "staff", staff)
    assert (sums(settled), at_provider(world, settled)) == ((0, PAID), [PAID])


def test_case_21_refunds_in_parts_up_to_the_total_and_no_further(world, settled, staff):
    for minor in (30_000, 70_000, 5_000):
        send(refund_by_staff(settled, staff, minor))
    with pytest.raises(NotRefundable):
        refund_by_staff(settled, staff, 1)
    assert (sums(settled), at_provider(world, settled)) == ((0, PAID), [30_000, 70_000, 5_000])


@pytest.mark.parametrize("minor", [0, -1, PAID + 1])
def test_case_21_nothing_and_more_than_was_paid_are_refused(world, settled, staff, minor):
    with pytest.raises(NotRefundable):
        refund_by_staff(settled, staff, minor)
    assert at_provider(world, settled) == []


def test_case_21_what_is_on_its_way_is_not_refunded_again(world, settled, staff):
    refund_by_staff(settled, staff, 100_000)
    with pytest.raises(NotRefundable):
        refund_by_staff(settled, staff, 5_001)


def test_case_21_two_clicks_and_two_staff_on_one_page_make_one_refund(world, settled, staff):
    """In parallel in tests/concurrency/test_refund_race.py."""
    refunds = {refund_by_staff(settled, staff, 40_000, seen=0).pk for _ in range(2)}
    with pytest.raises(NotRefundable, match="look again"):
        refund_by_staff(settled, staff, 50_000, seen=0)
    send_all()
    assert (len(refunds), at_provider(world, settled)) == (1, [40_000])


def test_case_21_refund_beside_a_dispute_is_refused(world, settled, staff):
    Payment.objects.update(is_disputed=True)
    with pytest.raises(NotRefundable, match="bank"):
        refund_by_staff(settled, staff, 100)


# 22


@pytest.mark.parametrize("done", [True, False])
def test_case_22_lost_answer_is_asked_for_again_and_refunds_once(world, settled, staff, done):
    trouble_refunds(world, done=done)
    refund = send(refund_by_staff(settled, staff, 60_000))
    assert (refund.status, refund.attempts, sums(settled)) == ("requested", 1, (60_000, 0))
    assert refund.error
    calm(world)
    refund = send(refund)
    assert (refund.status, refund.renewals, refund.error) == ("succeeded", 0, "")
    assert (sums(settled), at_provider(world, settled)) == ((0, 60_000), [60_000])


def test_case_22_lost_answer_is_found_in_the_providers_list(world, settled, staff):
    trouble_refunds(world, done=True)
    refund = send(refund_by_staff(settled, staff, 60_000))
    services.sync_refunds(settled.pk, now=NOW)
    assert fresh(refund).status == RefundStatus.SUCCEEDED
    assert (sums(settled), at_provider(world, settled)) == ((0, 60_000), [60_000])


def test_case_22_staff_who_try_again_while_the_answer_is_lost_keep_the_key(world, settled, staff):
    trouble_refunds(world, done=True)
    refund = send(refund_by_staff(settled, staff, 60_000))
    key = refund.sent_key
    calm(world)
    services.retry_refund(refund.pk, now=NOW)
    assert (send(refund).sent_key, at_provider(world, settled)) == (key, [60_000])


# 23


@pytest.fixture
def cancelled(booking, student):
    """Call it to cancel the session by its student; the refund, sent."""

    def cancel_it() -> Refund:
        cancel(booking.pk, actor=student, now=timezone.now(), reason="Ill")
        return send(Refund.objects.get())

    return cancel_it


def test_case_23_refund_on_its_way_arrives(world, booking, slowly, cancelled):
    refund = cancelled()
    assert (refund.status, sums(slowly)) == ("pending", (PAID, 0))
    end_refund(world, refund, arrived=True)
    assert send(refund).status == RefundStatus.SUCCEEDED
    assert (sums(slowly), fresh(booking).status) == ((0, PAID), Status.CANCELLED)


@pytest.mark.parametrize("had_arrived", [False, True])
def test_case_23_refund_that_fails_later_stays_owed_and_can_be_tried_again(
    world, booking, slowly, cancelled, caplog, had_arrived
):
    refund = cancelled()
    if had_arrived:
        end_refund(world, refund, arrived=True)
        send(refund)
    end_refund(world, refund, arrived=False)
    services.sync_refunds(slowly.pk, now=NOW)
    assert (fresh(refund).status, sums(slowly), at_provider(world, slowly)) == ("failed", (PAID, 0), [])
    assert (fresh(booking).status, refund.reference in slowly.review_reason) == (Status.CANCELLED, True)
    assert slowly.needs_review
    assert "refund failed" in caplog.messages
    old = refund.sent_key
    refund = services.retry_refund(refund.pk, now=NOW)
    assert (refund.status, refund.provider_id, refund.sent_key != old) == ("requested", "", True)
    refund = send(refund)
    if refund.status == RefundStatus.PENDING:
        end_refund(world, refund, arrived=True)
        services.sync_refunds(slowly.pk, now=NOW)
    assert (fresh(refund).status, sums(slowly), at_provider(world, slowly)) == (
        "succeeded",
        (0, PAID),
        [PAID],
    )
    assert not slowly.needs_review


def test_case_23_old_failure_told_again_does_not_touch_the_new_try(world, slowly, cancelled):
    refund = cancelled()
    end_refund(world, refund, arrived=False)
    services.sync_refunds(slowly.pk, now=NOW)
    services.retry_refund(refund.pk, now=NOW)
    services.sync_refunds(slowly.pk, now=NOW)
    assert fresh(refund).status == RefundStatus.REQUESTED


def test_case_23_failed_refund_that_staff_made_at_the_provider_is_not_made_twice(world, slowly, cancelled):
    refund = cancelled()
    end_refund(world, refund, arrived=False)
    services.sync_refunds(slowly.pk, now=NOW)
    world.refund_by_hand(slowly, PAID)
    with_bank = world.name == "stripe"  # the card's refunds take days, by whomever they are made
    if with_bank:
        services.retry_refund(refund.pk, now=NOW)
        end_refund(world, refund, arrived=True)
        services.sync_refunds(slowly.pk, now=NOW)
    else:
        with pytest.raises(NotRefundable, match="went back already"):
            services.retry_refund(refund.pk, now=NOW)
    assert (fresh(refund).status, sums(slowly), at_provider(world, slowly)) == (
        "succeeded",
        (0, PAID),
        [PAID],
    )


# 26


@pytest.mark.parametrize(
    ("policy", "before", "minor"),
    [
        *(("flexible", 25, PAID), ("flexible", 23, 0)),
        *(("moderate", 49, PAID), ("moderate", 47, 50_000), ("moderate", 23, 0)),
        *(("strict", 73, 50_000), ("strict", 71, 0)),
    ],
)
def test_case_26_student_gets_back_what_the_policy_gives_once(
    world, booking, student, travel_to, policy, before, minor
):
    type(booking).objects.update(cancellation_policy=policy)
    settled = settle(world, booking)
    travel_to(STARTS_AT - before * HOUR)
    for _ in range(2):
        cancel(booking.pk, actor=student, now=timezone.now())
    send_all()
    assert fresh(booking).status == Status.CANCELLED
    assert (sums(settled), at_provider(world, settled)) == ((0, minor), [minor] * bool(minor))


def test_case_26_policy_of_the_booking_counts_and_not_the_mentors_new_one(world, booking, settled, student):
    Mentor.objects.update(cancellation_policy="strict")
    cancel(booking.pk, actor=student, now=timezone.now())
    assert Refund.objects.get().amount_minor == PAID


def test_case_26_mentor_declines_before_anything_was_charged(world, mentor, student):
    kind = SessionTypeFactory(mentor=mentor, requires_approval=True)
    asked = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    decline(asked.pk, actor=mentor.user, now=NOW)
    assert not Payment.objects.exists()


def test_case_26_mentor_asks_staff_and_everything_comes_back(
    world, booking, settled, mentor, staff, travel_to
):
    travel_to(STARTS_AT - HOUR)
    with pytest.raises(NotAllowed):
        cancel(booking.pk, actor=mentor.user, now=timezone.now())
    cancel_by_staff(booking.pk, actor=staff, now=timezone.now(), reason="Ill", give_back=RefundChoice.ALL)
    send_all()
    assert (sums(settled), at_provider(world, settled)) == ((0, PAID), [PAID])


@pytest.mark.parametrize(
    ("give_back", "minor"), [("all", PAID), ("policy", 50_000), ("part", 12_345), ("none", 0)]
)
def test_case_26_staff_give_back_what_they_choose(
    world, booking, student, staff, travel_to, give_back, minor
):
    type(booking).objects.update(cancellation_policy="moderate")
    settled = settle(world, booking)
    travel_to(STARTS_AT - 30 * HOUR)
    cancel_by_staff(
        booking.pk,
        actor=staff,
        now=timezone.now(),
        reason="The mentor is ill",
        give_back=RefundChoice(give_back),
        part_minor=12_345,
    )
    send_all()
    assert (sums(settled), at_provider(world, settled)) == ((0, minor), [minor] * bool(minor))


def test_case_26_whoever_does_not_come_gets_nothing_by_themselves(
    world, booking, settled, student, staff, travel_to
):
    travel_to(STARTS_AT)
    with pytest.raises(NotAllowed):
        cancel(booking.pk, actor=student, now=timezone.now())
    assert at_provider(world, settled) == []
    send(refund_by_staff(settled, staff, 20_000))
    assert at_provider(world, settled) == [20_000]


def test_case_26_cancelled_before_the_payment_arrived_gives_it_all_back_once(world, booking, student):
    payment = world.open(booking)
    world.pay(payment.provider_ref)
    cancel(booking.pk, actor=student, now=timezone.now())
    for _ in range(3):
        services.settle(payment.pk, source="test", now=timezone.now())
        services.sweep(timezone.now())
    assert (sums(payment), at_provider(world, payment)) == ((0, PAID), [PAID])


# 27


def test_case_27_free_session_meets_no_gateway(world, mentor, student):
    kind = SessionTypeFactory(mentor=mentor, price_minor=0)
    free = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    cancel(free.pk, actor=student, now=NOW)
    assert not Payment.objects.exists()
    assert world.made() == 0


@pytest.mark.parametrize(("minor", "currency"), [(49, "USD"), (99, "INR"), (49, "JPY"), (1_005, "KWD")])
def test_case_27_price_that_cannot_be_charged_is_refused_when_it_is_set(minor, currency):
    assert unchargeable(minor, currency)
    assert not unchargeable(minor + 5, currency)


@pytest.mark.parametrize(
    ("price", "fee", "currency", "half"),
    [
        (9_999, 500, "JPY", 5_000),
        (12_350, 620, "KWD", 6_180),
        (9_99, 100, "USD", 500),
        (33_333, 1_667, "INR", 16_667),
    ],
)
def test_case_27_odd_amounts_and_currencies_are_exact_to_the_unit(
    world, mentor, student, travel_to, price, fee, currency, half
):
    kind = SessionTypeFactory(mentor=mentor, price_minor=price, currency=currency)
    odd = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    type(odd).objects.update(cancellation_policy="strict")
    payment = settle(world, odd)
    assert (payment.amount_minor, payment.platform_fee_minor) == (price + fee, fee)
    cancel(odd.pk, actor=student, now=NOW)
    send_all()
    assert (sums(payment), at_provider(world, payment)) == ((0, half), [half])


def test_case_27_thousandths_that_no_provider_refunds_are_refused(world, mentor, student, staff):
    kind = SessionTypeFactory(mentor=mentor, price_minor=10_000, currency="KWD")
    odd = book(student=student, session_type=kind, duration_minutes=60, starts_at=STARTS_AT, now=NOW)
    with pytest.raises(NotRefundable, match="third digit"):
        refund_by_staff(settle(world, odd), staff, 1_005)


# 28


def test_case_28_price_and_fee_of_the_hold_count_whatever_they_are_now(world, booking, student, settings):
    SessionType.objects.update(price_minor=999_900)
    settings.PLATFORM_FEE_PERCENT = 50
    settled = settle(world, booking)
    assert (settled.amount_minor, settled.platform_fee_minor, fresh(booking).status) == (
        PAID,
        5_000,
        "scheduled",
    )
    cancel(booking.pk, actor=student, now=timezone.now())
    send_all()
    assert at_provider(world, settled) == [PAID]


@pytest.mark.parametrize("how", ["suspended", "gone"])
def test_case_28_mentor_who_left_meanwhile_means_all_money_back(world, booking, how):
    payment = world.open(booking)
    world.pay(payment.provider_ref)
    if how == "suspended":
        Mentor.objects.update(status=Mentor.Status.SUSPENDED)
    else:
        type(booking.mentor.user).objects.filter(pk=booking.mentor.user_id).update(is_active=False)
    for _ in range(2):
        services.settle(payment.pk, source="test", now=timezone.now())
        services.sweep(timezone.now())
    assert Refund.objects.get().reason == Refund.Reason.NOT_CONFIRMED
    assert (sums(payment), at_provider(world, payment)) == ((0, PAID), [PAID])
