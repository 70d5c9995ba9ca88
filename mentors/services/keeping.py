"""What follows from a change of a mentor, in the change's own transaction."""

from mentors.models import Mentor
from mentors.signals import mentor_changed


def keep(mentor: Mentor) -> None:
    """Call it last, when what is offered, or when, or by whom, has been written. Safe to repeat."""
    mentor_changed.send(Mentor, mentor=mentor)
