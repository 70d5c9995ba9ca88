from typing import Any

from django import forms
from django.http import QueryDict

from lib.clock import format_duration
from lib.money import EXPONENTS, to_major, to_minor, unchargeable
from mentors.models import DURATIONS, SessionType


class SessionTypeForm(forms.ModelForm[SessionType]):
    """The price is typed in major units and cleans to `price_minor`. It only reads; services write."""

    price = forms.DecimalField(
        min_value=0,
        max_digits=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "invalid": "Write the price in digits, as in 1000 or 49.50.",
            "min_value": "A price can't be less than 0.",
        },
    )
    durations = forms.TypedMultipleChoiceField(
        coerce=int,
        choices=[(minutes, format_duration(minutes)) for minutes in DURATIONS],
        widget=forms.CheckboxSelectMultiple,
        help_text="With more than one, the student chooses.",
        error_messages={"required": "Choose at least one length."},
    )

    class Meta:
        model = SessionType
        fields = ("name", "description", "pricing", "currency", "requires_approval")
        labels = {"requires_approval": "I accept each request myself"}
        help_texts = {
            "pricing": "One price for the session, or so much an hour. A price of 0 makes it free.",
            "name": "As in “Mock Interview” or “Career Guidance”.",
            "description": "What you do together, and what the student should bring.",
            "requires_approval": "Students ask, and you accept or decline. Otherwise an open time is booked at once.",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 4}), "pricing": forms.RadioSelect}

    field_order = ("name", "description", "pricing", "price", "currency", "durations", "requires_approval")

    def __init__(
        self, data: QueryDict | None = None, *, instance: SessionType | None = None, currency: str = ""
    ) -> None:
        initial: dict[str, Any] = {"durations": [60], "currency": currency}
        if instance:
            price = to_major(instance.price_minor, instance.currency)
            initial = {"durations": instance.durations, "price": f"{price:f}"}
        super().__init__(data, instance=instance, initial=initial)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        price, currency, durations = data.get("price"), data.get("currency"), data.get("durations")
        if price is None or not currency:
            return data
        try:
            data["price_minor"] = to_minor(price, currency)
        except ValueError:
            digits = EXPONENTS[currency]
            self.add_error("price", f"{currency} has {digits or 'no'} digits after the point.")
            return data
        hourly = data.get("pricing") == SessionType.Pricing.HOURLY
        shortest = min(durations) if hourly and durations else 60
        if reason := unchargeable(data["price_minor"], currency, minutes=shortest):
            self.add_error("price", reason)
        return data

    def values(self) -> dict[str, Any]:
        names = (
            "name",
            "description",
            "pricing",
            "price_minor",
            "currency",
            "durations",
            "requires_approval",
        )
        return {name: self.cleaned_data[name] for name in names}
