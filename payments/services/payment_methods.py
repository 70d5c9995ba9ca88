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
    CustomerNotFound,
    GatewayError,
    GatewayRejected,
    PaymentMethod,
    PaymentMethodGateway,
)
from payments.models import Payment, PaymentStatus, ProviderCustomer
from payments.services.checkout import ReturnUrls, open_checkout
from payments.services.customers import delete_customer, ensure_customer, store_payment_methods
from payments.services.settlement import settle


class PaymentMethodNotFound(Exception):
    """That person has no such card, or has it no more."""


@dataclass(frozen=True)
class CardPayment:
    """With `redirect_url` the payer's bank asks them something before it pays."""

    payment: Payment
    redirect_url: str


def payment_method_gateway() -> PaymentMethodGateway | None:
    """The configured gateway that saves cards, if there is one."""
    configured = [gateway(name) for name in settings.PAYMENT_GATEWAYS]
    return next((each for each in configured if isinstance(each, PaymentMethodGateway)), None)


def stored_payment_methods(user: User) -> list[PaymentMethod]:
    """The person's cards as they were last seen: the provider is not asked."""
    provider = payment_method_gateway()
    customer = _customer(user, provider) if provider else None
    return [PaymentMethod(**card) for card in customer.cards] if customer else []


def refresh_payment_methods(user: User) -> list[PaymentMethod]:
    """The person's cards as the provider has them now, which pages then show.

    Raises `PaymentMethodNotFound` when no gateway saves cards, or a `GatewayError`.
    """
    provider = _required_gateway()
    customer = _customer(user, provider)
    if customer is None:
        return []
    try:
        cards = provider.list_payment_methods(customer.customer_ref)
    except CustomerNotFound:
        delete_customer(customer.customer_ref, provider.name)
        return []
    store_payment_methods(customer, cards)
    return cards


def start_adding_payment_method(user: User, *, urls: ReturnUrls, now: datetime) -> str:
    """The address of the provider's page on which a card is added; makes the person a customer there first.

    Raises `PaymentMethodNotFound` when no gateway saves cards, or a `GatewayError`.
    """
    provider = _required_gateway()
    customer = ensure_customer(user, provider, now)
    try:
        return provider.create_setup_page(
            customer.customer_ref, success_url=urls.success, cancel_url=urls.cancel
        )
    except CustomerNotFound:
        delete_customer(customer.customer_ref, provider.name)
        raise


def remove_payment_method(user: User, method_ref: str) -> PaymentMethod:
    """Let the provider forget a card, and return what it was. Raises `PaymentMethodNotFound` or a `GatewayError`."""
    provider = _required_gateway()
    customer, card = _own_card(user, provider, method_ref)
    provider.detach_payment_method(customer.customer_ref, method_ref)
    store_payment_methods(customer, [each for each in stored_payment_methods(user) if each != card])
    return card


def pay_with_saved_card(booking: Booking, method_ref: str, *, urls: ReturnUrls, now: datetime) -> CardPayment:
    """Pay the session with one of its student's cards, through the same payment and the same `settle`.

    The checkout is written down before the card is charged, so whatever becomes of the answer, the truth can
    be asked for. Safe to repeat: a checkout is paid at most once. A declined card leaves it open with the
    reason. Raises `PaymentMethodNotFound`, `NotPayable` or a `GatewayError`.
    """
    provider = _required_gateway()
    _own_card(booking.student, provider, method_ref)
    redirect_url = ""
    try:
        payment = open_checkout(booking.pk, provider.name, now=now, urls=urls, by_saved_card=True)
        with suppress(CardDeclined):  # the provider keeps the reason, and settling reads it
            charge = provider.charge_payment_method(payment.provider_ref, method_ref, return_url=urls.success)
            redirect_url = charge.redirect_url
    except GatewayRejected:
        _refuse_if_gone(booking.student, method_ref)
        raise
    payment = settle(payment.pk, source="saved card", now=now)
    return CardPayment(payment, redirect_url if payment.status == PaymentStatus.OPEN else "")


def _refuse_if_gone(user: User, method_ref: str) -> None:
    with suppress(GatewayError):
        if method_ref not in [card.method_ref for card in refresh_payment_methods(user)]:
            raise PaymentMethodNotFound(method_ref)


def _own_card(
    user: User, provider: PaymentMethodGateway, method_ref: str
) -> tuple[ProviderCustomer, PaymentMethod]:
    customer = _customer(user, provider)
    for card in customer.cards if customer else []:
        if customer and card["method_ref"] == method_ref:
            return customer, PaymentMethod(**card)
    raise PaymentMethodNotFound(method_ref)


def _customer(user: User, provider: PaymentMethodGateway) -> ProviderCustomer | None:
    return ProviderCustomer.objects.filter(user=user, gateway=provider.name).first()


def _required_gateway() -> PaymentMethodGateway:
    provider = payment_method_gateway()
    if provider is None:
        raise PaymentMethodNotFound("No configured gateway keeps cards")
    return provider
