"""Heroicons by the same tags as theirs, each drawn once: a page of mentors shows the same few a dozen times."""

from collections.abc import Callable
from functools import cache

from django import template
from django.utils.safestring import SafeString
from heroicons.templatetags import heroicons

register = template.Library()


def remembered(draw: Callable[..., str]) -> Callable[[str, int], SafeString]:
    """`draw` with a name and a size in pixels, asked once for each."""

    @cache
    def drawn(name: str, size: int) -> SafeString:
        return SafeString(draw(name, size=size))

    return drawn


register.simple_tag(remembered(heroicons.heroicon_micro), name="heroicon_micro")
register.simple_tag(remembered(heroicons.heroicon_mini), name="heroicon_mini")
register.simple_tag(remembered(heroicons.heroicon_outline), name="heroicon_outline")
register.simple_tag(remembered(heroicons.heroicon_solid), name="heroicon_solid")
