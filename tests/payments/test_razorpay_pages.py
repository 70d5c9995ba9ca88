"""The page of Razorpay's widget and what comes back from it: who may, when, and what is believed."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import Booking, Status
from bookings.services import book
from payments import services
from payments.gateways import REGISTRY
from payments.gateways.base import Checkout
from payments.gateways.razorpay import RazorpayGateway
from payments.models import Payment, PaymentStatus
from tests.factories import NOW, SessionTypeFactory, UserFactory
from tests.payments.factories import STARTS_AT
from tests.payments.fake_razorpay import KEY_ID, KEY_SECRET, WEBHOOK_SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PAGE, RETURN = "payment_razorpay", "payment_razorpay_return"


def url(name, booking) -> str:
    return reverse(name, args=[booking.reference])


def text(response) -> str:
    return " ".join(response.content.decode().split())


def policy(response) -> dict[str, list[str]]:
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: values for name, *values in parts}


def options(response) -> dict:
    found = re.search(r'id="razorpay-options" type="application/json">(.*?)</script>', text(response))
    return json.loads(found.group(1))


@pytest.fixture(autouse=True)
def only_razorpay(razorpay_server, settings) -> None:
    settings.PAYMENT_GATEWAYS = ["razorpay"]


@pytest.fixture
def signed_in(client, student, booking):
    client.force_login(student)
    return client


@pytest.fixture
def opened(signed_in, booking) -> Payment:
    """The button was pressed: the order is open at Razorpay."""
    signed_in.post(url(PAGE, booking))
    return booking.payments.get()


@pytest.fixture
def paid(fake_razorpay, opened) -> dict[str, str]:
    """Paid in the widget: what it hands to the page. We have not heard of it."""
    return fake_razorpay.returned(fake_razorpay.pay(opened.provider_ref)["id"])


def is_booked(booking) -> bool:
    return Booking.objects.get(pk=booking.pk).status == Status.SCHEDULED


# The button


def test_payment_page_has_the_button_in_its_bar(signed_in, booking):
    shown = text(signed_in.get(url("payment", booking)))
    assert f'<form method="post" action="{url(PAGE, booking)}"' in shown
    assert shown.count("Pay with Razorpay") == shown.count('class="actionbar"') == 1


@pytest.mark.parametrize("order", [["mock", "razorpay"], ["razorpay", "mock"]])
def test_payment_page_has_one_bar_however_many_ways_there_are(signed_in, booking, settings, order):
    settings.PAYMENT_GATEWAYS = order
    shown = text(signed_in.get(url("payment", booking)))
    assert shown.count('class="actionbar"') == 1
    assert "Pay with Razorpay" in shown
    assert "Simulate Payment Success" in shown


def test_button_opens_an_order_and_leads_to_the_widget(signed_in, fake_razorpay, booking):
    response = signed_in.post(url(PAGE, booking))
    order = booking.payments.get()
    assert (response.status_code, response["Location"]) == (303, url(PAGE, booking))
    assert "no-store" in response["Cache-Control"]
    assert (order.status, order.gateway) == (PaymentStatus.OPEN, "razorpay")
    assert fake_razorpay.orders[order.provider_ref]["amount"] == 105_000
    assert fake_razorpay.orders[order.provider_ref]["receipt"] == order.reference


def test_button_pressed_again_leads_to_the_same_order(signed_in, fake_razorpay, booking, opened):
    signed_in.post(url(PAGE, booking))
    assert list(fake_razorpay.orders) == [opened.provider_ref]
    assert booking.payments.get().provider_ref == opened.provider_ref


def test_order_whose_answer_was_lost_is_taken_up_by_the_next_press(
    signed_in, razorpay_server, fake_razorpay, booking
):
    razorpay_server.fail("POST", "/v1/orders", "lost")
    response = signed_in.post(url(PAGE, booking))
    assert (response.status_code, "Try again" in text(response)) == (503, True)
    signed_in.post(url(PAGE, booking))
    assert list(fake_razorpay.orders) == [booking.payments.get().provider_ref]


@pytest.mark.parametrize("how", ["500", "429", "409", "html", "401", "400"])
def test_razorpay_in_trouble_keeps_the_hold_and_says_so(signed_in, razorpay_server, booking, how):
    razorpay_server.fail("POST", "/v1/orders", how)
    response = signed_in.post(url(PAGE, booking))
    assert response.status_code == 503
    assert "Razorpay answered" not in text(response)
    assert Booking.objects.get(pk=booking.pk).hold_expires_at >= booking.hold_expires_at
    assert signed_in.post(url(PAGE, booking)).status_code == 303


def test_wrong_key_shows_a_neutral_page(signed_in, booking, settings):
    settings.RAZORPAY_KEY_SECRET = "canary-of-a-secret"
    response = signed_in.post(url(PAGE, booking))
    assert response.status_code == 503
    for word in ("canary", "401", "Authentication"):
        assert word not in text(response)


# The page of the widget


def test_page_tells_the_widget_what_is_paid_by_whom_and_how_long(signed_in, booking, opened, student):
    student.phone = "+919876543210"
    student.save()
    told = options(signed_in.get(url(PAGE, booking)))
    assert 14 * 60 < told.pop("timeout") <= 15 * 60
    assert told == {
        "key": KEY_ID,
        "order_id": opened.provider_ref,
        "amount": 105_000,
        "currency": "INR",
        "name": "Office Hours",
        "description": "Career Guidance with Meera Rao",
        "prefill": {"name": "Arjun Kapoor", "email": "arjun@example.com", "contact": "+919876543210"},
        "notes": {"payment": opened.reference, "session": booking.reference},
    }


def test_page_fills_in_no_phone_that_is_not_known(signed_in, booking, opened):
    assert "contact" not in options(signed_in.get(url(PAGE, booking)))["prefill"]


@pytest.mark.parametrize("name", ["</script><script>alert(1)", "★ Guidance", "→"])
def test_page_survives_odd_names(signed_in, mentor, student, name):
    type_ = SessionTypeFactory(mentor=mentor, name=name)
    starts_at = STARTS_AT + timedelta(days=1)
    booking = book(student=student, session_type=type_, duration_minutes=60, starts_at=starts_at, now=NOW)
    signed_in.post(url(PAGE, booking))
    response = signed_in.get(url(PAGE, booking))
    assert options(response)["description"][0].isalnum()
    assert "<script>alert" not in response.content.decode()


def test_page_offers_razorpays_own_page_with_the_way_back(signed_in, razorpay_server, booking, opened):
    shown = text(signed_in.get(url(PAGE, booking)))
    assert f'action="{razorpay_server.url}/v1/checkout/embedded"' in shown
    for name, value in {
        "key_id": KEY_ID,
        "order_id": opened.provider_ref,
        "prefill[email]": "arjun@example.com",
        "callback_url": f"http://testserver{url(RETURN, booking)}",
        "cancel_url": f"http://testserver{url('payment', booking)}",
    }.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in shown


def test_page_says_what_it_needs_without_javascript(signed_in, booking, opened):
    shown = text(signed_in.get(url(PAGE, booking)))
    assert "only with JavaScript" in shown
    assert f'href="{url("payment", booking)}">Other ways to pay' in shown


def test_page_may_load_razorpay_and_other_pages_may_not(signed_in, razorpay_server, booking, opened):
    allowed = policy(signed_in.get(url(PAGE, booking)))
    for directive in ("script-src", "frame-src", "connect-src", "form-action"):
        assert razorpay_server.url in allowed[directive]
    assert "'unsafe-inline'" not in allowed["script-src"]
    assert "https://cdn.razorpay.com" in allowed["script-src"]
    assert "https://lumberjack.razorpay.com" in allowed["connect-src"]
    for page in (url("payment", booking), reverse("landing")):
        others = signed_in.get(page)["Content-Security-Policy"]
        assert "razorpay" not in others
        assert razorpay_server.url not in others


def test_page_lets_banks_open_windows_and_razorpay_know_the_site(signed_in, booking, opened):
    response = signed_in.get(url(PAGE, booking))
    assert response["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "no-store" in response["Cache-Control"]


def test_page_tells_no_secret(signed_in, booking, opened):
    shown = signed_in.get(url(PAGE, booking)).content.decode()
    assert KEY_SECRET not in shown
    assert WEBHOOK_SECRET not in shown


def test_page_without_an_open_order_leads_to_the_payment_page(signed_in, fake_razorpay, booking):
    response = signed_in.get(url(PAGE, booking))
    assert (response.status_code, response["Location"]) == (303, url("payment", booking))
    assert fake_razorpay.orders == {}


def test_looking_at_the_page_asks_nobody(signed_in, razorpay_server, booking, opened):
    before = len(razorpay_server.requests)
    assert signed_in.get(url(PAGE, booking)).status_code == 200
    assert len(razorpay_server.requests) == before


def test_page_of_a_lapsed_hold_says_so(signed_in, booking, opened, travel_to):
    travel_to(NOW + timedelta(hours=1))
    signed_in.force_login(booking.student)
    for response in (signed_in.get(url(PAGE, booking)), signed_in.post(url(PAGE, booking))):
        assert (response.status_code, "no longer held" in text(response)) == (409, True)


def test_page_of_a_paid_session_leads_to_its_confirmation(signed_in, booking, paid):
    signed_in.post(url(RETURN, booking), paid)
    for response in (signed_in.get(url(PAGE, booking)), signed_in.post(url(PAGE, booking))):
        assert response["Location"] == url("session_confirmation", booking)


# Who may


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("person", ["stranger", "staff", "mentor"])
def test_page_is_there_only_for_the_student_who_booked(
    client, request, fake_razorpay, booking, method, person
):
    someone = request.getfixturevalue(person)
    client.force_login(getattr(someone, "user", someone))
    assert getattr(client, method)(url(PAGE, booking)).status_code == 404
    assert fake_razorpay.orders == {}


@pytest.mark.parametrize("method", ["get", "post"])
def test_anonymous_signs_in_first(client, fake_razorpay, booking, method):
    response = getattr(client, method)(url(PAGE, booking))
    assert response["Location"] == f"{reverse('account_login')}?next={url(PAGE, booking)}"
    assert fake_razorpay.orders == {}


def test_unknown_session_is_not_found(signed_in):
    assert signed_in.post(reverse(PAGE, args=["SESSION-0000000000"])).status_code == 404
    assert signed_in.post(reverse(RETURN, args=["SESSION-0000000000"])).status_code == 404


def test_wrong_method_is_refused(signed_in, booking):
    assert signed_in.put(url(PAGE, booking)).status_code == 405
    assert signed_in.get(url(RETURN, booking)).status_code == 405


def test_button_needs_the_csrf_token(student, fake_razorpay, booking):
    client = Client(enforce_csrf_checks=True)
    client.force_login(student)
    assert client.post(url(PAGE, booking)).status_code == 403
    assert fake_razorpay.orders == {}


def test_gateway_that_is_switched_off_takes_no_new_payments(signed_in, fake_razorpay, booking, settings):
    settings.PAYMENT_GATEWAYS = ["mock"]
    assert signed_in.post(url(PAGE, booking)).status_code == 404
    assert fake_razorpay.orders == {}


# What comes back


def test_return_after_paying_books_the_session(signed_in, booking, paid):
    response = signed_in.post(url(RETURN, booking), paid)
    assert (response.status_code, response["Location"]) == (303, url("session_confirmation", booking))
    assert is_booked(booking)
    assert booking.payments.get().payment_id == paid["razorpay_payment_id"]
    assert "no-store" in response["Cache-Control"]


def test_return_twice_books_once(signed_in, booking, paid):
    signed_in.post(url(RETURN, booking), paid)
    response = signed_in.post(url(RETURN, booking), paid)
    assert response["Location"] == url("session_confirmation", booking)
    assert booking.payments.count() == 1


def test_return_from_razorpays_page_needs_neither_cookie_nor_token(booking, paid):
    stranger_to_us = Client(enforce_csrf_checks=True)
    response = stranger_to_us.post(url(RETURN, booking), paid)
    assert (response.status_code, response["Location"]) == (303, url("session_confirmation", booking))
    assert is_booked(booking)


@pytest.mark.parametrize("cookies", [True, False])
def test_return_of_a_failure_leads_to_its_reason(signed_in, fake_razorpay, booking, opened, cookies):
    fake_razorpay.decline(opened.provider_ref, "The card was declined.")
    client = signed_in if cookies else Client(enforce_csrf_checks=True)
    failure = {"error[code]": "BAD_REQUEST_ERROR", "error[description]": "You won a prize."}
    response = client.post(url(RETURN, booking), failure)
    assert response["Location"] == url("payment_failed", booking)
    assert "The card was declined." in text(signed_in.get(response["Location"]))
    assert not is_booked(booking)


def test_failure_is_followed_by_a_payment_on_the_same_order(signed_in, fake_razorpay, booking, opened):
    fake_razorpay.decline(opened.provider_ref)
    signed_in.post(url(RETURN, booking), {"error[code]": "BAD_REQUEST_ERROR"})
    signed_in.post(url(PAGE, booking))
    returned = fake_razorpay.returned(fake_razorpay.pay(opened.provider_ref)["id"])
    signed_in.post(url(RETURN, booking), returned)
    assert is_booked(booking)
    assert booking.payments.count() == len(fake_razorpay.orders) == 1


def test_made_up_failure_of_a_paid_order_changes_nothing_but_the_truth(booking, paid):
    response = Client().post(url(RETURN, booking), {"error[code]": "BAD_REQUEST_ERROR"})
    assert response["Location"] == url("session_confirmation", booking)
    assert is_booked(booking)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"razorpay_payment_id": "pay_made_up", "razorpay_signature": "0" * 64},
        {"razorpay_payment_id": "pay_made_up"},
        {"razorpay_signature": "ä" * 64, "razorpay_payment_id": "pay_1"},
        {"razorpay_order_id": "order_made_up", "razorpay_payment_id": "pay_1", "razorpay_signature": "x"},
    ],
)
def test_forged_return_is_refused_and_nobody_is_asked(signed_in, razorpay_server, booking, opened, forged):
    before = len(razorpay_server.requests)
    for client in (signed_in, Client()):
        assert client.post(url(RETURN, booking), forged).status_code == 400
    assert len(razorpay_server.requests) == before
    assert not is_booked(booking)


def test_return_of_another_students_payment_is_refused(signed_in, mentor, booking, paid):
    other = book(
        student=UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT + timedelta(days=1),
        now=NOW,
    )
    client = Client()
    client.force_login(other.student)
    client.post(url(PAGE, other))
    assert client.post(url(RETURN, other), paid).status_code == 400
    assert client.post(url(RETURN, booking), paid).status_code == 404
    assert not is_booked(other)
    assert not is_booked(booking)


def test_return_of_a_session_that_razorpay_never_heard_of_is_not_found(signed_in, booking):
    assert signed_in.post(url(RETURN, booking), {"razorpay_signature": "0" * 64}).status_code == 404


def test_signature_alone_pays_nothing(signed_in, fake_razorpay, booking, opened):
    """Only authorized: signed by Razorpay, and yet not money."""
    fake_razorpay.captures = False
    returned = fake_razorpay.returned(fake_razorpay.pay(opened.provider_ref)["id"])
    response = signed_in.post(url(RETURN, booking), returned)
    assert (response.status_code, response["Location"]) == (303, url("payment_return", booking))
    assert "checking with the bank" in text(signed_in.get(response["Location"]))
    assert not is_booked(booking)
    assert booking.payments.get().status == PaymentStatus.AUTHORIZED


@pytest.mark.parametrize("cookies", [True, False])
def test_return_while_razorpay_is_down_goes_on_by_itself(signed_in, razorpay_server, booking, paid, cookies):
    razorpay_server.fail("GET", r"/v1/orders/.*", "500", times=2)
    response = (signed_in if cookies else Client()).post(url(RETURN, booking), paid)
    assert (response.status_code, response["Location"]) == (303, url("payment_return", booking))
    shown = text(signed_in.get(response["Location"]))
    assert "checking with the bank" in shown
    assert "failed" not in shown
    assert signed_in.get(response["Location"])["Location"] == url("session_confirmation", booking)
    assert is_booked(booking)


def test_page_that_checks_believes_nothing(signed_in, booking, opened):
    response = signed_in.get(url("payment_return", booking))
    assert response["Location"] == url("payment", booking)
    assert not is_booked(booking)


def test_signature_is_shown_and_stored_nowhere(signed_in, razorpay_server, booking, paid):
    razorpay_server.fail("GET", r"/v1/orders/.*", "500")
    response = signed_in.post(url(RETURN, booking), paid)
    assert paid["razorpay_signature"] not in response["Location"]
    signed_in.get(response["Location"])
    assert paid["razorpay_signature"] not in str(list(Payment.objects.values()))


def test_return_after_the_hold_lapsed_books_the_time_that_is_still_free(signed_in, booking, paid, travel_to):
    travel_to(NOW + timedelta(hours=1))
    Client().post(url(RETURN, booking), paid)
    assert is_booked(booking)


def test_returns_are_limited(booking, opened):
    client = Client()
    codes = {client.post(url(RETURN, booking), {}).status_code for _ in range(61)}
    assert codes == {400, 429}


# An order can't be closed, and has no idempotency key


class SlowProvider(RazorpayGateway):
    """While it is answering the first press there is a second one, which finds no order yet."""

    def __init__(self, fake_razorpay, second_press) -> None:
        self.fake_razorpay, self.second_press = fake_razorpay, second_press

    def create_checkout(self, request):
        if press := self.second_press:
            self.second_press = None
            press()
            data = {
                "amount": request.amount.minor,
                "currency": request.amount.currency,
                "receipt": request.ref,
            }
            return Checkout(self.fake_razorpay.create_order(data)["id"], request.expires_at)
        return super().create_checkout(request)


def test_two_presses_at_once_end_at_one_order(signed_in, fake_razorpay, booking, monkeypatch):
    def press():
        return signed_in.post(url(PAGE, booking))

    monkeypatch.setitem(REGISTRY, "razorpay", SlowProvider(fake_razorpay, press))
    assert press()["Location"] == url(PAGE, booking)
    assert len(fake_razorpay.orders) == 2
    assert booking.payments.get().provider_ref == next(iter(fake_razorpay.orders))


def test_order_of_a_lapsed_hold_is_over_for_us(signed_in, booking, opened, travel_to):
    travel_to(NOW + timedelta(hours=1))
    services.sweep(NOW + timedelta(hours=1))
    opened.refresh_from_db()
    assert opened.status == PaymentStatus.EXPIRED


def test_order_that_is_over_for_us_and_paid_all_the_same_books_if_the_time_is_free(
    fake_razorpay, booking, opened, travel_to
):
    travel_to(NOW + timedelta(hours=1))
    services.sweep(NOW + timedelta(hours=1))
    fake_razorpay.pay(opened.provider_ref)
    services.settle(opened.pk, source="webhook", now=NOW + timedelta(hours=1))
    assert is_booked(booking)


def test_changing_the_provider_leaves_the_order_behind(signed_in, fake_razorpay, booking, opened, settings):
    settings.PAYMENT_GATEWAYS = ["razorpay", "mock"]
    response = signed_in.post(url("payment_mock", booking), {"outcome": "success"})
    assert response["Location"] == url("session_confirmation", booking)
    opened.refresh_from_db()
    assert opened.status == PaymentStatus.EXPIRED


def test_order_left_behind_and_paid_as_well_gives_its_money_back(
    signed_in, fake_razorpay, booking, opened, settings
):
    settings.PAYMENT_GATEWAYS = ["razorpay", "mock"]
    signed_in.post(url("payment_mock", booking), {"outcome": "success"})
    returned = fake_razorpay.returned(fake_razorpay.pay(opened.provider_ref)["id"])
    response = signed_in.post(url(RETURN, booking), returned)
    assert response["Location"] == url("session_confirmation", booking)
    services.sweep(NOW + timedelta(minutes=1))
    (refund,) = fake_razorpay.refunds.values()
    assert (refund["amount"], refund["payment_id"]) == (105_000, returned["razorpay_payment_id"])
    services.sweep(NOW + timedelta(hours=1))
    assert len(fake_razorpay.refunds) == 1
