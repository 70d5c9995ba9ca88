"""Pages of mentors, with as few questions to the database as there can be, and as few rows."""

from typing import Any

from django.core.paginator import Page, Paginator

from lib.counting import CountOf
from mentors.browse import Found
from mentors.models import Mentor

# Who has looked through so many pages filters. More mentors than so many are "100+".
MOST_PAGES, MOST_COUNTED = 50, 100


class MentorPage(Page[Mentor]):
    def __init__(self, rows: list[Mentor], number: int, paginator: "MentorPaginator") -> None:
        """`rows` with one more than the page shows, if there is one."""
        super().__init__(rows[: paginator.per_page], number, paginator)
        self.is_last = len(rows) <= paginator.per_page or number >= MOST_PAGES

    def has_next(self) -> bool:
        return not self.is_last

    def next_page_number(self) -> int:
        return self.number + 1


class MentorPaginator(Paginator[Mentor]):
    """A page and a count that ends at a hundred in one query, or a few where one list ends and another begins; a page
    that is not there costs two more, and is the last.

    `count` is one more than `MOST_COUNTED` when there are more.
    """

    def __init__(self, found: Found, per_page: int) -> None:
        super().__init__(found.lists[0], per_page)
        self.mentors, self.lists = found

    @property
    def is_counted(self) -> bool:
        """Whether `count` and `num_pages` are all there is."""
        return self.count <= MOST_COUNTED

    @property
    def counted(self) -> str:
        """`count` in words."""
        return str(self.count) if self.is_counted else f"{MOST_COUNTED}+"

    def get_page(self, number: Any) -> MentorPage:
        wanted = _whole(number)
        page = self._page(wanted) if 1 <= wanted <= MOST_PAGES else None
        if page is None or (not page.object_list and wanted > 1):
            return self._page(self._last())
        return page

    def _page(self, number: int) -> MentorPage:
        total = CountOf(self.mentors.order_by().values("pk")[: MOST_COUNTED + 1])
        before, wanted = (number - 1) * self.per_page, self.per_page + 1
        rows: list[Mentor] = []
        for each in self.lists:
            found = list(each.for_cards().annotate(total=total)[before : before + wanted])
            rows += found
            wanted -= len(found)
            if not wanted:
                break
            # What of the page is before this list's end, or after it.
            before = 0 if found or not before else max(0, before - each.values("pk")[:before].count())
        self.count = rows[0].total if rows else 0  # type: ignore[attr-defined]  # annotated
        return MentorPage(rows, number, self)

    def _last(self) -> int:
        there = self.mentors.order_by().values("pk")[: MOST_PAGES * self.per_page].count()
        return max(1, -(-there // self.per_page))


def _whole(number: Any) -> int:
    """What is no number is the first page."""
    try:
        return int(number)
    except (TypeError, ValueError):
        return 1
