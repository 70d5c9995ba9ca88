"""Pages of mentors, with as few questions to the database as there can be."""

from typing import Any

from django.core.paginator import Page, Paginator

from lib.counting import CountOf
from mentors.models import Mentor, MentorQuerySet

FARTHEST = 10_000  # beyond it a number is odd, and might be more than a database's own


class MentorPaginator(Paginator[Mentor]):
    """A page and the count of all in one query; a page that is not there costs two more, and is the last one."""

    def __init__(self, mentors: MentorQuerySet, per_page: int) -> None:
        super().__init__(mentors, per_page)
        self.mentors = mentors

    def get_page(self, number: Any) -> Page[Mentor]:
        wanted = _whole(number)
        if not 1 <= wanted <= FARTHEST:
            return super().get_page(number)
        last = wanted * self.per_page
        total = CountOf(self.mentors.order_by().values("pk"))
        rows = list(self.mentors.annotate(total=total)[last - self.per_page : last])
        if not rows and wanted > 1:
            return super().get_page(number)
        self.count = rows[0].total if rows else 0  # type: ignore[attr-defined]  # annotated
        return Page(rows, wanted, self)


def _whole(number: Any) -> int:
    """What is no number is the first page."""
    try:
        return int(number)
    except (TypeError, ValueError):
        return 1
