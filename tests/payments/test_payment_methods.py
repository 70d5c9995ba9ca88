"""Cards that Stripe keeps: adding, listing and removing them, and paying a session with one."""

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import Status
from payments import services
from payments.gateways.base import GatewayUnavailable
from payments.models import Payment, PaymentStatus, ProviderCustomer
from tests.factories import NOW
from tests.payments.factories import URLS
from tests.payments.fake_stripe import DECLINED_CARD, SECURE_CARD

pytestmark = [pytest.mark.django_db, pytest.mark.once]
METHODS = reverse("payment_methods")
ADD = reverse("payment_method_add")


@pytest.fixture
def customer(stripe_server, student) -> str:
    """The student as Stripe knows them, and us."""
    services.start_adding_payment_method(student, urls=URLS, now=NOW)
    return ProviderCustomer.objects.get().customer_ref


@pytest.fixture
def save(fake_stripe, student, customer):
    """Save a card at Stripe and look at the list; what it is called there."""

    def save_card(number="4242424242424242") -> str:
        method_ref = fake_stripe.save_card(customer, number)
        services.refresh_payment_methods(student)
        return method_ref

    return save_card


@pytest.fixture
def page(client, student):
    client.force_login(student)
    return client


def pay(booking, card):
    return services.pay_with_saved_card(booking, card, urls=URLS, now=NOW)


def text(response) -> str:
    return " ".join(response.content.decode().split())


# Paying


def test_saved_card_pays_the_session_through_the_same_payment(booking, save):
    order = booking.payments.get()
    paid = pay(booking, save())
    booking.refresh_from_db()
    assert (paid.payment.pk, paid.payment.status, paid.redirect_url) == (order.pk, "succeeded", "")
    assert paid.payment.provider_ref == paid.payment.payment_id
    assert booking.status == Status.SCHEDULED


def test_saved_card_pressed_twice_pays_once(booking, save, stripe_server):
    card = save()
    pay(booking, card)
    with pytest.raises(services.AlreadyPaid):
        pay(booking, card)
    assert len([each for each in stripe_server.requests if each.name.endswith("/confirm")]) == 1


def test_charge_whose_answer_was_lost_is_settled_without_another(
    one_try, booking, save, stripe_server, fake_stripe
):
    card = save()
    stripe_server.disturb("lost", "POST /v1/payment_intents/{id}/confirm", times=9)
    with pytest.raises(GatewayUnavailable):
        pay(booking, card)
    assert services.settle(booking.payments.get().pk, source="sweep", now=NOW).status == "succeeded"
    assert len(list(fake_stripe._all("charge"))) == 1


def test_charge_whose_intent_was_lost_is_made_again_under_the_same_key(
    one_try, booking, save, stripe_server, fake_stripe
):
    card = save()
    stripe_server.disturb("lost", "POST /v1/payment_intents")
    with pytest.raises(GatewayUnavailable):
        pay(booking, card)
    pay(booking, card)
    assert len(list(fake_stripe._all("payment_intent"))) == 1


def test_declined_card_keeps_the_hold_and_says_why(booking, save):
    paid = pay(booking, save(DECLINED_CARD))
    booking.refresh_from_db()
    assert (paid.payment.status, paid.payment.failure) == ("open", "Your card was declined.")
    assert booking.status == Status.AWAITING_PAYMENT


def test_declined_card_is_followed_by_another_on_the_same_payment(booking, save):
    pay(booking, save(DECLINED_CARD))
    assert pay(booking, save()).payment.status == PaymentStatus.SUCCEEDED
    assert booking.payments.count() == 1


def test_declined_card_can_be_followed_by_stripes_page(booking, save, fake_stripe):
    first = pay(booking, save(DECLINED_CARD)).payment
    second = services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    first.refresh_from_db()
    assert (first.status, second.status) == ("canceled", "open")
    assert second.checkout_url
    assert fake_stripe.objects[first.provider_ref]["status"] == "canceled"


def test_stripes_page_that_was_opened_is_closed_before_a_card_pays(booking, save, fake_stripe):
    first = services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    assert pay(booking, save()).payment.status == PaymentStatus.SUCCEEDED
    assert fake_stripe.session(first.provider_ref)["status"] == "expired"


def test_stripes_page_that_was_paid_meanwhile_is_found_out(booking, save, fake_stripe):
    first = services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS)
    fake_stripe.pay(first.provider_ref)
    with pytest.raises(services.AlreadyPaid):
        pay(booking, save())


def test_card_that_its_bank_asks_about_is_paid_when_the_payer_comes_back(
    booking, save, stripe_server, fake_stripe
):
    paid = pay(booking, save(SECURE_CARD))
    assert (paid.payment.status, paid.redirect_url) == (
        "open",
        f"{stripe_server.origin}/3ds/{paid.payment.provider_ref}",
    )
    fake_stripe.answer_bank(paid.payment.provider_ref, agree=True)
    assert services.settle(paid.payment.pk, source="return", now=NOW).status == "succeeded"


def test_card_whose_question_nobody_answered_is_not_charged_after_the_hold(
    booking, save, fake_stripe, travel_to
):
    payment = pay(booking, save(SECURE_CARD)).payment
    booking.refresh_from_db()
    services.sweep(booking.hold_expires_at)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELED
    fake_stripe.answer_bank(payment.provider_ref, agree=True)
    assert services.settle(payment.pk, source="test", now=NOW).status == PaymentStatus.CANCELED


def test_card_that_is_not_ones_own_pays_nothing(booking, save, fake_stripe):
    other = fake_stripe.operate("POST /v1/customers", "", {"email": "sam@example.com"})["id"]
    for card in (fake_stripe.save_card(other), "pm_unknown", ""):
        with pytest.raises(services.PaymentMethodNotFound):
            pay(booking, card)
    assert booking.payments.get().status == PaymentStatus.CREATED


def test_card_that_is_gone_at_stripe_is_forgotten(booking, save, fake_stripe, student):
    card = save()
    fake_stripe.objects[card]["customer"] = None
    with pytest.raises(services.PaymentMethodNotFound):
        pay(booking, card)
    assert services.stored_payment_methods(student) == []


def test_customer_who_is_gone_at_stripe_is_forgotten_and_can_pay_otherwise(
    booking, save, fake_stripe, customer
):
    card = save()
    fake_stripe.forget(customer)
    with pytest.raises(services.PaymentMethodNotFound):
        pay(booking, card)
    assert not ProviderCustomer.objects.exists()
    assert services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS).status == PaymentStatus.OPEN


def test_customer_who_is_gone_does_not_stand_in_the_way_of_stripes_page(booking, fake_stripe, customer):
    fake_stripe.forget(customer)
    assert services.open_checkout(booking.pk, "stripe", now=NOW, urls=URLS).status == PaymentStatus.OPEN
    assert not ProviderCustomer.objects.exists()


def test_person_is_one_customer_however_often_they_add_a_card(student, customer):
    services.start_adding_payment_method(student, urls=URLS, now=NOW)
    assert ProviderCustomer.objects.get().customer_ref == customer


# The payment page


@pytest.fixture
def pay_url(booking) -> str:
    return reverse("payment_saved_card", args=[booking.reference])


def test_payment_page_offers_saved_cards_without_asking_stripe(page, booking, save, stripe_server):
    save()
    asked = len(stripe_server.requests)
    shown = text(page.get(reverse("payment", args=[booking.reference])))
    assert 'Visa</span> <span class="quiet">ending in</span> <span class="number strong">4242' in shown
    assert "08/2030" in shown
    assert "Pay with Stripe" in shown
    assert len(stripe_server.requests) == asked


def test_payment_page_without_saved_cards_says_nothing_of_them(page, booking, stripe_server):
    assert "saved cards" not in text(page.get(reverse("payment", args=[booking.reference])))


def test_pressing_pay_leads_to_the_confirmation(page, booking, save, pay_url):
    response = page.post(pay_url, {"card": save()})
    assert (response.status_code, response["Location"]) == (
        303,
        reverse("session_confirmation", args=[booking.reference]),
    )


def test_pressing_pay_with_a_declined_card_leads_to_the_failed_page(page, booking, save, pay_url):
    response = page.post(pay_url, {"card": save(DECLINED_CARD)}, follow=True)
    assert "Your card was declined." in text(response)


def test_pressing_pay_leads_by_way_of_the_bank_and_back(
    page, booking, save, stripe_server, fake_stripe, pay_url
):
    response = page.post(pay_url, {"card": save(SECURE_CARD)})
    intent_id = booking.payments.get().provider_ref
    assert response["Location"] == f"{stripe_server.origin}/3ds/{intent_id}"
    back = fake_stripe.answer_bank(intent_id, agree=True)
    assert back.startswith("http://testserver/sessions/")
    assert page.get(back)["Location"] == reverse("session_confirmation", args=[booking.reference])


@pytest.mark.parametrize("card", ["", "pm_unknown"])
def test_card_that_is_not_there_is_said_so(page, booking, customer, pay_url, card):
    response = page.post(pay_url, {"card": card})
    assert response.status_code == 422
    assert "not there any more" in text(response)


def test_provider_that_is_down_keeps_the_hold(page, booking, save, stripe_server, pay_url, one_try):
    card = save()
    stripe_server.disturb("error", "POST /v1/payment_intents/{id}/confirm", times=9)
    assert page.post(pay_url, {"card": card}).status_code == 503
    booking.refresh_from_db()
    assert booking.status == Status.AWAITING_PAYMENT


def test_card_pays_only_for_whoever_booked(client, stranger, save, pay_url):
    card = save()
    client.force_login(stranger)
    assert client.post(pay_url, {"card": card}).status_code == 404
    assert client.get(pay_url).status_code == 405


def test_anonymous_signs_in_and_comes_back_to_the_payment_page(client, booking, pay_url):
    payment = reverse("payment", args=[booking.reference])
    assert client.post(pay_url)["Location"] == f"{reverse('account_login')}?next={payment}"


# The page of cards


def test_page_of_cards_says_that_there_are_none(page, stripe_server):
    assert "no saved cards" in text(page.get(METHODS))
    assert stripe_server.requests == []


def test_card_is_added_on_stripes_page_and_greeted(page, stripe_server, fake_stripe):
    response = page.post(ADD)
    assert response.status_code == 303
    assert response["Location"].startswith(f"{stripe_server.origin}/pay/")
    back = fake_stripe.pay(response["Location"].rpartition("/")[2])
    shown = text(page.get(back, follow=True))
    assert "Visa ending in 4242 is saved." in shown
    assert "Remove" in shown


def test_adding_that_was_given_up_changes_nothing(page, customer):
    assert "is saved" not in text(page.get(f"{METHODS}?added=1", follow=True))


def test_card_is_removed_at_stripe_and_here(page, save, fake_stripe, student):
    card = save()
    url = reverse("payment_method_remove", args=[card])
    assert "is removed" in text(page.post(url, follow=True))
    assert fake_stripe.objects[card]["customer"] is None
    assert services.stored_payment_methods(student) == []
    assert page.post(url).status_code == 404


def test_card_of_somebody_else_can_not_be_removed(client, stranger, save, fake_stripe):
    card = save()
    client.force_login(stranger)
    assert client.post(reverse("payment_method_remove", args=[card])).status_code == 404
    assert fake_stripe.objects[card]["customer"]


def test_page_of_cards_shows_the_last_known_when_stripe_is_down(page, save, stripe_server, one_try):
    save()
    stripe_server.disturb("error", times=9)
    shown = text(page.get(METHODS))
    assert "could not be reached" in shown
    assert "4242" in shown


@pytest.mark.parametrize("name", ["payment_method_add", "payment_method_remove"])
def test_stripe_that_is_down_is_said_so(page, save, stripe_server, one_try, name):
    card = save()
    stripe_server.disturb("error", times=9)
    url = reverse(name, args=[card] if name.endswith("remove") else [])
    assert "could not be reached" in text(page.post(url, follow=True))


def test_without_a_gateway_that_keeps_cards_there_is_no_page(page, settings, stripe_server):
    settings.PAYMENT_GATEWAYS = ["mock"]
    assert page.get(METHODS).status_code == 404
    assert page.post(ADD).status_code == 404
    assert page.post(reverse("payment_method_remove", args=["pm_1"])).status_code == 404


def test_anonymous_signs_in_and_comes_back_to_the_cards(client, stripe_server):
    login = f"{reverse('account_login')}?next={METHODS}"
    remove = reverse("payment_method_remove", args=["pm_1"])
    assert client.get(METHODS)["Location"] == login
    assert client.post(ADD)["Location"] == client.post(remove)["Location"] == login


def test_wrong_method_and_missing_token_are_refused(page, student, stripe_server):
    assert page.post(METHODS).status_code == 405
    assert page.get(ADD).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(student)
    assert strict.post(ADD).status_code == 403


def test_no_number_of_a_card_is_stored(booking, save):
    pay(booking, save())
    rows = [*Payment.objects.values(), *ProviderCustomer.objects.values()]
    assert "4242424242424242" not in str(rows)
