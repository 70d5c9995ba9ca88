"""Somebody who waits for a page never waits long for a provider, whatever the provider does."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings as site
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from lib import deadline
from payments.gateways import calls, gateway
from payments.gateways.base import GatewayUnavailable
from payments.models import Payment, PaymentStatus, ProviderCustomer, WebhookEvent
from tests.factories import NOW
from tests.payments.silent_server import GIVES_UP_AFTER, silent_server
from tests.waiting import wait_until

pytestmark = pytest.mark.once

SHORT = 0.4
REFS = {"stripe": "cs_test_1", "razorpay": "order_1"}


def is_calling():
    return any(thread.name == "provider" for thread in threading.enumerate())


@pytest.fixture(params=["silent", "dripping"])
def provider(request, settings):
    """Stands in for Stripe and Razorpay both. It would wait long, and so would the site without a deadline; whoever
    is done before it gives up was in time."""
    settings.PROVIDER_TIMEOUT = (2 * GIVES_UP_AFTER, 2 * GIVES_UP_AFTER)
    with silent_server(dripping=request.param == "dripping") as provider:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_silent", provider.url
        settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET = "rzp_test_silent", "silent"
        settings.RAZORPAY_API_BASE = provider.url
        settings.PAYMENT_GATEWAYS = ["stripe", "razorpay"]
        yield provider
        assert not provider.gave_up


@pytest.fixture
def short(settings):
    settings.PROVIDER_SECONDS = SHORT


# The gateway


@pytest.mark.parametrize("name", REFS)
def test_provider_that_never_finishes_is_given_up_in_time_and_cut_off(provider, name):
    with deadline.within(SHORT), pytest.raises(GatewayUnavailable, match="did not answer"):
        gateway(name).fetch(REFS[name])
    assert len(provider.heard) == 1
    assert wait_until(lambda: not is_calling())


def test_provider_that_never_shakes_hands_is_given_up_in_time_and_cut_off(settings):
    with silent_server() as provider:
        settings.STRIPE_SECRET_KEY = "sk_test_silent"
        settings.STRIPE_API_BASE = provider.url.replace("http:", "https:")
        with deadline.within(SHORT), pytest.raises(GatewayUnavailable, match="did not answer"):
            gateway("stripe").fetch(REFS["stripe"])
        assert len(provider.heard) == 1
        assert wait_until(lambda: not is_calling())
        assert not provider.gave_up


@pytest.mark.parametrize("name", REFS)
def test_all_calls_of_a_request_share_its_seconds(provider, short, name):
    with deadline.from_first_use(SHORT):
        for words in ("did not answer", "no time left"):
            with pytest.raises(GatewayUnavailable, match=words):
                gateway(name).fetch(REFS[name])


@pytest.fixture
def seconds(monkeypatch) -> list[float]:
    """The machine's clock, which stands still until a test moves it."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_clock_of_a_request_runs_from_where_a_gateway_is_fetched(provider, seconds):
    with deadline.from_first_use(6):
        seconds[0] += 5
        gateway("stripe")
        seconds[0] += 2
        assert deadline.seconds_left() == 4


def test_shorter_deadline_within_a_request_counts_and_a_longer_one_does_not(seconds):
    for inner, left in ((2, 2), (60, 6)):
        with deadline.from_first_use(6), deadline.within(inner):
            assert deadline.seconds_left() == left


def test_worker_that_nobody_waits_for_keeps_the_usual_timeouts(short):
    gateway("stripe")
    assert deadline.seconds_left() is None
    assert calls.timeouts((5, 20)) == (5, 20)


@pytest.mark.parametrize("name", REFS)
def test_address_that_is_not_found_in_time_is_given_up_and_then_never_called(provider, monkeypatch, name):
    found, find = threading.Event(), socket.getaddrinfo

    def find_slowly(*args, **kwargs):
        assert found.wait(GIVES_UP_AFTER)
        return find(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", find_slowly)
    with deadline.within(SHORT), pytest.raises(GatewayUnavailable, match="did not answer"):
        gateway(name).fetch(REFS[name])
    found.set()
    assert wait_until(lambda: not is_calling())
    assert provider.heard == []


def test_no_more_wait_for_providers_than_have_places_and_these_become_free_again(provider):
    def ask(seconds):
        with deadline.within(seconds), pytest.raises(GatewayUnavailable) as refusal:
            gateway("stripe").fetch(REFS["stripe"])
        return str(refusal.value)

    with ThreadPoolExecutor(site.PROVIDER_CALLS) as pool:
        answers = [pool.submit(ask, GIVES_UP_AFTER) for _ in range(site.PROVIDER_CALLS)]
        assert wait_until(lambda: len(provider.heard) == site.PROVIDER_CALLS)
        assert "TooManyWaiting" in ask(SHORT)
        provider.hang_up()
        assert not any("TooManyWaiting" in answer.result() for answer in answers)
    assert wait_until(lambda: not is_calling())
    assert "TooManyWaiting" not in ask(SHORT)


# The pages


@pytest.fixture
def page(client, student):
    client.force_login(student)
    return client


@pytest.fixture
def opened(booking, student):
    """Its checkout is open at Stripe, where the student has a card."""
    card = {
        "method_ref": "pm_1",
        "brand": "Visa",
        "last_four": "4242",
        "expires_month": 1,
        "expires_year": 2030,
    }
    ProviderCustomer.objects.create(
        user=student, gateway="stripe", customer_ref="cus_1", cards=[card], created_at=NOW
    )
    booking.payments.update(
        gateway="stripe",
        provider_ref=REFS["stripe"],
        status=PaymentStatus.OPEN,
        request={"by_saved_card": False},
        checkout_expires_at=booking.hold_expires_at,
    )
    return booking.payments.get()


def address(name, booking):
    return reverse(name, args=[booking.reference])


@pytest.mark.django_db
@pytest.mark.parametrize("button", ["payment_stripe", "payment_razorpay"])
def test_pressing_pay_ends_in_time_with_the_hold_kept_and_another_try(provider, short, page, booking, button):
    held_until = booking.hold_expires_at
    response = page.post(address(button, booking))
    shown = response.content.decode()
    assert response.status_code == 503
    assert "Held for you" in shown
    assert "Try again" in shown
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT
    assert booking.payable_at(timezone.now())
    assert booking.hold_expires_at >= held_until


@pytest.mark.django_db
def test_paying_with_a_saved_card_ends_in_time(provider, short, page, booking, opened):
    response = page.post(address("payment_saved_card", booking), {"card": "pm_1"})
    assert (response.status_code, "Try again" in response.content.decode()) == (503, True)


@pytest.mark.django_db
def test_coming_back_ends_in_time(provider, short, page, booking, opened):
    assert page.get(address("payment_return", booking)).status_code == 200


@pytest.mark.django_db
def test_list_of_saved_cards_ends_in_time_with_those_last_seen(provider, short, page, opened):
    shown = page.get(reverse("payment_methods")).content.decode()
    assert "could not be reached" in shown
    assert "4242" in shown


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["payment_method_add", "payment_method_remove"])
def test_changing_saved_cards_ends_in_time(provider, short, page, opened, name):
    response = page.post(reverse(name, args=["pm_1"] if name == "payment_method_remove" else []), follow=True)
    assert "could not be reached" in response.content.decode()


@pytest.mark.django_db
def test_staff_who_settle_many_payments_wait_for_all_of_them_only_once(
    provider, short, client, staff, booking, opened
):
    client.force_login(staff)
    other = Payment.objects.create(
        booking=booking,
        gateway="stripe",
        provider_ref="cs_test_2",
        status=PaymentStatus.EXPIRED,
        amount_minor=booking.amount_minor,
        platform_fee_minor=booking.fee_minor,
        currency=booking.currency,
        created_at=NOW,
    )
    response = client.post(
        reverse("admin:payments_payment_changelist"),
        {"action": "settle_again", "_selected_action": [opened.pk, other.pk]},
        follow=True,
    )
    shown = response.content.decode()
    assert "did not answer" in shown
    assert "no time left" in shown


@pytest.mark.django_db
def test_staff_who_process_an_event_again_wait_only_so_long(provider, short, client, staff, booking, opened):
    client.force_login(staff)
    event = WebhookEvent.objects.create(
        gateway="stripe",
        event_id="evt_1",
        type="checkout.session.completed",
        kind="payment",
        provider_ref=opened.provider_ref,
        received_at=NOW,
        due_at=NOW + timedelta(hours=1),
    )
    response = client.post(
        reverse("admin:payments_webhookevent_changelist"),
        {"action": "process_again", "_selected_action": event.pk},
        follow=True,
    )
    assert "did not answer" in response.content.decode()
