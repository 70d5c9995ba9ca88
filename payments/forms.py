from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms

from lib.money import EXPONENTS, format_money, to_major, to_minor
from payments.gateways.mock import Outcome
from payments.models import Payment


class MockForm(forms.Form):
    outcome = forms.TypedChoiceField(
        choices=[(outcome.value, outcome.value) for outcome in Outcome], coerce=Outcome
    )


class SeenNumber(forms.IntegerField):
    """A figure of the page that the form was on; without one, or with anything else, the page is a stale one."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> int | None:
        seen: int | None = None
        with suppress(forms.ValidationError):
            seen = super().clean(value)
        return seen


class StaffRefundForm(forms.Form):
    """Any part of a payment. `seen_refunds` makes a second press of the same page the same refund."""

    amount = forms.DecimalField(min_value=0)
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
    seen_refunds = SeenNumber()

    def __init__(self, data: Any = None, *, payment: Payment, typed: dict[str, Any] | None = None) -> None:
        left = payment.refundable_minor
        shown = {"amount": to_major(left, payment.currency), "seen_refunds": payment.refunds.count()}
        super().__init__(data, initial=shown | (typed or {}))
        self.currency = payment.currency
        unit = "" if payment.currency in EXPONENTS else ", in its smallest unit"
        self.fields["amount"].label = f"Amount in {payment.currency}{unit}"
        self.fields["amount"].help_text = f"At most {format_money(left, payment.currency)} is left."

    def clean_amount(self) -> int:
        """In minor units. Raises `ValidationError` for what the currency has no unit for."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            return to_minor(amount, self.currency)
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from error
