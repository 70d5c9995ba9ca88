"""Somebody closes their account: what was paid stays in the books, without a word about the person."""

from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import User
from lib.sweeping import each_row
from payments.gateways import gateway
from payments.gateways.base import CustomerNotFound, PaymentMethodGateway
from payments.models import FormerPayee, Payment, ProviderCustomer, Refund
from payments.reports.earnings import totals_of

# A transfer may still come back from the bank, and then staff ask again.
KEEP_PAYEE = timedelta(days=60)
# Words about people in what the provider was asked for: the payment is over, and it is asked no more.
PERSONAL = ("email", "name", "description", "customer_ref")


def erase_personal_data(user: User, *, now: datetime) -> None:
    """Blank what payments keep of a person who closes their account; who is still owed money keeps a `FormerPayee`.

    Call it with the person locked, while their name is known. Their cards go at the provider later, by `detach_cards`.
    """
    if any(each.pending or each.available for each in totals_of(user, now)):
        FormerPayee.objects.get_or_create(
            mentor=user.mentor, defaults={"name": user.name, "email": user.email, "closed_at": now}
        )
    ProviderCustomer.objects.filter(user=user).update(cards=[], is_former=True)
    Refund.objects.filter(actor=user).update(note="")
    of_user = Payment.objects.filter(Q(booking__student=user) | Q(booking__mentor__user=user))
    payments = list(of_user.exclude(request={}))
    for payment in payments:
        payment.request |= {word: "" for word in PERSONAL if word in payment.request}
    Payment.objects.bulk_update(payments, ["request"], batch_size=500)


def detach_cards_of_closed_accounts() -> None:
    """`detach_cards` for everybody it is due for. Calls providers; one that fails is tried again next time."""
    each_row(
        "cards of closed accounts",
        ProviderCustomer.objects.filter(is_former=True),
        detach_cards,
    )


def detach_cards(customer_pk: int) -> None:
    """Detach the cards of a closed account at its provider, and forget the customer. Safe to repeat: the row goes
    last. Raises a `GatewayError`."""
    customer = ProviderCustomer.objects.filter(pk=customer_pk, is_former=True).first()
    if customer is None:
        return
    provider = gateway(customer.gateway)
    if isinstance(provider, PaymentMethodGateway):
        try:
            for card in provider.list_payment_methods(customer.customer_ref):
                provider.detach_payment_method(customer.customer_ref, card.method_ref)
        except CustomerNotFound:
            pass
    customer.delete()


def delete_paid_payees(now: datetime) -> None:
    """Delete the names of former mentors to whom nothing is owed any more, `KEEP_PAYEE` after the last payout."""
    each_row("names of former mentors", FormerPayee.objects.all(), lambda pk: _forget_paid(pk, now))


def _forget_paid(payee_pk: int, now: datetime) -> None:
    payee = FormerPayee.objects.select_related("mentor__user").get(pk=payee_pk)
    if any(each.pending or each.available for each in totals_of(payee.mentor.user, now)):
        return
    last = payee.mentor.payouts.order_by("recorded_at").last()
    if max(payee.closed_at, last.recorded_at if last else payee.closed_at) + KEEP_PAYEE <= now:
        payee.delete()
