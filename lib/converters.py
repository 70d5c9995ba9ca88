"""Parts of a URL that are more than a word."""

from datetime import date

from django.urls import register_converter

from lib.references import ALPHABET


class IsoDate:
    regex = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """Raises ValueError, which Django answers with a 404."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class Reference:
    """`SESSION-7KQ2M9XA4T`. Anything else is no address at all, and reaches no query."""

    regex = rf"[A-Z]{{2,10}}-[{ALPHABET}]{{8,32}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IsoDate, "isodate")
register_converter(Reference, "reference")
