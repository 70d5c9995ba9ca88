"""A partial whose HTML is kept as long as it says the same.

The key is everything that the partial is given, so nothing ever needs to be told that something has changed.
"""

from collections.abc import Hashable
from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString

from lib.clock import current_hours

register = template.Library()
KEPT = 4096  # a mentor's card takes three kB, nearly everything else less than one


@register.simple_tag
def cached_include(template_name: str, **values: Hashable) -> SafeString:
    """`{% include template_name with … only %}` for plain values. With DEBUG templates change, and nothing is kept."""
    if settings.DEBUG:
        return render(template_name, **values)
    return kept(template_name, current_hours(), **values)


def render(template_name: str, **values: Hashable) -> SafeString:
    return SafeString(get_template(template_name).render(values))


# Text that is safe and the same text that isn't are equal, and so are 1 and True, but not of one type.
@lru_cache(KEPT, typed=True)
def kept(template_name: str, hours: int, **values: Hashable) -> SafeString:
    """`hours` are the reader's, by which times are worded within."""
    return render(template_name, **values)
