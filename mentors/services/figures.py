"""What pages say of all listed mentors without counting them: what they can be filtered by, and figures of fields."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Min, Q

from mentors.models import Facet, Field, Mentor, MentorQuerySet, SessionType

# Of the skills that most mentors have; a longer list is no help.
MOST_SKILLS = 100
FIGURES = ["mentor_count", "has_free", "price_minor", "currency"]


@transaction.atomic
def keep_figures(now: datetime) -> None:
    """Count and compare anew: two queries a field, and some for all of them. Safe to repeat."""
    listed = Mentor.objects.listed(now)
    fields = list(Field.objects.select_for_update())
    for field in fields:
        _set_figures(field, listed.in_field(field))
    Field.objects.bulk_update(fields, FIGURES)
    facets = [*_of_fields(fields), *_of_mentors(listed)]
    Facet.objects.bulk_create(
        facets,
        update_conflicts=True,
        unique_fields=["kind", "value"],
        update_fields=["label", "position", "mentor_count"],
    )
    kept = {(facet.kind, facet.value) for facet in facets}
    gone = [facet.pk for facet in Facet.objects.all() if (facet.kind, facet.value) not in kept]
    Facet.objects.filter(pk__in=gone).delete()


def _set_figures(field: Field, listed: MentorQuerySet) -> None:
    asked = SessionType.objects.payable().filter(mentor__in=listed).order_by()
    rows = list(
        asked.values("currency").annotate(
            mentors=Count("mentor", distinct=True, filter=Q(price_minor__gt=0)),
            lowest=Min("price_minor", filter=Q(price_minor__gt=0)),
            free=Count("pk", filter=Q(price_minor=0)),
        )
    )
    usual = max(rows, key=lambda row: (row["mentors"], row["currency"]), default=None)
    field.mentor_count = listed.count()
    field.has_free = any(row["free"] for row in rows)
    field.price_minor = usual["lowest"] if usual else None
    field.currency = usual["currency"] if usual and usual["mentors"] else ""


def _of_fields(fields: list[Field]) -> Iterator[Facet]:
    for field in fields:
        if field.mentor_count:
            yield Facet(
                kind=Facet.Kind.FIELD,
                value=field.slug,
                label=field.name,
                position=field.position,
                mentor_count=field.mentor_count,
            )


def _of_mentors(listed: MentorQuerySet) -> Iterator[Facet]:
    skills = Mentor.skills.through.objects.filter(mentor__in=listed).values_list("skill__slug", "skill__name")
    languages = Mentor.languages.through.objects.filter(mentor__in=listed)
    priced = SessionType.objects.active().filter(mentor__in=listed, price_minor__gt=0).order_by()
    for kind, rows, most in (
        (Facet.Kind.SKILL, skills, MOST_SKILLS),
        (Facet.Kind.LANGUAGE, languages.values_list("language__code", "language__name"), None),
        (Facet.Kind.CURRENCY, priced.values_list("currency", "currency"), None),
    ):
        counted = rows.annotate(mentors=Count("mentor", distinct=True)).order_by("-mentors")  # type: ignore[misc]  # annotated
        for value, label, count in counted[:most]:
            yield Facet(kind=kind, value=value, label=label, mentor_count=count)
