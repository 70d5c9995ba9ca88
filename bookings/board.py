"""The board of the next open times on the front page, in order of time: each row leads into the wizard."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest

from accounts.requests import viewer_zone
from bookings.engine.offered import price_of
from bookings.models import NextOpening
from bookings.openings import MOST_COUNTED, open_by_field, upcoming_openings
from bookings.panels.mentors import opening_links
from lib.clock import format_date_of_year
from lib.money import format_money
from mentors.models import Field, Mentor, SessionType

ROWS = 7


class Row(NamedTuple):
    link: dict[str, str]
    mentor: Mentor
    session_type: SessionType
    price: str
    fee: str

    @property
    def is_range(self) -> bool:
        return len(self.session_type.durations) > 1


class Tab(NamedTuple):
    label: str
    open: str
    query: str
    is_chosen: bool


@dataclass(frozen=True)
class Board:
    """`days` are their names with their rows; `is_all` that nothing was chosen."""

    days: list[tuple[str, list[Row]]]
    within_days: int
    tabs: list[Tab]
    field: Field | None
    free_only: bool
    zone: ZoneInfo
    free_query: str

    @property
    def is_all(self) -> bool:
        return self.field is None and not self.free_only


def board(request: HttpRequest, now: datetime) -> Board:
    """Two queries. What the URL asks for by `field` and `free` is as if it were not there when it makes no sense."""
    zone = viewer_zone(request, ZoneInfo(settings.DEFAULT_TIME_ZONE))
    counted = open_by_field(now)
    field = next((each for each, _ in counted if each.slug == request.GET.get("field")), None)
    free_only = request.GET.get("free") == "on"
    found = upcoming_openings(now, limit=ROWS, field=field, free_only=free_only)
    everybody = "" if field else _counted(found.total)
    return Board(
        days=list(_by_day(found.openings, zone, now)),
        within_days=found.days,
        tabs=[
            Tab("All", everybody, _query("", free_only), field is None),
            *(
                Tab(
                    each.name,
                    "" if free_only else _counted(count),
                    _query(each.slug, free_only),
                    each == field,
                )
                for each, count in counted
            ),
        ],
        field=field,
        free_only=free_only,
        zone=zone,
        free_query=_query(field.slug if field else "", not free_only),
    )


def _by_day(openings: list[NextOpening], zone: ZoneInfo, now: datetime) -> Iterator[tuple[str, list[Row]]]:
    today = now.astimezone(zone).date()
    for day, of_day in groupby(openings, key=lambda each: each.starts_at.astimezone(zone).date()):
        yield _name(day, today), [_row(each, zone) for each in of_day]


def _row(opening: NextOpening, zone: ZoneInfo) -> Row:
    """Of a type of several lengths the price is the shortest one's."""
    session_type = opening.session_type
    price = price_of(session_type, min(session_type.durations))
    return Row(
        link=opening_links(opening.mentor, [opening], zone)[0],
        mentor=opening.mentor,
        session_type=session_type,
        price=format_money(price.price_minor, price.currency) if price.price_minor else "",
        fee=format_money(price.fee_minor, price.currency) if price.fee_minor else "",
    )


def _name(day: date, today: date) -> str:
    named = {today: "Today, ", today + timedelta(days=1): "Tomorrow, "}
    return named.get(day, "") + format_date_of_year(day)


def _counted(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def _query(field: str, free_only: bool) -> str:
    return urlencode(({"field": field} if field else {}) | ({"free": "on"} if free_only else {}))
