"""The front page: what is open soon, the fields, one review, and what cancelling costs."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import viewer
from bookings.board import board
from bookings.engine.offered import fee_on
from bookings.models import Review
from bookings.own_home import own_home
from bookings.policy import percent_back
from lib.money import format_money
from mentors import browse
from mentors.models import Mentor

BEFORE = {f"{hours} hours before": timedelta(hours=hours) for hours in (72, 48, 24)} | {"Later": timedelta(0)}
SHARES = {100: "All back", 50: "Half back", 0: "Nothing"}
# A review that is quoted says something, and is read at a glance.
QUOTED_SIGNS = (60, 260)
EXAMPLE_MINOR, EXAMPLE_CURRENCY = 100_000, "INR"


class FieldRow(NamedTuple):
    """A field as visitors look for it: some faces, how many there are, and from what price."""

    name: str
    slug: str
    mentors: list[Mentor]
    mentor_count: int
    price: str


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Five queries, however many mentors there are. Who has sessions meets their own first, and the board below."""
    now, person = timezone.now(), viewer(request)
    if person and (own := own_home(request, person, now)):
        return render(request, "bookings/own_home.html", {"own": own, "board": board(request, now)})
    fields = browse.fields_with_counts()
    faces = browse.mentors_of_fields(fields, now)
    rows = [
        FieldRow(
            each.name,
            each.slug,
            faces[each.pk],
            each.mentor_count,
            _from(each.price_minor, each.currency, each.has_free),
        )
        for each in fields
    ]
    context = {
        "board": board(request, now),
        "fields": rows,
        "review": _quoted([mentor for row in rows for mentor in row.mentors]),
        "columns": list(BEFORE),
        "policies": [_policy(each) for each in Mentor.Policy],
        "example": _example(),
    }
    return render(request, "bookings/home.html", context)


def _from(price_minor: int | None, currency: str, has_free: bool) -> str:
    """What the field costs at least, the fee with it."""
    if has_free:
        return "Free"
    return format_money(price_minor + fee_on(price_minor, currency), currency) if price_minor else ""


def _quoted(mentors: list[Mentor]) -> Review | None:
    """The latest of the best reviews of the one who has most of them: one query, of one mentor's sessions."""
    if not any(mentor.review_count for mentor in mentors):
        return None
    mentor = max(mentors, key=lambda each: each.review_count)
    best = Review.objects.shown().filter(booking__mentor=mentor, rating=5)
    review = (
        best.annotate(signs=Length("words"))
        .filter(signs__gte=QUOTED_SIGNS[0], signs__lte=QUOTED_SIGNS[1])
        .select_related("booking__student")
        .first()
    )
    if review:
        review.booking.mentor = mentor
    return review


def _policy(policy: Mentor.Policy) -> dict[str, Any]:
    shares = [(column, SHARES[percent_back(policy, before)]) for column, before in BEFORE.items()]
    return {"name": policy.label, "shares": shares}


def _example() -> dict[str, str]:
    """What the student pays, the fee on top, and what the mentor gets."""
    fee = fee_on(EXAMPLE_MINOR, EXAMPLE_CURRENCY)
    amounts = {"paid": EXAMPLE_MINOR + fee, "fee": fee, "got": EXAMPLE_MINOR}
    return {name: format_money(minor, EXAMPLE_CURRENCY) for name, minor in amounts.items()}
