from django import template
from django.utils.safestring import SafeString

from lib import drawings

register = template.Library()


@register.simple_tag
def mark(size: int = 28) -> SafeString:
    return SafeString(drawings.mark(size))


@register.simple_tag
def dial(minutes: int, longest: int = 0, size: str = "m", tone: str = "") -> SafeString:
    """A length in minutes, or an offer from this length to the longest. `size` is m or s, `tone` held or over."""
    return SafeString(drawings.dial(minutes, longest=longest, size=size, tone=tone))


@register.simple_tag
def dial_of(durations: list[int], size: str = "m") -> SafeString:
    """Of an offer, by its lengths in minutes."""
    longest = max(durations) if len(durations) > 1 else 0
    return SafeString(drawings.dial(min(durations), longest=longest, size=size))


@register.simple_tag
def dots(*filled: int) -> SafeString:
    """A dot for each 1, a ring for each 0."""
    return SafeString(drawings.dots(*map(bool, filled)))


@register.simple_tag
def portrait(person: drawings.Person, size: int = 56, drawn: bool = False) -> SafeString:
    """Sizes are 28, 36, 56, 96 and 120. Whoever it shows is named beside it."""
    return SafeString(drawings.portrait(person, size, drawn=drawn))
