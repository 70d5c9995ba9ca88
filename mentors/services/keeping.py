"""What follows from a change of a mentor, in the change's own transaction."""

from django.db import transaction

from mentors.models import Mentor, MentorQuerySet, MentorWords, words_of
from mentors.signals import mentor_changed

BATCH = 500


def keep(mentor: Mentor) -> None:
    """Call it last, when what is offered, or when, or by whom, has been written. Safe to repeat."""
    mentor_changed.send(Mentor, mentor=mentor)


def keep_words(mentors: MentorQuerySet) -> None:
    """What searching looks through, after a name, a headline, a bio or a skill has been written. Safe to repeat.

    Locks the mentors, so that the last of two changes has seen the other.
    """
    pks = list(mentors.order_by("pk").values_list("pk", flat=True))
    for at in range(0, len(pks), BATCH):
        with transaction.atomic():
            rows = Mentor.objects.filter(pk__in=pks[at : at + BATCH]).order_by("pk")
            locked = rows.select_related("user").select_for_update(of=("self",), no_key=True)
            MentorWords.objects.bulk_create(
                [MentorWords(mentor=each, text=words_of(each)) for each in locked.prefetch_related("skills")],
                update_conflicts=True,
                unique_fields=["mentor"],
                update_fields=["text"],
            )
