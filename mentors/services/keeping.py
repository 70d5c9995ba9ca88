"""What follows from a change of a mentor, in the change's own transaction."""

from collections.abc import Iterator

from django.db import transaction

from mentors.models import LowestPrice, Mentor, MentorQuerySet, MentorWords, lowest_prices, words_of
from mentors.signals import mentor_changed

BATCH = 500


def keep(mentor: Mentor) -> None:
    """Call it last, when what is offered, or when, or by whom, has been written. Locks the mentor. Safe to repeat."""
    keep_prices(Mentor.objects.filter(pk=mentor.pk))
    mentor_changed.send(Mentor, mentor=mentor)


def keep_prices(mentors: MentorQuerySet) -> None:
    """The lowest prices of these mentors, after their session types have been written. Locks them. Safe to repeat."""
    for batch in _locked(mentors, Mentor.objects.prefetch_related("session_types")):
        LowestPrice.objects.filter(mentor__in=batch).delete()
        LowestPrice.objects.bulk_create(
            LowestPrice(mentor=each, currency=currency, price_minor=price)
            for each in batch
            for currency, price in lowest_prices(each.session_types.all()).items()
        )


def keep_words(mentors: MentorQuerySet) -> None:
    """What searching looks through, after a name, a headline, a bio or a skill has been written. Locks them. Safe
    to repeat."""
    for batch in _locked(mentors, Mentor.objects.select_related("user").prefetch_related("skills")):
        MentorWords.objects.bulk_create(
            [MentorWords(mentor=each, text=words_of(each)) for each in batch],
            update_conflicts=True,
            unique_fields=["mentor"],
            update_fields=["text"],
        )


def _locked(mentors: MentorQuerySet, everybody: MentorQuerySet) -> Iterator[list[Mentor]]:
    """With what is loaded of `everybody`, some at a time, so that the last of two changes has seen the other."""
    pks = list(mentors.order_by("pk").values_list("pk", flat=True))
    for at in range(0, len(pks), BATCH):
        with transaction.atomic():
            rows = everybody.filter(pk__in=pks[at : at + BATCH])
            yield list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
