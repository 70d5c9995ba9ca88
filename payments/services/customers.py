"""A person as a customer of a provider: made when a first card is saved, and needed to use it again."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.services import lock_people
from payments.gateways.base import PaymentMethod, PaymentMethodGateway
from payments.models import ProviderCustomer


def customer_ref(user: User, gateway: str) -> str:
    """The person's id at that provider; empty for somebody whom it doesn't know."""
    found = ProviderCustomer.objects.filter(user=user, gateway=gateway)
    return found.values_list("customer_ref", flat=True).first() or ""


def ensure_customer(user: User, provider: PaymentMethodGateway, now: datetime) -> ProviderCustomer:
    """The person's row, made at the provider first when there is none. Two calls at once end at one row.

    Raises a `GatewayError`.
    """
    found = ProviderCustomer.objects.filter(user=user, gateway=provider.name).first()
    if found is not None:
        return found
    ref = provider.create_customer(ref=str(user.pk), email=user.email, name=user.name)
    with transaction.atomic():
        # Who closes their account meanwhile is forgotten there too.
        is_former = lock_people([user.pk])[user.pk].closed_at is not None
        customer, _ = ProviderCustomer.objects.get_or_create(
            user=user,
            gateway=provider.name,
            defaults={"customer_ref": ref, "created_at": now, "is_former": is_former},
        )
    return customer


def delete_customer(customer_ref: str, gateway: str) -> None:
    """For a customer whom the provider doesn't know any more: deleted there, or our keys are another account's."""
    ProviderCustomer.objects.filter(gateway=gateway, customer_ref=customer_ref).delete()


def store_payment_methods(customer: ProviderCustomer, cards: Iterable[PaymentMethod]) -> None:
    """What pages show without asking the provider: brand, last four digits, expiry."""
    customer.cards = [asdict(card) for card in cards]
    customer.save(update_fields=["cards"])
