from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict

from lib.money import format_money
from mentors import browse

RATINGS = [("", "Any rating"), ("4.5", "4.5 and up"), ("4", "4 and up"), ("3", "3 and up")]
WHEN = [
    ("", "Any time"),
    ("week", "Open this week"),
    ("morning", "This week, in the morning"),
    ("afternoon", "This week, in the afternoon"),
    ("evening", "This week, in the evening"),
]
SORTS = [
    ("", "Best rated"),
    ("price", "Price, low to high"),
    ("newest", "Newest"),
    ("sessions", "Most sessions"),
]


class BrowseForm(forms.Form):
    """What a visitor looks for. A parameter that makes no sense is as if it were not there."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, skill, company…"}),
    )
    field = forms.ChoiceField(required=False)
    skill = forms.ChoiceField(required=False)
    language = forms.ChoiceField(required=False)
    when = forms.ChoiceField(label="Open", required=False, choices=WHEN)
    rating = forms.ChoiceField(required=False, choices=RATINGS)
    max_price = forms.DecimalField(
        label="Price up to",
        required=False,
        min_value=0,
        max_digits=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = forms.ChoiceField(required=False)
    free = forms.BooleanField(label="Free sessions", required=False)
    sort = forms.ChoiceField(label="Order", required=False, choices=SORTS)

    def __init__(self, *, facets: browse.Facets, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.facets = facets
        for name, choices in (
            ("field", [("", "Any field"), *facets.fields]),
            ("skill", [("", "Any skill"), *facets.skills]),
            ("language", [("", "Any language"), *facets.languages]),
            ("currency", facets.currencies),
        ):
            cast(forms.ChoiceField, self.fields[name]).choices = choices

    @classmethod
    def read(cls, query: QueryDict) -> "BrowseForm":
        """A form that holds what makes sense of the query, and shows no errors."""
        facets = browse.facets()
        asked = cls(data=query, facets=facets)
        asked.is_valid()
        chosen = {
            name: value
            for name, value in asked.cleaned_data.items()
            if value or isinstance(value, Decimal)  # a price of 0 is an answer
        }
        if facets.currencies:
            chosen.setdefault("currency", facets.currencies[0][0])
        return cls(initial=chosen, facets=facets)

    @property
    def currency_code(self) -> str:
        return str(self.initial.get("currency", ""))

    def results(self, now: datetime, zone: ZoneInfo) -> browse.Found:
        """`when` is read by the clocks of that zone."""
        return browse.find(now, zone=zone, **self.initial)

    def query(self, *, without: str = "") -> str:
        """The chosen parameters for a link; the currency only along with a price that needs it."""
        left = {name: value for name, value in self.initial.items() if name != without}
        if "max_price" not in left and left.get("sort") != "price":
            left.pop("currency", None)
        return urlencode({name: "on" if value is True else value for name, value in left.items()})

    def free_query(self) -> str:
        """For a link to the free ones among these."""
        return urlencode([*parse_qsl(self.query()), ("free", "on")])

    def selects(self) -> list[forms.BoundField]:
        return [self[name] for name in ("field", "when", "language", "sort")]

    def more_selects(self) -> list[forms.BoundField]:
        """Beside the price, what most visitors leave alone."""
        return [self[name] for name in ("skill", "rating")]

    def has_more_chosen(self) -> bool:
        return not self.initial.keys().isdisjoint({"skill", "rating", "max_price"})

    def chips(self) -> list[dict[str, str]]:
        """What is chosen, in words, each with the query of the page without it."""
        chosen = self.initial
        if "max_price" in chosen and self.currency_code:
            price = format_money(browse.ceiling(chosen["max_price"], self.currency_code), self.currency_code)
        else:
            price = ""
        labels = {
            "q": f"“{chosen.get('q')}”",
            "field": dict(self.facets.fields).get(chosen.get("field", "")),
            "skill": dict(self.facets.skills).get(chosen.get("skill", "")),
            "language": dict(self.facets.languages).get(chosen.get("language", "")),
            "when": dict(WHEN).get(chosen.get("when", "")),
            "rating": f"Rated {chosen.get('rating')} and up",
            "max_price": f"Up to {price}",
            "free": "Free sessions",
        }
        return [
            {"label": str(label), "query": self.query(without=name)}
            for name, label in labels.items()
            if name in chosen
        ]
