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
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The other side reads this.",
    )
