"""Finding mentors: what browsing can filter and sort by, and what a card shows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Value
from django.http import HttpRequest
from django.utils.safestring import SafeString

from lib.money import EXPONENTS, MOST_CHARGE, format_money, to_minor
from mentors import panels
from mentors.models import Facet, Field, Mentor, MentorQuerySet, SessionType, rating_score
from mentors.ports import open_when

Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class Facets:
    """What the listed mentors can be filtered by."""

    fields: Choices
    skills: Choices
    languages: Choices
    currencies: Choices


class Found(NamedTuple):
    """Mentors in no order, and the same in one: each of the lists after the one before."""

    mentors: MentorQuerySet
    lists: list[MentorQuerySet]


class CardFacts(NamedTuple):
    """What a card says of its mentor: plain values, by which its HTML is kept."""

    name: str
    url: str
    number: int
    initials: str
    photo_url: str
    headline: str
    has_free: bool
    price: str
    fee: str
    is_hourly: bool
    has_more: bool
    rating: Decimal | None
    review_count: int


@dataclass(frozen=True)
class Card:
    """`cheapest` is the lowest price in one currency, `has_more` that there are higher ones.

    Needs a mentor that came `for_cards`.
    """

    mentor: Mentor
    offers: list[SessionType]
    has_free: bool
    cheapest: SessionType | None
    has_more: bool
    times: SafeString

    @property
    def facts(self) -> CardFacts:
        mentor, cheapest = self.mentor, self.cheapest
        fee = cheapest.fee_minor if cheapest else 0
        return CardFacts(
            name=mentor.name,
            url=mentor.get_absolute_url(),
            number=mentor.number,
            initials=mentor.initials,
            photo_url=mentor.photo_url,
            headline=mentor.headline,
            has_free=self.has_free,
            price=format_money(cheapest.price_minor, cheapest.currency) if cheapest else "",
            fee=format_money(fee, cheapest.currency) if cheapest and fee else "",
            is_hourly=cheapest is not None and cheapest.pricing == SessionType.Pricing.HOURLY,
            has_more=self.has_more,
            rating=mentor.rating_mean,
            review_count=mentor.review_count,
        )


def facets() -> Facets:
    """As they are kept: one query."""
    found: dict[str, list[Facet]] = {kind: [] for kind in Facet.Kind.values}
    for facet in Facet.objects.all():
        found[facet.kind].append(facet)
    order = list(EXPONENTS)
    return Facets(
        fields=_choices(found["field"], lambda facet: (facet.position, facet.label)),
        skills=_choices(found["skill"], lambda facet: facet.label.casefold()),
        languages=_choices(found["language"], lambda facet: facet.label),
        currencies=_choices(found["currency"], lambda facet: order.index(facet.value)),
    )


def _choices(facets: Iterable[Facet], key: Callable[[Facet], Any]) -> Choices:
    return [(facet.value, facet.label) for facet in sorted(facets, key=key)]


def find(
    now: datetime,
    *,
    q: str = "",
    field: str = "",
    skill: str = "",
    language: str = "",
    rating: str = "",
    free: bool = False,
    max_price: Decimal | None = None,
    currency: str = "",
    when: str = "",
    zone: ZoneInfo,
    sort: str = "",
) -> Found:
    """The listed mentors. Prices are compared within `currency` only, and `when` is read by the clocks of that zone."""
    found = Mentor.objects.listed(now).select_related("user")
    if q:
        found = found.search(q)
    if field:
        found = found.in_field(Field.objects.filter(slug=field).values("pk")[:1])
    if when:
        found = found.filter(open_when(when, zone, now))
    if skill:
        found = found.filter(skills__slug=skill)
    if language:
        found = found.filter(languages__code=language)
    if rating:
        found = found.filter(rating_mean__gte=Decimal(rating))
    if free:
        found = found.with_free_sessions()
    if max_price is not None and currency:
        found = found.with_sessions_up_to(ceiling(max_price, currency), currency)
    if sort == "price":
        lists = found.cheapest_first(currency)
        return Found(found, lists[:1] if free else lists)
    if sort == "newest":
        return Found(found, [found.newest_first()])
    if sort == "sessions":
        return Found(found, [found.busiest_first()])
    return Found(found, [found.best_rated_first()])


def fields_with_counts() -> list[Field]:
    """The fields in which somebody is listed, in staff's order, with their kept figures: one query."""
    return list(Field.objects.filter(mentor_count__gt=0))


def mentors_of_fields(fields: Sequence[Field], now: datetime, each: int = 3) -> dict[int, list[Mentor]]:
    """The best rated of each field by its primary key, with their users: one query."""
    best = Mentor.objects.listed(now).best_rated_first()
    parts = [
        Mentor.objects.filter(pk__in=best.in_field(field.pk).values("pk")[:each])
        .select_related("user")
        .annotate(score=rating_score(), of_field=Value(field.pk, output_field=BigIntegerField()))
        for field in fields
    ]
    found: dict[int, list[Any]] = {field.pk: [] for field in fields}
    for mentor in parts[0].union(*parts[1:], all=True) if parts else ():
        found[mentor.of_field].append(mentor)  # type: ignore[attr-defined]  # annotated
    for mentors in found.values():
        mentors.sort(key=lambda mentor: (-mentor.score, -mentor.session_count, mentor.pk))
    return found


def ceiling(max_price: Decimal, currency: str) -> int:
    """Of a typed amount, in minor units; digits that the currency has not are dropped."""
    whole = max_price.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), rounding="ROUND_DOWN")
    return min(to_minor(whole, currency), MOST_CHARGE)


def cards(request: HttpRequest, mentors: Iterable[Mentor], currency: str = "") -> list[Card]:
    """Of mentors with their session types loaded. A price in `currency` is named first."""
    mentors = list(mentors)
    times = panels.mentors.render(request, mentors, "mentor_times")["mentor_times"]
    return [card(mentor, currency, times=times[mentor.pk]) for mentor in mentors]


def card(mentor: Mentor, currency: str = "", *, times: SafeString) -> Card:
    """Of a mentor with session types loaded. A price in `currency` is named first."""
    offers = [offer for offer in mentor.session_types.all() if offer.is_active]
    paid = [offer for offer in offers if not offer.is_free]
    wanted = [offer for offer in paid if offer.currency == currency]
    comparable = wanted or [offer for offer in paid if offer.currency == paid[0].currency]
    return Card(
        mentor=mentor,
        offers=offers,
        has_free=len(paid) < len(offers),
        cheapest=min(comparable, key=lambda offer: offer.price_minor, default=None),
        has_more=len(paid) > 1,
        times=times,
    )
