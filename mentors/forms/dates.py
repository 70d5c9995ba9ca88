"""Dates on which the week does not hold: time off over a range, or other hours on one date."""

from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import Any

from django import forms

from mentors.forms.week import ClockInput
from mentors.models import DateOverride
from mentors.schedules import span

# As far ahead as anybody plans; it also keeps odd years out.
FARTHEST = timedelta(days=3 * 366)
INTERVALS = 4


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class TimeOffForm(forms.Form):
    first_date = forms.DateField(label="First day off", widget=DateInput)
    last_date = forms.DateField(
        label="Last day off",
        widget=DateInput,
        required=False,
        help_text="Leave it empty for a single day. What runs past midnight from a day off is off too.",
    )
    note = forms.CharField(
        label="Note", max_length=120, required=False, help_text="For yourself; students don't see it."
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        self.today = today
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        first, last = data.get("first_date"), data.get("last_date") or data.get("first_date")
        if first and last:
            if last < first:
                self.add_error("last_date", "The last day is before the first. Swap them, or leave it empty.")
            elif last < self.today:
                self.add_error("first_date", "This is over already. Choose a day from today on.")
            elif last > self.today + FARTHEST:
                self.add_error("last_date", "That is more than three years ahead. Choose an earlier day.")
        return data | {"last_date": last}


class DateHoursForm(forms.Form):
    """The hours of one date, instead of its weekday's: up to four intervals; cleared lines don't count."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, INTERVALS + 1):
            for name, label in (("starts", "from"), ("ends", "to")):
                self.fields[f"{name}_{number}"] = forms.TimeField(
                    label=f"Hours {number}, {label}",
                    required=False,
                    widget=ClockInput,
                    error_messages={"invalid": "Write a time, as in 09:30."},
                )

    def lines(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"starts_{number}"], self[f"ends_{number}"]) for number in range(1, INTERVALS + 1)]

    def clean(self) -> dict[str, Any]:
        taken: list[tuple[int, int]] = []
        for number in range(1, INTERVALS + 1):
            starts = self.cleaned_data.get(f"starts_{number}")
            ends = self.cleaned_data.get(f"ends_{number}")
            if starts is None and ends is None:
                continue
            if starts is None or ends is None:
                missing = f"starts_{number}" if starts is None else f"ends_{number}"
                if missing not in self.errors:
                    self.add_error(missing, "Fill in both times, or clear both.")
                continue
            if starts == ends and starts != time(0):
                self.add_error(f"ends_{number}", "It ends when it starts.")
                continue
            since, until = span(starts, ends)
            if any(since < stop and start < until for start, stop in taken):
                self.add_error(f"starts_{number}", "This overlaps a line above.")
            taken.append((since, until))
        if not taken and not self.errors:
            self.add_error("starts_1", "Write at least one line, or block the day instead.")
        return self.cleaned_data

    def hours(self) -> list[tuple[time, time]]:
        """Of a valid form, in order."""
        pairs = [
            (self.cleaned_data[f"starts_{number}"], self.cleaned_data[f"ends_{number}"])
            for number in range(1, INTERVALS + 1)
        ]
        return sorted((starts, ends) for starts, ends in pairs if starts is not None)

    @staticmethod
    def showing(overrides: Iterable[DateOverride]) -> dict[str, Any]:
        """What to fill in at first: the date's own hours as they are."""
        own = [each for each in overrides if not each.is_blocked]
        return {
            f"{name}_{number}": getattr(each, name)
            for number, each in enumerate(own[:INTERVALS], start=1)
            for name in ("starts", "ends")
        }
