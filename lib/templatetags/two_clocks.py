from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone

from lib import two_clocks as figure
from lib.clock import format_city, format_range

register = template.Library()


@register.inclusion_tag("components/two_clocks.html")
def two_clocks(
    starts_at: datetime,
    ends_at: datetime,
    mine: ZoneInfo | None,
    theirs: ZoneInfo,
    name: str,
    *,
    below_time: bool = False,
) -> dict[str, Any]:
    """A session on the reader's clock and on the other person's, in words and drawn; one line where they agree.

    `mine` is None while the reader's zone is unknown. `name` is the other person's. `below_time`: the reader's
    own time stands right above, large, and isn't said again.
    """
    if mine is None or not figure.differ(mine, theirs, starts_at, timezone.now()):
        return {"city": format_city(mine or theirs), "name": name, "is_mine": mine is not None}
    return {
        "city": format_city(mine),
        "their_city": format_city(theirs),
        "name": name,
        "my_hours": "" if below_time else format_range(starts_at, ends_at, mine),
        "their_hours": format_range(starts_at, ends_at, theirs),
        "their_date": {1: "the next day", -1: "the day before"}.get(
            (starts_at.astimezone(theirs).date() - starts_at.astimezone(mine).date()).days, ""
        ),
        "is_night": figure.is_night(starts_at, ends_at, theirs),
        "figure": figure.draw(starts_at, ends_at, mine, theirs),
    }
