"""A person's sessions as a list: tabs with counts, and of the chosen one a page of rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from accounts.models import User
from accounts.requests import current_user
from bookings.models import Booking, BookingQuerySet
from bookings.sessions import SessionView, session_views
from lib.counting import CountOf

PAGE_SIZE = 20
MOST_COUNTED = 99  # of a tab that is not open; beyond it the number says nothing more
SHOWS = {"upcoming": "Upcoming", "past": "Past", "cancelled": "Cancelled", "all": "All"}
EMPTY = {
    "upcoming": "No session ahead",
    "past": "No session behind you yet",
    "cancelled": "Nothing was cancelled",
    "all": "No sessions yet",
}
A_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Tab:
    show: str
    label: str
    count: str
    is_current: bool


@dataclass(frozen=True)
class Group:
    """Rows under a heading, or under none."""

    title: str
    sessions: list[SessionView]


@dataclass(frozen=True)
class SessionList:
    """`next` stands out as a ticket and `held` as bars; neither is among the rows of `groups`."""

    show: str
    tabs: list[Tab]
    page: Page[Booking]
    groups: list[Group]
    next: SessionView | None = None
    held: list[SessionView] = field(default_factory=list)

    @property
    def query(self) -> str:
        return f"show={self.show}"

    @property
    def empty_title(self) -> str:
        return EMPTY[self.show]


def list_sessions(
    request: HttpRequest, bookings: BookingQuerySet, now: datetime, *, stands_out: bool
) -> SessionList:
    """What the address asks for (`show`, `page`) of these sessions: two queries, and what their panels cost.

    `stands_out` says that the next one and what is held lead the list; else all are rows.
    """
    show = request.GET.get("show", "upcoming")
    show = show if show in SHOWS else "upcoming"
    rows = {each: _shown(bookings, each, now) for each in SHOWS}
    counts = _count(rows, current_user(request), exactly=show)
    order = ("starts_at" if show == "upcoming" else "-starts_at", "pk")
    paginator = Paginator(rows[show].with_people().order_by(*order), PAGE_SIZE)
    paginator.count = counts[show]
    page = paginator.get_page(request.GET.get("page"))
    sessions = session_views(request, list(page), now)
    tabs = [Tab(each, SHOWS[each], _counted(counts[each], each == show), each == show) for each in SHOWS]
    if show != "upcoming":
        return SessionList(show, tabs, page, [Group("", sessions)] if sessions else [])
    following, held, rest = stand_out(sessions) if stands_out and page.number == 1 else (None, [], sessions)
    return SessionList(show, tabs, page, _by_nearness(rest), following, held)


def _shown(bookings: BookingQuerySet, show: str, now: datetime) -> BookingQuerySet:
    shown = {"upcoming": bookings.upcoming, "past": bookings.past, "cancelled": bookings.cancelled}
    return shown[show](now) if show in shown else bookings


def _count(rows: dict[str, BookingQuerySet], reader: User, *, exactly: str) -> dict[str, int]:
    """All tabs in one query: the open one, whose pages are counted, to the end, and the others as far as is said."""
    parts = {
        show: CountOf(each.order_by().values("pk")[: None if show == exactly else MOST_COUNTED + 1])
        for show, each in rows.items()
    }
    found = User.objects.filter(pk=reader.pk).values_list(*parts.values()).get()
    return dict(zip(parts, found, strict=True))


def _counted(count: int, is_exact: bool) -> str:
    return f"{count:,}" if is_exact or count <= MOST_COUNTED else f"{MOST_COUNTED}+"


def stand_out(
    sessions: list[SessionView],
) -> tuple[SessionView | None, list[SessionView], list[SessionView]]:
    """Of sessions ahead, in order: the next one, what is held, and the rest.

    The next is the first that is agreed; while nothing is, what waits first.
    """
    following = next((each for each in sessions if each.can_join), next(iter(sessions), None))
    others = [each for each in sessions if each is not following]
    return following, [each for each in others if each.can_pay], [each for each in others if not each.can_pay]


def _by_nearness(sessions: Iterable[SessionView]) -> list[Group]:
    return [Group(title, list(group)) for title, group in groupby(sessions, _nearness)]


def _nearness(session: SessionView) -> str:
    today = session.now.astimezone(session.zone).date()
    day = session.local_start.date()
    if day <= today:
        return "Today"
    return "In the next 7 days" if day <= today + A_WEEK else "Later"
