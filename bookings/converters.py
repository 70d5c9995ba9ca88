"""References in URLs: `SESSION-7KQ2M9XA4T`. Anything else is no address at all, and reaches no query."""

from django.urls import register_converter

from bookings.references import ALPHABET


class Reference:
    regex = rf"[A-Z]{{2,10}}-[{ALPHABET}]{{8,32}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Reference, "reference")
