"""Widgets are drawn as Django's own templates draw them."""

from typing import Any

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting

from lib.forms import INPUTS, Renderer

ODD = "\"<&'>"
CHOICES = [("", "Any"), (1, ODD), (ODD, "odd"), ("Group <1>", [("a", "A"), ("b", "B")]), (None, "None")]


@pytest.mark.parametrize("value", [None, "", "b", 1, ODD, True, False, 4.5])
@pytest.mark.parametrize(
    "attrs", [{}, {"required": True, "disabled": False, "class": ODD, "maxlength": 5, "id": "id_x"}]
)
@pytest.mark.parametrize(
    "widget",
    [
        forms.Select(choices=CHOICES),
        forms.NullBooleanSelect(),
        forms.SelectMultiple(choices=CHOICES),
        forms.TextInput(),
        forms.NumberInput(),
        forms.EmailInput(),
        forms.URLInput(),
        forms.PasswordInput(render_value=True),
        forms.HiddenInput(),
        forms.CheckboxInput(),
        forms.DateInput(),
        forms.TimeInput(),
        forms.Textarea(),
        forms.RadioSelect(choices=CHOICES),
    ],
    ids=lambda widget: type(widget).__name__,
)
def test_widget_reads_as_djangos(widget: forms.Widget, attrs: dict[str, Any], value: Any) -> None:
    drawn, plain = (
        widget.render(f"name{ODD}", value, attrs=attrs, renderer=renderer)
        for renderer in (Renderer(), TemplatesSetting())
    )
    assert lines(drawn) == lines(plain)


def test_inputs_are_those_that_django_draws_alike() -> None:
    text = {
        TemplatesSetting().render(f"django/forms/widgets/{kind}.html", context(kind)).strip()
        for kind in INPUTS
    }
    assert text == {f'<input type="{kind}" name="x" value="1" id="y">' for kind in INPUTS}


def lines(html: str) -> list[str]:
    return [line.strip() for line in html.splitlines() if line.strip()]


def context(kind: str) -> dict[str, Any]:
    return {"widget": {"type": kind, "name": "x", "value": "1", "attrs": {"id": "y"}}}
