"""The way to Stripe's page, and the way back."""

from datetime import timedelta

import pytest
from django.urls import reverse

from bookings.models import Booking, BookingEvent, Status
from bookings.services import sweep
from payments import services
from payments.models import Payment, PaymentStatus
from tests.factories import NOW
from tests.payments.factories import URLS
from tests.payments.fake_stripe import DECLINED_CARD, DELAYED
from tests.payments.fake_stripe_parameters import Refusal

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def page(client, student):
    client.force_login(student)
    return client


@pytest.fixture
def opened(page, booking, stripe_server) -> Payment:
    """Stripe's page is open, by a press of the button."""
    page.post(url("payment_stripe", booking))
    return booking.payments.get()


def url(name, booking) -> str:
    return reverse(name, args=[booking.reference])


def text(response) -> str:
    return " ".join(response.content.decode().split())


# Out


def test_button_leads_to_stripes_page(page, booking, stripe_server):
    response = page.post(url("payment_stripe", booking))
    payment = booking.payments.get()
    assert (response.status_code, response["Location"]) == (303, payment.checkout_url)
    assert payment.checkout_url == f"{stripe_server.origin}/pay/{payment.provider_ref}"
    assert "no-store" in response["Cache-Control"]


def test_second_press_leads_to_the_same_page(page, booking, stripe_server, opened):
    assert page.post(url("payment_stripe", booking))["Location"] == opened.checkout_url
    assert len(stripe_server.requests) == 1


@pytest.mark.parametrize("trouble", ["error", "throttled", "conflict", "html", "unauthorized", "drop"])
def test_stripe_that_is_down_keeps_the_hold_and_offers_another_try(
    one_try, page, booking, stripe_server, fake_stripe, trouble
):
    stripe_server.disturb(trouble, times=9)
    response = page.post(url("payment_stripe", booking))
    assert response.status_code == 503
    assert "Try again" in text(response)
    stripe_server.calm()
    assert page.post(url("payment_stripe", booking)).status_code == 303
    assert len(fake_stripe.sessions()) == 1


@pytest.mark.parametrize("person", ["stranger", "staff", "mentor"])
def test_only_whoever_booked_is_led_there(client, request, booking, stripe_server, person):
    someone = request.getfixturevalue(person)
    client.force_login(getattr(someone, "user", someone))
    assert client.post(url("payment_stripe", booking)).status_code == 404
    assert stripe_server.requests == []


def test_anonymous_signs_in_and_comes_back_to_the_payment_page(client, booking, stripe_server):
    location = client.post(url("payment_stripe", booking))["Location"]
    assert location == f"{reverse('account_login')}?next={url('payment', booking)}"


def test_wrong_method_is_refused(page, booking, stripe_server):
    assert page.get(url("payment_stripe", booking)).status_code == 405
    assert page.post(url("payment_return", booking)).status_code == 405


def test_stripe_that_is_not_configured_is_not_there(page, booking, stripe_server, settings):
    settings.PAYMENT_GATEWAYS = ["mock"]
    assert page.post(url("payment_stripe", booking)).status_code == 404


def test_lapsed_hold_is_said_so(page, booking, stripe_server):
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=NOW)
    assert page.post(url("payment_stripe", booking)).status_code == 409
    assert stripe_server.requests == []


# Back


def test_payer_who_comes_back_is_confirmed(page, booking, fake_stripe, opened):
    back = fake_stripe.pay(opened.provider_ref)
    assert back == f"http://testserver{url('payment_return', booking)}?session_id={opened.provider_ref}"
    assert page.get(back)["Location"] == url("session_confirmation", booking)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_coming_back_again_changes_nothing(page, booking, fake_stripe, opened):
    back = fake_stripe.pay(opened.provider_ref)
    assert page.get(back)["Location"] == page.get(back)["Location"]
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1


def test_declined_card_and_then_the_cancel_link_leads_back_with_the_time_still_held(
    page, booking, fake_stripe, opened
):
    with pytest.raises(Refusal):
        fake_stripe.pay(opened.provider_ref, DECLINED_CARD)
    assert page.get(fake_stripe.session(opened.provider_ref)["cancel_url"]).status_code == 200
    assert page.post(url("payment_stripe", booking))["Location"] == opened.checkout_url


def test_address_of_success_without_paying_books_nothing(page, booking, opened):
    response = page.get(f"{url('payment_return', booking)}?session_id={opened.provider_ref}")
    assert response["Location"] == url("payment", booking)
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT


@pytest.mark.parametrize("query", ["session_id=cs_made_up", "payment_intent=pi_made_up", "session_id="])
def test_made_up_id_is_not_found(page, booking, opened, query):
    assert page.get(f"{url('payment_return', booking)}?{query}").status_code == 404


def test_both_ids_have_to_be_of_one_payment(page, booking, stripe_server, opened):
    query = f"payment_intent={opened.provider_ref}&session_id=cs_other"
    assert page.get(f"{url('payment_return', booking)}?{query}").status_code == 404


def test_somebody_elses_return_is_not_found(client, stranger, booking, fake_stripe, opened):
    back = fake_stripe.pay(opened.provider_ref)
    client.force_login(stranger)
    assert client.get(back).status_code == 404
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT


def test_return_before_anything_was_opened_is_not_found(page, booking, stripe_server):
    assert page.get(url("payment_return", booking)).status_code == 404


def test_delayed_payment_is_being_checked_and_then_confirmed(page, booking, fake_stripe, opened):
    back = fake_stripe.pay(opened.provider_ref, DELAYED)
    response = page.get(back)
    assert response.status_code == 200
    assert "checking with the bank" in text(response)
    assert "fail" not in text(response).split("<main", 1)[1].split("</main>", 1)[0].lower()
    fake_stripe.settle_delayed(opened.provider_ref, paid=True)
    assert page.get(back)["Location"] == url("session_confirmation", booking)


def test_page_that_refreshes_itself_goes_on_by_itself(page, booking, fake_stripe, opened):
    back = fake_stripe.pay(opened.provider_ref)
    response = page.get(back, headers={"X-Part": "1"})
    assert response["X-Go-To"] == url("session_confirmation", booking)


def test_stripe_that_is_down_on_the_way_back_is_waited_for(page, booking, stripe_server, fake_stripe, opened):
    back = fake_stripe.pay(opened.provider_ref)
    stripe_server.disturb("error", times=9)
    assert "checking with the bank" in text(page.get(back))
    stripe_server.calm()
    assert page.get(back)["Location"] == url("session_confirmation", booking)


def test_two_tabs_open_one_page(page, booking, stripe_server):
    first = page.post(url("payment_stripe", booking))["Location"]
    assert page.post(url("payment_stripe", booking))["Location"] == first
    assert booking.payments.count() == 1


def test_checkout_of_a_lapsed_hold_is_closed_at_stripe(booking, fake_stripe):
    payment = services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    late = NOW + timedelta(hours=1)
    sweep(late)
    services.sweep(late)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.EXPIRED
    assert fake_stripe.session(payment.provider_ref)["status"] == "expired"


def test_lapsed_hold_that_was_paid_at_stripe_in_time_is_confirmed(booking, fake_stripe):
    payment = services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    fake_stripe.pay(payment.provider_ref)
    late = NOW + timedelta(hours=1)
    sweep(late)
    services.sweep(late)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED


def test_canary_key_is_on_no_page_and_in_no_log(one_try, page, booking, stripe_server, settings, caplog):
    for trouble in ("unauthorized", "forbidden", "error", "refused"):
        stripe_server.disturb(trouble, times=9)
        shown = text(page.post(url("payment_stripe", booking)))
        stripe_server.calm()
        assert settings.STRIPE_SECRET_KEY not in shown
    assert settings.STRIPE_SECRET_KEY not in caplog.text
