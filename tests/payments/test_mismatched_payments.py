"""Money in a currency that isn't traded here, which a provider's dashboard can do: staff see it, nothing breaks."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from bookings.services import cancel
from lib.money import format_money, to_major, to_minor
from mentors.models import Mentor
from notifications.models import Kind
from payments import services
from payments.gateways.base import Money, RefundResult, RefundState
from payments.models import Payment, PaymentStatus, Refund, RefundStatus
from payments.reports.audit import audit
from payments.services import NotPayable, NotRefundable
from payments.services.refund_sync import record_refunds
from tests.factories import NOW
from tests.payments.factories import STARTS_AT, payment_of
from tests.payments.markers import mock_only, stripe_only
from tests.payments.steps import PAID, assert_money, fresh, paths, says, sent, settle, sweep

pytestmark = pytest.mark.django_db
CAME = 4_200_000
SHOWN = "HUF\N{NO-BREAK SPACE}4,200,000 in its smallest unit"


@pytest.fixture
def came_in(harness, booking) -> Payment:
    """Forints came in for an order of ₹1,050, and we have heard of it."""
    payment = harness.open(booking)
    harness.pay(payment.provider_ref)
    harness.falsify(payment.provider_ref, minor=CAME, currency="HUF")
    return services.settle(payment.pk, source="test", now=timezone.now())


@pytest.fixture
def went_back(harness, came_in) -> Payment:
    """Staff gave it back."""
    services.refund_mismatched_payment(came_in.pk, now=timezone.now())
    services.send_refund(came_in.refunds.get().pk, now=timezone.now())
    came_in.refresh_from_db()
    return came_in


def test_unknown_currency_is_shown_in_the_unit_in_which_it_was_reported():
    assert format_money(CAME, "HUF") == format_money(CAME, "HUF", full=True) == SHOWN
    assert to_minor(to_major(CAME, "HUF"), "HUF") == CAME


def test_unknown_currency_ends_in_staffs_list(harness, client, staff, came_in):
    assert (came_in.status, came_in.needs_review) == (PaymentStatus.OPEN, True)
    assert f"{CAME} HUF" in came_in.review_reason
    client.force_login(staff)
    listed = client.get(reverse("admin:payments_payment_changelist"), {"attention": "mismatch"})
    assert came_in.reference in listed.content.decode()


def test_unknown_currency_is_compared_by_the_reconciliation(harness, came_in):
    found = services.reconcile(timezone.now())
    assert (found.repaired, found.reported, found.unreachable) == ([], [], [])


def test_unknown_currency_goes_back_as_it_came(harness, came_in, went_back):
    assert (went_back.amount_minor, went_back.currency, went_back.refunded_minor) == (CAME, "HUF", CAME)
    (state,) = harness.gateway.list_refunds(went_back.payment_id)
    assert (state.amount, state.status) == (Money(CAME, "HUF"), RefundResult.SUCCEEDED)
    found = audit()
    assert (found.problems, found.totals["HUF"].refunded) == ([], CAME)


def test_unknown_currency_is_on_every_page_that_shows_it(harness, client, staff, student, went_back, booking):
    said = StringIO()
    call_command("audit_money", stdout=said)
    client.force_login(staff)
    pages = [
        client.get(reverse(name, args=args)).content.decode()
        for name, *args in (
            ("admin:payments_payment_changelist",),
            ("admin:payments_payment_change", went_back.pk),
            ("admin:payments_refund_changelist",),
            ("admin:bookings_booking_change", booking.pk),
        )
    ]
    client.force_login(student)
    pages += [client.get(path).content.decode() for path in (booking.get_absolute_url(), "/payments/")]
    assert [SHOWN in page for page in [said.getvalue(), *pages]] == [True] * 7


def test_staff_type_an_unknown_currency_in_its_smallest_unit(client, staff, booking):
    payment = payment_of(booking, paid_at=NOW, currency="HUF", amount_minor=CAME, is_surplus=True)
    client.force_login(staff)
    url = reverse("admin:payments_payment_refund", args=[payment.pk])
    assert "Amount in HUF, in its smallest unit" in client.get(url).content.decode()
    typed = {"amount": "500", "reason": "Sorry", "seen_refunds": "0"}
    assert client.post(url, typed).status_code == 302
    assert Refund.objects.get().amount_minor == 500


@mock_only
@pytest.mark.parametrize("amount", [Money(5_000_000_000, "HUF"), Money(100, "USDC")])
def test_money_that_no_column_holds_stays_with_staff(harness, booking, amount):
    payment = harness.open(booking)
    harness.pay(payment.provider_ref)
    says(harness.provider, amount=amount)
    payment = services.settle(payment.pk, source="test", now=timezone.now())
    assert payment.needs_review
    with pytest.raises(services.NotRefundable, match="at the provider"):
        services.refund_mismatched_payment(payment.pk, now=timezone.now())
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT


@pytest.mark.parametrize(
    "fee", [Money(5_000_000_000, "IDR"), Money(-1, "INR"), Money(3, "USDC"), Money(7, "HUF")]
)
def test_odd_fee_of_the_provider_keeps_nobody_from_their_session(booking, paid, provider, fee):
    says(provider, fee=fee)
    payment = settle(paid)
    assert payment.status == PaymentStatus.SUCCEEDED
    assert payment.provider_fee_currency == ("HUF" if fee.currency == "HUF" else "")


def test_refund_in_another_currency_is_flagged_and_takes_nothing_from_ours(booking):
    payment = payment_of(booking, paid_at=NOW)
    ours = services.enqueue_refund(
        payment.pk, amount_minor=50_000, reason=Refund.Reason.STAFF, key="refund-odd-1", now=NOW
    )
    state = RefundState("rfnd_1", payment.payment_id, RefundResult.SUCCEEDED, Money(90_000, "HUF"))
    record_refunds(payment.pk, [state], now=NOW)
    payment.refresh_from_db()
    ours.refresh_from_db()
    assert (ours.amount_minor, ours.status, payment.reserved_minor) == (
        50_000,
        RefundStatus.REQUESTED,
        50_000,
    )
    assert (payment.needs_review, "HUF went back" in payment.review_reason) == (True, True)


# Another amount


@pytest.mark.parametrize(
    ("minor", "currency"), [(PAID - 1, "INR"), (PAID + 1, "INR"), (1, "INR")], ids=["less", "more", "one"]
)
def test_other_amount_is_not_confirmed_and_goes_to_staff(harness, booking, paid, minor, currency):
    mismatch(harness, booking, paid, minor, currency)


def test_other_currency_is_not_confirmed_and_goes_to_staff(harness, booking, paid):
    mismatch(harness, booking, paid, PAID, "USD")


def mismatch(harness, booking, paid, minor, currency) -> None:
    harness.falsify(paid.provider_ref, minor=minor, currency=currency)
    settle(paid)
    sweep()
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert (fresh(paid).status, paid.needs_review) == (PaymentStatus.OPEN, True)
    assert f"{minor} {currency}" in paid.review_reason
    with pytest.raises(NotPayable, match="checked by our staff"):
        harness.open(booking)
    assert len(audit().problems) == 1


@mock_only
def test_staff_give_back_what_was_not_asked_for(harness, booking, paid):
    harness.falsify(paid.provider_ref, minor=100, currency="INR")
    settle(paid)
    services.refund_mismatched_payment(paid.pk, now=timezone.now())
    with pytest.raises(NotRefundable):
        services.refund_mismatched_payment(paid.pk, now=timezone.now())
    assert (fresh(paid).status, paid.is_surplus, paid.needs_review) == ("succeeded", True, False)
    assert fresh(booking).status == Status.EXPIRED
    assert_money(came_in=100, on_its_way=100)


def test_other_amount_keeps_the_time_until_the_start(harness, booking, mismatched, travel_to):
    assert fresh(booking).hold_expires_at == STARTS_AT
    assert set(booking.claims.values_list("expires_at", flat=True)) == {STARTS_AT}
    travel_to(STARTS_AT - timedelta(minutes=1))
    sweep()
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert (fresh(mismatched).status, mismatched.needs_review) == (PaymentStatus.OPEN, True)


@pytest.mark.parametrize("end", ["start", "cancelled", "mentor gone"])
def test_other_amount_that_nobody_decided_on_goes_back_when_its_session_ends(
    harness, booking, student, mismatched, travel_to, end
):
    if end == "start":
        travel_to(STARTS_AT + timedelta(minutes=1))
    elif end == "cancelled":
        cancel(booking.pk, actor=student, now=timezone.now())
    else:
        Mentor.objects.update(status=Mentor.Status.SUSPENDED)
    for _ in range(2):
        sweep()
    assert fresh(booking).status in (Status.EXPIRED, Status.CANCELLED)
    assert (fresh(mismatched).status, mismatched.refunded_minor) == (PaymentStatus.SUCCEEDED, 90_000)
    assert Refund.objects.count() == 1
    assert audit().problems == []


def test_other_amount_that_staff_have_reviewed_is_theirs(harness, booking, student, staff, mismatched):
    services.mark_payment_reviewed(mismatched.pk, actor=staff, now=timezone.now())
    cancel(booking.pk, actor=student, now=timezone.now())
    sweep()
    assert not Refund.objects.exists()


def test_other_amount_given_back_frees_the_time_and_says_where_the_money_is(
    harness, read, booking, mismatched
):
    services.refund_mismatched_payment(mismatched.pk, now=timezone.now())
    services.send_refund(Refund.objects.get().pk, now=timezone.now())
    assert (fresh(booking).status, booking.claims.count()) == (Status.EXPIRED, 0)
    for path in paths(booking):
        page = read(path)
        assert "Nothing was charged" not in page, path
        assert "Nothing charged" not in page, path
    assert "Refunded ₹900" in read(booking.get_absolute_url())
    assert "What you paid for it goes back to you" in read(reverse("payment", args=[booking.reference]))


@stripe_only
def test_news_of_another_amount_names_what_came_and_what_was_agreed(harness, student, mismatched):
    services.refund_mismatched_payment(mismatched.pk, now=timezone.now())
    (body,) = sent(Kind.NOT_CONFIRMED, student)
    assert "your payment of ₹900" in body
    assert "It was not the ₹1,050 that was agreed." in body
