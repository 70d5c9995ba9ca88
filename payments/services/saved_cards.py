"""Cards that a provider keeps for a person. Their numbers are typed on its page and never come by here."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.models import User
from bookings.models import Booking
from payments.gateways import gateway
from payments.gateways.base import (
    CardDeclined,
    GatewayError,
    GatewayRejected,
    SavedCard,
    SavedCards,
    UnknownPayer,
)
from payments.models import Payment, PaymentStatus, ProviderCustomer
from payments.services.checkout import ReturnUrls, open_checkout
from payments.services.customers import ensure_customer, forget_customer, remember_cards
from payments.services.settlement import settle


class UnknownCard(Exception):
    """That person has no such card, or has it no more."""


@dataclass(frozen=True)
class CardPayment:
    """With `redirect_url` the payer's bank asks them something before it pays."""

    payment: Payment
    redirect_url: str


def keeper() -> SavedCards | None:
    """The configured gateway that keeps cards."""
    configured = [gateway(name) for name in settings.PAYMENT_GATEWAYS]
    return next((each for each in configured if isinstance(each, SavedCards)), None)


def known_cards(user: User) -> list[SavedCard]:
    """As they were last seen: asks nobody."""
    provider = keeper()
    customer = _customer(user, provider) if provider else None
    return [SavedCard(**card) for card in customer.cards] if customer else []


def look_up_cards(user: User) -> list[SavedCard]:
    """As the provider has them, which is then what pages show. Raises a `GatewayError`."""
    provider = _required_keeper()
    customer = _customer(user, provider)
    if customer is None:
        return []
    try:
        cards = provider.list_methods(customer.customer_ref)
    except UnknownPayer:
        forget_customer(customer.customer_ref, provider.name)
        return []
    remember_cards(customer, cards)
    return cards


def start_adding_card(user: User, *, urls: ReturnUrls, now: datetime) -> str:
    """The address of the provider's page for it. Raises a `GatewayError`."""
    provider = _required_keeper()
    customer = ensure_customer(user, provider, now)
    try:
        return provider.start_setup(customer.customer_ref, success_url=urls.success, cancel_url=urls.cancel)
    except UnknownPayer:
        forget_customer(customer.customer_ref, provider.name)
        raise


def remove_card(user: User, method_ref: str) -> SavedCard:
    """Safe to repeat. Raises `UnknownCard` or a `GatewayError`."""
    provider = _required_keeper()
    customer, card = _own_card(user, provider, method_ref)
    provider.detach(customer.customer_ref, method_ref)
    remember_cards(customer, [each for each in known_cards(user) if each != card])
    return card


def pay_with_card(booking: Booking, method_ref: str, *, urls: ReturnUrls, now: datetime) -> CardPayment:
    """Pay the session with one of its student's cards, through the same payment and the same `settle`.

    The checkout is written down before the card is charged, so whatever becomes of the answer, the truth can
    be asked for. Safe to repeat: a checkout is paid at most once. A declined card leaves it open with the
    reason. Raises `UnknownCard`, `NotPayable` or a `GatewayError`.
    """
    provider = _required_keeper()
    _own_card(booking.student, provider, method_ref)
    redirect_url = ""
    try:
        payment = open_checkout(booking.pk, provider.name, now=now, urls=urls, by_saved_card=True)
        with suppress(CardDeclined):  # the provider keeps the reason, and settling reads it
            charge = provider.charge_saved(payment.provider_ref, method_ref, return_url=urls.success)
            redirect_url = charge.redirect_url
    except GatewayRejected:
        _refuse_if_gone(booking.student, method_ref)
        raise
    payment = settle(payment.pk, source="saved card", now=now)
    return CardPayment(payment, redirect_url if payment.status == PaymentStatus.OPEN else "")


def _refuse_if_gone(user: User, method_ref: str) -> None:
    with suppress(GatewayError):
        if method_ref not in [card.method_ref for card in look_up_cards(user)]:
            raise UnknownCard(method_ref)


def _own_card(user: User, provider: SavedCards, method_ref: str) -> tuple[ProviderCustomer, SavedCard]:
    customer = _customer(user, provider)
    for card in customer.cards if customer else []:
        if customer and card["method_ref"] == method_ref:
            return customer, SavedCard(**card)
    raise UnknownCard(method_ref)


def _customer(user: User, provider: SavedCards) -> ProviderCustomer | None:
    return ProviderCustomer.objects.filter(user=user, gateway=provider.name).first()


def _required_keeper() -> SavedCards:
    provider = keeper()
    if provider is None:
        raise UnknownCard("No configured gateway keeps cards")
    return provider
