from typing import Any

from django import forms

from mentors.models import Mentor


class RulesForm(forms.ModelForm[Mentor]):
    """How the hours of the calendar become times that can be booked."""

    class Meta:
        model = Mentor
        fields = (
            "slot_interval_minutes",
            "buffer_minutes",
            "minimum_notice_hours",
            "allows_same_day",
            "window_days",
            "max_per_day",
            "max_per_week",
        )
        labels = {
            "slot_interval_minutes": "Offer a start every",
            "buffer_minutes": "Pause after a session, in minutes",
            "minimum_notice_hours": "Notice you need, in hours",
            "allows_same_day": "Students may book for the same day",
            "window_days": "How many days ahead students may book",
            "max_per_day": "Most sessions a day",
            "max_per_week": "Most sessions a week",
        }
        help_texts = {
            "buffer_minutes": "Nobody can book this long after a session ends. 0 for none.",
            "minimum_notice_hours": "A start nearer than this is not offered. 0 for none.",
            "allows_same_day": "Otherwise the first day that can be booked is tomorrow, on your calendar.",
            "window_days": "1 to 60.",
            "max_per_day": "Leave it empty for no limit.",
            "max_per_week": "Monday to Sunday, on your calendar. Leave it empty for no limit.",
        }

    def values(self) -> dict[str, Any]:
        return self.cleaned_data
