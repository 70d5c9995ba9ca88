from datetime import datetime
from typing import Any, Self

from django import forms
from django.http import QueryDict

from bookings.cancellation import RefundChoice, Terms
from bookings.models import Booking
from bookings.permissions import MOST_PROPOSALS
from lib.clock import from_param
from lib.money import format_money, to_minor


class ConfirmForm(forms.ModelForm[Booking]):
    """What a student tells the mentor beforehand."""

    class Meta:
        model = Booking
        fields = ("topic", "notes")
        labels = {
            "topic": "What would you like to talk about?",
            "notes": "Anything the mentor should read first?",
        }
        help_texts = {"topic": "A line is enough.", "notes": "Links, your question, where you are stuck."}
        widgets = {"notes": forms.Textarea(attrs={"rows": 4})}
        error_messages = {
            "topic": {"max_length": "Write what you want to talk about, up to 200 characters."},
            "notes": {"max_length": "Write what the mentor should read first, up to 2,000 characters."},
        }


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The other side reads this.",
        error_messages={"required": "Please say why: a sentence is enough."},
    )

    def __init__(self, *args: Any, required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = required


class StartsField(forms.MultipleChoiceField):
    """Starts as the wizard's addresses write them; the engine says which of them can be had."""

    def valid_value(self, value: str) -> bool:
        return from_param(value) is not None

    def clean(self, value: Any) -> list[datetime]:
        found = [from_param(each) for each in super().clean(value)]
        return sorted({each for each in found if each is not None})


class AskToMoveForm(forms.Form):
    """Why a session should move, and to which times it could. `is_required` says that a time must be picked."""

    start = StartsField(
        required=False,
        error_messages={
            "required": "Pick a time that you propose.",
            "invalid_choice": "That is not a time that can be proposed. Please pick one of those below.",
        },
    )
    reason = forms.CharField(
        label="Why?",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The other side reads this.",
        error_messages={"required": "Please say why: a sentence is enough."},
    )

    def __init__(self, data: QueryDict | None = None, *, is_required: bool = False) -> None:
        super().__init__(data)
        self.fields["start"].required = is_required
        self.chosen: set[str] = set(data.getlist("start")) if data else set()

    @classmethod
    def unchecked(cls, data: QueryDict) -> Self:
        """With what is typed so far, before anybody asks whether it will do."""
        form = cls()
        form.initial, form.chosen = {"reason": data.get("reason", "")}, set(data.getlist("start"))
        return form

    def clean_start(self) -> list[datetime]:
        starts: list[datetime] = self.cleaned_data["start"]
        if len(starts) > MOST_PROPOSALS:
            raise forms.ValidationError(f"Propose up to {MOST_PROPOSALS} times.")
        return starts


class StaffCancelForm(forms.Form):
    """Whatever staff decide to give back of a paid session, and why. An unpaid one asks for the reason only."""

    give_back = forms.ChoiceField(label="What goes back", widget=forms.RadioSelect, initial=RefundChoice.ALL)
    amount = forms.DecimalField(
        label="Amount of the part", required=False, min_value=0, help_text="Only for another part."
    )
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Both sides read this on the session's page.",
    )
    quoted = forms.CharField(widget=forms.HiddenInput, required=False)  # without it the page is a stale one

    def __init__(
        self, data: Any = None, *, booking: Booking, terms: Terms, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial={"quoted": terms.token, **(initial or {})})
        self.currency = booking.currency
        if not terms.is_paid:
            del self.fields["give_back"], self.fields["amount"]
            return
        choices = []
        for choice in RefundChoice:
            amount = format_money(terms.chosen(choice), booking.currency)
            choices.append(
                (choice.value, choice.label if choice is RefundChoice.PART else f"{choice.label}: {amount}")
            )
        self.fields["amount"].label = f"Amount of the part in {booking.currency}"
        self.fields["give_back"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount = cleaned.get("amount")
        cleaned["part_minor"] = 0
        if cleaned.get("give_back") != RefundChoice.PART or "amount" in self.errors:
            return cleaned
        try:
            cleaned["part_minor"] = to_minor(amount, self.currency) if amount else 0
        except ValueError as error:
            self.add_error("amount", f"{error}.")
        else:
            if not amount:
                self.add_error("amount", "How much goes back?")
        return cleaned


class HideReviewForm(forms.Form):
    """Why a review is hidden. `shown` is what the page saw, so that two presses don't undo each other."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 3}), help_text="Only staff read this."
    )
    shown = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, is_hiding: bool) -> None:
        super().__init__(data, initial={"shown": is_hiding})
        if not is_hiding:
            del self.fields["reason"]
