"""Figures of each field that pages show without counting: how many mentors, and what they ask at least."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Min, Q

from mentors.models import Field, Mentor, SessionType


@transaction.atomic
def keep_figures(now: datetime) -> None:
    """Count and compare anew, for all fields. Two queries a field, and one for those of which something has changed."""
    fields = Field.objects.select_for_update().in_bulk()
    before = {pk: _figures(field) for pk, field in fields.items()}
    for field in fields.values():
        listed = Mentor.objects.listed(now).in_field(field)
        field.mentor_count = listed.count()
        asked = SessionType.objects.payable().filter(mentor__in=listed).order_by()
        by_currency = asked.values("currency").annotate(
            mentors=Count("mentor", distinct=True, filter=Q(price_minor__gt=0)),
            lowest=Min("price_minor", filter=Q(price_minor__gt=0)),
            free=Count("pk", filter=Q(price_minor=0)),
        )
        rows = list(by_currency)
        usual = max(rows, key=lambda row: (row["mentors"], row["currency"]), default=None)
        field.has_free = any(row["free"] for row in rows)
        field.price_minor = usual["lowest"] if usual else None
        field.currency = usual["currency"] if usual and usual["mentors"] else ""
    changed = [field for pk, field in fields.items() if _figures(field) != before[pk]]
    Field.objects.bulk_update(changed, FIGURES)


FIGURES = ["mentor_count", "has_free", "price_minor", "currency"]


def _figures(field: Field) -> tuple[object, ...]:
    return tuple(getattr(field, name) for name in FIGURES)
