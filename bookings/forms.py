from typing import Any

from django import forms

from bookings.models import Booking


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
