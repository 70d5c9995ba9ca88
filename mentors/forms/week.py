"""The weekly hours as a form of rows that works without JavaScript: a row is added, removed or copied by the
server, on the page only; saving takes the whole week at once."""

from collections.abc import Iterable
from datetime import time
from typing import Any, cast

from django import forms
from django.forms.formsets import BaseFormSet, formset_factory
from django.http import QueryDict

from lib.clock import format_minute
from lib.wallclock import DAY_MINUTES
from mentors.models import Mentor, Weekday, WeeklyHours
from mentors.schedules import Hours, span

Row = dict[str, Any]

MAX_ROWS = 140
# For who has no hours yet, to take over or to change.
STARTING_WEEK: list[Row] = [
    {"weekday": day, "kind": WeeklyHours.Kind.OPEN, "starts": "09:00", "ends": "17:00", "is_active": True}
    for day in (
        *(Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY),
        *(Weekday.THURSDAY, Weekday.FRIDAY),
    )
]
WEEK_MINUTES = 7 * DAY_MINUTES


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class Unlabelled(forms.HiddenInput):
    """Without an id: nothing points to it, and a week has dozens."""

    def __init__(self) -> None:
        super().__init__(attrs={"id": False})


class HoursForm(forms.Form):
    weekday = forms.TypedChoiceField(choices=Weekday, coerce=int, widget=Unlabelled)
    kind = forms.ChoiceField(choices=WeeklyHours.Kind, widget=Unlabelled)
    starts = forms.TimeField(
        required=False, widget=ClockInput, error_messages={"invalid": "Write a time, as in 09:30."}
    )
    ends = forms.TimeField(
        required=False, widget=ClockInput, error_messages={"invalid": "Write a time, as in 17:00."}
    )

    is_active = forms.BooleanField(required=False, initial=True, label="On")

    index = 0

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        starts, ends = data.get("starts"), data.get("ends")
        for name, value, other in (("starts", starts, ends), ("ends", ends, starts)):
            if value is None and other is not None and name not in self.errors:
                self.add_error(name, "Fill in both times, or clear both to remove the line.")
        if starts is not None and starts == ends and starts != time(0):
            self.add_error("ends", "It ends when it starts. For a whole day write 00:00 and 00:00.")
        return data

    @property
    def hours(self) -> Hours | None:
        """None for a row whose times were cleared, or make no sense."""
        if not self.is_valid() or self.cleaned_data["starts"] is None:
            return None
        data = self.cleaned_data
        starts, ends = (data[name].replace(second=0, microsecond=0) for name in ("starts", "ends"))
        return Hours(data["weekday"], data["kind"], starts, ends, data["is_active"])

    def name_fields(self, line: str) -> None:
        """What a screen reader calls them; everybody else sees where they stand."""
        for name, words in (("starts", "from"), ("ends", "to"), ("is_active", f"{self.words}: on")):
            self.fields[name].widget.attrs["aria-label"] = f"{line} {words}"

    @property
    def day_name(self) -> str:
        return str(Weekday(int(self["weekday"].value())).label)

    @property
    def words(self) -> str:
        return " to ".join(str(self[name].value() or "")[:5] for name in ("starts", "ends")).strip()

    @property
    def runs_over_midnight(self) -> bool:
        starts, ends = str(self["starts"].value() or "")[:5], str(self["ends"].value() or "")[:5]
        return bool(starts and ends and ends <= starts)


class WeekForm(BaseFormSet[HoursForm]):
    """One form a row. Rows are dictionaries of what stands in the fields."""

    new_row: int | None = None
    active_day: int | None = None
    copied_day: int | None = None
    copy_error = ""

    @classmethod
    def of(cls, mentor: Mentor) -> "WeekForm":
        rows: Iterable[WeeklyHours] = mentor.weekly_hours.all()
        return cls.showing(
            {
                "weekday": row.weekday,
                "kind": row.kind,
                "starts": row.starts,
                "ends": row.ends,
                "is_active": row.is_active,
            }
            for row in rows
        )

    @classmethod
    def showing(
        cls, rows: Iterable[Row], *, new_row: int | None = None, day: int | None = None
    ) -> "WeekForm":
        week = make_week_form(initial=list(rows))
        week.new_row, week.active_day = new_row, day
        return week

    def clean(self) -> None:
        """No two intervals of a kind overlap, around the week: Sunday night runs into Monday.

        What is switched off is in nobody's way.
        """
        placed = [(form, at) for form in self.forms if (at := form.hours) and at.is_active]
        for number, (form, at) in enumerate(placed):
            for other, before in placed[:number]:
                if at.kind == before.kind and _overlap(at, before):
                    form.add_error("starts", f"This overlaps {_words(before)}.")
                    other.add_error("starts", f"This overlaps {_words(at)}.")
                    break

    @property
    def week(self) -> list[Hours]:
        return [at for form in self.forms if (at := form.hours)]

    def rows(self) -> list[Row]:
        names = ("weekday", "kind", "starts", "ends", "is_active")
        rows = [{name: form[name].value() for name in names} for form in self.forms]
        return [row for row in rows if str(row["weekday"]) in _WEEKDAYS and row["kind"] in WeeklyHours.Kind]

    def edited(self, data: QueryDict) -> "WeekForm | None":
        """The rows after the press of “Add”, “Remove”, “Copy” or “Start with …”; None for any other button."""
        if "starting_week" in data:
            return self.showing(STARTING_WEEK)
        rows = self.rows()
        if "add_line" in data:
            day, _, kind = str(data["add_line"]).partition("-")
            if day in _WEEKDAYS and kind in WeeklyHours.Kind and len(rows) < MAX_ROWS:
                new: Row = {"weekday": int(day), "kind": kind, "starts": "", "ends": "", "is_active": True}
                return self.showing([*rows, new], new_row=len(rows))
            return self.showing(rows)
        if "remove_line" in data:
            gone = [at for at in range(len(rows)) if str(at) == data["remove_line"]]
            day_left = next((int(rows[at]["weekday"]) for at in gone), None)
            return self.showing((row for at, row in enumerate(rows) if at not in gone), day=day_left)
        if "copy_day" in data:
            source = data.get("copy_from", "")
            targets = (set(data.getlist("copy_to")) & set(_WEEKDAYS)) - {source}
            kept = [row for row in rows if str(row["weekday"]) not in targets]
            copied = [
                {**row, "weekday": int(to)}
                for to in sorted(targets)
                for row in rows
                if str(row["weekday"]) == source
            ]
            week = self.showing([*kept, *copied][:MAX_ROWS], day=int(min(targets)) if targets else None)
            week.copied_day = int(source) if source in _WEEKDAYS else None
            week.copy_error = "" if targets else "Tick the days that get these hours."
            return week
        return None

    def problems(self) -> list[dict[str, str]]:
        """Every message of a row with the field it is about, for the summary."""
        return [
            {"anchor": form[name].id_for_label, "label": form.day_name, "text": str(form.errors[name][0])}
            for form in self.forms
            for name in ("starts", "ends")
            if form.errors.get(name)
        ]

    def days(self) -> list[dict[str, Any]]:
        """The rows by weekday, open hours before breaks, for the page."""
        for index, form in enumerate(self.forms):
            form.index = index
            if index == self.new_row:
                form.fields["starts"].widget.attrs["autofocus"] = True
        return [
            {
                "number": day.value,
                "name": day.label,
                "is_active": day.value == self.active_day,
                "is_copied": day.value == self.copied_day,
                "open": self._of_day(day.value, WeeklyHours.Kind.OPEN),
                "breaks": self._of_day(day.value, WeeklyHours.Kind.BREAK),
            }
            for day in Weekday
        ]

    def _of_day(self, weekday: int, kind: str) -> list[HoursForm]:
        found = [
            form
            for form in self.forms
            if str(form["weekday"].value()) == str(weekday) and form["kind"].value() == kind
        ]
        for form in found:
            form.name_fields(f"{Weekday(weekday).label}, {kind}")
        return found


_WEEKDAYS = tuple(str(day.value) for day in Weekday)

make_week_form = cast(
    type[WeekForm],
    formset_factory(
        HoursForm, formset=WeekForm, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS, validate_max=True
    ),
)


def _overlap(one: Hours, other: Hours) -> bool:
    (start, end), (since, until) = _placed(one), _placed(other)
    return any(start < until + turn and since + turn < end for turn in (-WEEK_MINUTES, 0, WEEK_MINUTES))


def _placed(at: Hours) -> tuple[int, int]:
    start, end = span(at.starts, at.ends)
    return at.weekday * DAY_MINUTES + start, at.weekday * DAY_MINUTES + end


def _words(at: Hours) -> str:
    start, end = span(at.starts, at.ends)
    return f"{Weekday(at.weekday).label}'s {format_minute(start)} to {format_minute(end % DAY_MINUTES)}"
