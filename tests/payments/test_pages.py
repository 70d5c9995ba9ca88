"""The payment page, its failed page, and the mock provider's buttons: who may, when, and what comes back."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import Booking, Status
from bookings.services import cancel, sweep
from payments import services
from payments.gateways.base import GatewayMisconfigured, GatewayRejected, GatewayUnavailable, Money
from payments.gateways.mock import Outcome, simulate
from payments.models import MockCheckout, Payment, PaymentStatus, Refund
from tests.factories import NOW
from tests.payments.steps import says

pytestmark = [pytest.mark.django_db, pytest.mark.once]
GETS = ("payment", "payment_failed")
PAGES = (*GETS, "payment_mock")


def url(name, booking) -> str:
    return reverse(name, args=[booking.reference])


@pytest.fixture
def page(client, student, booking):
    """GET as the student who booked."""
    client.force_login(student)
    return lambda name="payment", booking=booking: client.get(url(name, booking))


@pytest.fixture
def press(client, student, booking, provider):
    """Press one of the two buttons, as the student who booked."""
    client.force_login(student)
    return lambda outcome="success", booking=booking: client.post(
        url("payment_mock", booking), {"outcome": outcome}
    )


def text(response) -> str:
    return " ".join(response.content.decode().split())


# Who may


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("person", ["stranger", "staff", "mentor"])
def test_pages_are_there_only_for_the_student_who_booked(client, request, booking, provider, name, person):
    someone = request.getfixturevalue(person)
    client.force_login(getattr(someone, "user", someone))
    method = client.post if name == "payment_mock" else client.get
    assert method(url(name, booking), {"outcome": "success"}).status_code == 404
    assert provider.calls == []


@pytest.mark.parametrize("name", GETS)
def test_anonymous_signs_in_and_comes_back(client, booking, name):
    response = client.get(url(name, booking))
    assert response["Location"] == f"{reverse('account_login')}?next={url(name, booking)}"


def test_anonymous_who_presses_a_button_comes_back_to_the_page_with_the_buttons(client, booking, provider):
    response = client.post(url("payment_mock", booking), {"outcome": "success"})
    assert response["Location"] == f"{reverse('account_login')}?next={url('payment', booking)}"
    assert provider.calls == []


@pytest.mark.parametrize("name", PAGES)
def test_unknown_session_is_not_found(client, student, name):
    client.force_login(student)
    method = client.post if name == "payment_mock" else client.get
    assert method(reverse(name, args=["SESSION-0000000000"])).status_code == 404


@pytest.mark.parametrize(
    ("name", "method"), [("payment", "post"), ("payment_failed", "post"), ("payment_mock", "get")]
)
def test_wrong_method_is_refused(client, student, booking, name, method):
    client.force_login(student)
    assert getattr(client, method)(url(name, booking)).status_code == 405


@pytest.mark.parametrize("name", GETS)
def test_pages_are_never_stored(page, name):
    assert "no-store" in page(name)["Cache-Control"]


def test_button_needs_the_csrf_token(student, booking, provider):
    client = Client(enforce_csrf_checks=True)
    client.force_login(student)
    assert client.post(url("payment_mock", booking), {"outcome": "success"}).status_code == 403
    assert provider.calls == []


# The payment page


def test_payment_page_says_what_when_with_whom_and_how_much(page, booking):
    shown = text(page())
    order = booking.payments.get()
    for fact in (
        order.reference,
        booking.reference,
        "Career Guidance",
        "Meera Rao",
        "Wednesday",
        "Dec 2026",
        "6:30 am to 7:30 am",
        "Berlin time; 11:00 am for Meera in Kolkata",
        "₹1,000.00",
        "₹50.00",
        "₹1,050.00",
        "Simulate Payment Success",
        "Simulate Payment Failure",
        "Let this time go",
    ):
        assert fact in shown


def test_payment_page_counts_the_hold_down_in_the_students_zone(page, booking):
    shown = text(page())
    assert f'data-until="{booking.hold_expires_at.isoformat()}"' in shown
    assert "until 7:45 am" in shown


def test_payment_page_without_a_known_zone_is_in_the_mentors(page, student):
    student.time_zone = ""
    student.save()
    shown = text(page())
    assert "11:00 am to 12:00 pm" in shown
    assert "Kolkata time, where Meera is" in shown


def test_looking_at_the_payment_page_changes_nothing(page, provider):
    before = list(Payment.objects.values())
    page()
    assert list(Payment.objects.values()) == before
    assert provider.calls == []


def test_payment_page_without_a_provider_for_the_currency_says_so(page, settings):
    settings.PAYMENT_GATEWAYS = []
    response = page()
    assert response.status_code == 200
    assert "can’t be taken" in text(response)
    assert "Simulate" not in text(response)


@pytest.mark.parametrize("tries", [0, 30])
def test_payment_page_costs_the_same_however_many_tries_there_were(
    page, booking, provider, django_assert_num_queries, tries
):
    for _ in range(tries):
        booking.payments.create(
            amount_minor=1, platform_fee_minor=0, currency="INR", created_at=NOW, status=PaymentStatus.EXPIRED
        )
    with django_assert_num_queries(6):
        page()


# The buttons


def test_success_confirms_and_leads_to_the_confirmation(press, booking):
    response = press()
    booking.refresh_from_db()
    assert (response.status_code, response["Location"]) == (303, url("session_confirmation", booking))
    assert booking.status == Status.SCHEDULED
    assert "no-store" in response["Cache-Control"]


def test_failure_keeps_the_hold_and_leads_to_the_failed_page(press, booking):
    until = booking.hold_expires_at
    response = press("failure")
    booking.refresh_from_db()
    assert (response.status_code, response["Location"]) == (303, url("payment_failed", booking))
    assert booking.status == Status.AWAITING_PAYMENT
    assert booking.hold_expires_at == until + timedelta(minutes=2)  # opening the checkout extended it, once


def test_failure_then_success_is_one_payment(press, booking):
    press("failure")
    press("failure")
    assert press()["Location"] == url("session_confirmation", booking)
    assert Payment.objects.count() == MockCheckout.objects.count() == 1


def test_pressing_twice_pays_once(press, booking):
    assert press()["Location"] == press()["Location"] == url("session_confirmation", booking)
    assert Payment.objects.count() == MockCheckout.objects.count() == 1


def test_failure_after_success_changes_nothing(press, booking):
    press()
    assert press("failure")["Location"] == url("session_confirmation", booking)
    assert Payment.objects.get().status == PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("outcome", ["", "paid", "SUCCESS", "success\x7f"])
def test_other_outcome_is_refused(press, provider, outcome):
    response = press(outcome)
    assert response.status_code == 422
    assert "choose one of the two" in text(response)
    assert provider.calls == []


def test_price_in_the_form_is_not_heard(client, student, booking, provider):
    client.force_login(student)
    client.post(url("payment_mock", booking), {"outcome": "success", "amount": "1", "amount_minor": "1"})
    assert Payment.objects.get().amount_minor == MockCheckout.objects.get().amount_minor == 105_000


def test_mock_that_is_not_configured_is_not_there(press, provider, settings):
    settings.PAYMENT_GATEWAYS = []
    assert press().status_code == 404
    assert provider.calls == []


@pytest.mark.parametrize("call", ["create_checkout", "fetch"])
@pytest.mark.parametrize(
    "error", [GatewayUnavailable("timeout"), GatewayMisconfigured("key"), GatewayRejected("req_123")]
)
def test_provider_that_fails_keeps_the_hold_and_offers_to_try_again(press, booking, provider, call, error):
    provider.refuses[call] = error
    response = press()
    booking.refresh_from_db()
    assert response.status_code == 503
    assert "Try again" in text(response)
    assert "Held for you" in text(response)
    assert str(error) not in text(response)
    assert booking.status == Status.AWAITING_PAYMENT
    provider.refuses.clear()
    assert press()["Location"] == url("session_confirmation", booking)
    assert MockCheckout.objects.count() == 1


def test_other_amount_leads_back_with_words_and_is_not_payable_again(press, page, booking, provider):
    says(provider, amount=Money(1, "INR"))
    assert press()["Location"] == url("payment", booking)
    assert page()["Location"] == url("session_detail", booking)
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT


def test_too_many_presses_are_told_to_wait(press):
    statuses = [press("").status_code for _ in range(31)]
    assert statuses == [422] * 30 + [429]


# What can't be paid


def free(booking, student):
    Booking.objects.filter(pk=booking.pk).update(price_minor=0, fee_minor=0)


def requested(booking, student):
    Booking.objects.filter(pk=booking.pk).update(
        status=Status.REQUESTED, respond_by=NOW + timedelta(hours=4), hold_expires_at=None
    )


def cancelled(booking, student):
    cancel(booking.pk, actor=student, now=NOW)


def started(booking, student):
    begun = NOW - timedelta(minutes=5)
    Booking.objects.filter(pk=booking.pk).update(starts_at=begun, hold_expires_at=begun)


def lapsed(booking, student):
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=NOW)


def swept(booking, student):
    lapsed(booking, student)
    sweep(NOW)


def paid_already(booking, student):
    Booking.objects.filter(pk=booking.pk).update(status=Status.SCHEDULED, hold_expires_at=None)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("happened", [free, requested, cancelled, started])
def test_session_that_cannot_be_paid_leads_to_its_page_with_a_reason(
    client, student, booking, provider, name, happened
):
    happened(booking, student)
    before = Booking.objects.values().get(), Payment.objects.values().get()
    client.force_login(student)
    method = client.post if name == "payment_mock" else client.get
    response = method(url(name, booking), {"outcome": "success"})
    assert response["Location"] == url("session_detail", booking)
    assert [message.level_tag for message in response.wsgi_request._messages] == ["info"]
    assert (Booking.objects.values().get(), Payment.objects.values().get()) == before
    assert provider.calls == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("happened", [lapsed, swept])
def test_lapsed_hold_says_so_and_leads_to_other_times(client, student, booking, provider, name, happened):
    happened(booking, student)
    client.force_login(student)
    method = client.post if name == "payment_mock" else client.get
    response = method(url(name, booking), {"outcome": "success"})
    assert response.status_code == 409
    assert "no longer held" in text(response)
    assert f"{reverse('book', args=['meera-rao'])}?type=career-guidance&amp;duration=60" in text(response)
    assert provider.calls == []


def test_lapsed_page_does_not_say_uncharged_while_nobody_knows(page, booking, payment, student):
    lapsed(booking, student)
    assert "Nothing was charged" not in text(page())
    services.sweep(NOW)
    assert "Nothing was charged" in text(page())


@pytest.mark.parametrize("name", PAGES)
def test_paid_session_leads_to_its_confirmation(client, student, booking, provider, name):
    paid_already(booking, student)
    client.force_login(student)
    method = client.post if name == "payment_mock" else client.get
    assert method(url(name, booking), {"outcome": "success"})["Location"] == url(
        "session_confirmation", booking
    )
    assert provider.calls == []


def test_hold_that_lapses_while_paying_is_confirmed_when_the_time_is_free(press, booking, provider):
    def lapse_meanwhile(state):
        lapsed(booking, None)
        sweep(NOW)
        return state

    provider.says["fetch"] = lapse_meanwhile
    assert press()["Location"] == url("session_confirmation", booking)


def test_session_cancelled_while_paying_gets_its_money_back_and_says_so(
    press, page, student, booking, provider
):
    def cancel_meanwhile(state):
        cancel(booking.pk, actor=student, now=NOW)
        return state

    provider.says["fetch"] = cancel_meanwhile
    assert press()["Location"] == url("payment", booking)
    response = page()
    assert response["Location"] == url("session_detail", booking)
    assert "on its way back" in str(next(iter(response.wsgi_request._messages)))
    assert Refund.objects.get().amount_minor == 105_000


# The failed page


@pytest.fixture
def declined(payment) -> Payment:
    simulate(payment.provider_ref, Outcome.FAILURE)
    return services.settle(payment.pk, source="test", now=NOW)


def test_failed_page_gives_the_reason_and_every_way_on(page, booking, declined, settings):
    shown = text(page("payment_failed"))
    booking.refresh_from_db()
    for part in (
        "The card was declined.",
        f'href="{url("payment", booking)}">Try again',
        "Choose another time",
        f"mailto:{settings.SUPPORT_EMAIL}?subject={declined.reference}",
        f'data-until="{booking.hold_expires_at.isoformat()}"',
    ):
        assert part in shown


def test_failed_page_without_a_failure_leads_to_the_payment_page(page, booking, payment):
    assert page("payment_failed")["Location"] == url("payment", booking)


def test_failed_page_of_a_payment_that_went_through_after_all_leads_to_the_confirmation(
    page, booking, declined
):
    simulate(declined.provider_ref, Outcome.SUCCESS)
    services.settle(declined.pk, source="test", now=NOW)
    assert page("payment_failed")["Location"] == url("session_confirmation", booking)
