"""How a form's widgets become HTML."""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

Widget = Mapping[str, Any]


class Renderer(TemplatesSetting):
    """Draws inputs and selects itself, as Django's templates do; whatever else comes from the templates.

    A form of hours has a hundred inputs and a filter a hundred options, and Django takes a template for each and
    another for its attributes: a fifth of such a page's time.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        draw = DRAWN.get(template_name)
        return draw(context["widget"]) if draw else super().render(template_name, context, request)


def draw_input(widget: Widget) -> SafeString:
    value = "" if widget["value"] is None else f' value="{conditional_escape(widget["value"])}"'
    attrs = _attrs(widget["attrs"])
    return SafeString(
        f'<input type="{widget["type"]}" name="{conditional_escape(widget["name"])}"{value}{attrs}>'
    )


def draw_select(widget: Widget) -> SafeString:
    groups = "".join(_group(name, options) for name, options, _ in widget["optgroups"])
    name = conditional_escape(widget["name"])
    return SafeString(f'<select name="{name}"{_attrs(widget["attrs"])}>{groups}\n</select>')


def _group(name: str | None, options: list[Widget]) -> str:
    lines = "".join(
        f'\n  <option value="{conditional_escape(option["value"])}"{_attrs(option["attrs"])}>'
        f"{conditional_escape(option['label'])}</option>"
        for option in options
    )
    return f'\n  <optgroup label="{conditional_escape(name)}">{lines}\n  </optgroup>' if name else lines


def _attrs(attrs: Mapping[str, Any]) -> str:
    """True stands for an attribute without a value, False for none."""
    return "".join(
        f" {conditional_escape(name)}" + ("" if value is True else f'="{conditional_escape(value)}"')
        for name, value in attrs.items()
        if value is not False
    )


INPUTS = ("checkbox", "date", "email", "hidden", "number", "password", "tel", "text", "time", "url")
DRAWN: dict[str, Callable[[Widget], SafeString]] = {
    "django/forms/widgets/select.html": draw_select,
    **{f"django/forms/widgets/{kind}.html": draw_input for kind in INPUTS},
}
