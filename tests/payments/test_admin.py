import pytest
from django.urls import reverse

from bookings.models import Status
from payments import services
from payments.gateways.base import GatewayUnavailable, Money
from payments.models import Payment, PaymentStatus, Refund
from tests.factories import NOW
from tests.payments.steps import says

pytestmark = pytest.mark.django_db
LIST = reverse("admin:payments_payment_changelist")


@pytest.fixture
def desk(client, staff):
    client.force_login(staff)
    return client


def act(desk, action, payment):
    response = desk.post(LIST, {"action": action, "_selected_action": [payment.pk]}, follow=True)
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize("field", ["reference", "payment_id", "provider_ref"])
def test_payment_is_found_by_any_of_its_ids(desk, paid, field):
    payment = services.settle(paid.pk, source="test", now=NOW)
    shown = desk.get(LIST, {"q": getattr(payment, field)}).content.decode()
    assert payment.reference in shown
    assert "₹1,050.00" in shown


def test_payment_is_found_by_its_session(desk, payment):
    assert payment.reference in desk.get(LIST, {"q": payment.booking.reference}).content.decode()


def test_what_needs_attention_is_a_filter(desk, payment):
    assert payment.reference not in desk.get(LIST, {"needs_review__exact": "1"}).content.decode()
    Payment.objects.update(needs_review=True)
    assert payment.reference in desk.get(LIST, {"needs_review__exact": "1"}).content.decode()


def test_history_can_be_read_and_not_changed(desk, payment):
    url = reverse("admin:payments_payment_change", args=[payment.pk])
    shown = desk.get(url).content.decode()
    assert payment.provider_ref in shown
    assert 'name="amount_minor"' not in shown
    desk.post(url, {"amount_minor": 1, "status": "succeeded"})
    payment.refresh_from_db()
    assert (payment.amount_minor, payment.status) == (105_000, PaymentStatus.OPEN)
    assert desk.get(reverse("admin:payments_payment_add")).status_code == 403
    assert desk.post(reverse("admin:payments_payment_delete", args=[payment.pk])).status_code == 403


def test_settle_again_asks_the_provider(desk, booking, paid):
    assert act(desk, "settle_again", paid) == [f"{paid}: Succeeded"]
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_settle_again_says_when_the_provider_is_down(desk, paid, provider):
    provider.refuses["fetch"] = GatewayUnavailable("timeout")
    assert act(desk, "settle_again", paid) == [f"{paid}: timeout"]
    paid.refresh_from_db()
    assert paid.status == PaymentStatus.OPEN


def test_mismatch_is_reviewed_by_name(desk, paid, provider, staff):
    says(provider, amount=Money(1, "INR"))
    assert act(desk, "settle_again", paid) == [f"{paid}: Waiting for payment, needs review"]
    assert act(desk, "mark_reviewed", paid) == [f"{paid}: marked as reviewed"]
    paid.refresh_from_db()
    assert (paid.needs_review, paid.reviewed_by) == (False, staff)


def test_refunds_are_listed_and_found_by_their_session(desk, booking, paid):
    services.settle(paid.pk, source="test", now=NOW)
    refund = services.enqueue_refund(
        paid.pk, amount_minor=100, reason=Refund.Reason.SURPLUS, key="a", now=NOW
    )
    url = reverse("admin:payments_refund_changelist")
    assert refund.reference in desk.get(url, {"q": booking.reference}).content.decode()
    assert desk.get(reverse("admin:payments_refund_change", args=[refund.pk])).status_code == 200


@pytest.mark.parametrize("person", ["student", "stranger"])
def test_others_do_not_get_in(client, request, person):
    client.force_login(request.getfixturevalue(person))
    assert client.get(LIST).status_code == 302
