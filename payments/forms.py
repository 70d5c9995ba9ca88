from django import forms

from payments.gateways.mock import Outcome


class MockForm(forms.Form):
    outcome = forms.TypedChoiceField(
        choices=[(outcome.value, outcome.value) for outcome in Outcome], coerce=Outcome
    )
