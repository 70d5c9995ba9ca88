"""Cards of somebody who closed their account: detached at the provider by the worker, and forgotten here."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.services import close_account
from payments import services
from payments.models import ProviderCustomer
from tests.factories import NOW
from tests.payments.factories import URLS

pytestmark = pytest.mark.django_db


@pytest.fixture
def cards(fake_stripe, student) -> list[str]:
    """Two cards that Stripe keeps for the student, as the site knows them."""
    services.start_adding_payment_method(student, urls=URLS, now=NOW)
    customer = ProviderCustomer.objects.get().customer_ref
    kept = [fake_stripe.save_card(customer, number) for number in ("4242424242424242", "5555555555554444")]
    services.refresh_payment_methods(student)
    return kept


def owners(fake_stripe, cards: list[str]) -> list[str | None]:
    return [fake_stripe.objects[card]["customer"] for card in cards]


def test_cards_are_detached_by_the_worker_and_not_in_the_request(
    stripe_server,
    fake_stripe,
    cards,
    student: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    asked = len(stripe_server.requests)
    with django_capture_on_commit_callbacks(execute=True):
        close_account(student, now=NOW)
    assert len(stripe_server.requests) == asked
    assert ProviderCustomer.objects.get().cards == []
    services.detach_cards_of_closed_accounts()
    assert owners(fake_stripe, cards) == [None, None]
    assert not ProviderCustomer.objects.exists()


def test_cards_wait_for_a_provider_that_is_down(
    one_try, stripe_server, fake_stripe, cards, student: User
) -> None:
    close_account(student, now=NOW)
    stripe_server.disturb("lost", "POST /v1/payment_methods/{id}/detach")
    services.detach_cards_of_closed_accounts()
    assert ProviderCustomer.objects.exists()
    services.detach_cards_of_closed_accounts()
    assert owners(fake_stripe, cards) == [None, None]
    assert not ProviderCustomer.objects.exists()


def test_somebody_whom_the_provider_has_forgotten_is_forgotten(stripe_server, cards, student: User) -> None:
    ProviderCustomer.objects.update(customer_ref="cus_of_another_account")
    close_account(student, now=NOW)
    services.detach_cards_of_closed_accounts()
    assert not ProviderCustomer.objects.exists()


def test_who_was_made_known_to_the_provider_while_their_account_closed_is_forgotten_too(
    fake_stripe, student: User
) -> None:
    close_account(User.objects.get(pk=student.pk), now=NOW)
    services.start_adding_payment_method(student, urls=URLS, now=NOW)
    assert ProviderCustomer.objects.exists()
    services.detach_cards_of_closed_accounts()
    assert not ProviderCustomer.objects.exists()


def test_whoever_stays_keeps_their_cards(fake_stripe, cards, student: User, stranger: User) -> None:
    close_account(stranger, now=NOW)
    services.detach_cards_of_closed_accounts()
    assert None not in owners(fake_stripe, cards)
    assert len(services.stored_payment_methods(student)) == 2
