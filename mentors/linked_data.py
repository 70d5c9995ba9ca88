"""A mentor and what they offer, for search engines."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from lib.money import EXPONENTS, to_major
from mentors.models import Mentor, SessionType


def of_mentor(mentor: Mentor, offers: Iterable[SessionType]) -> dict[str, Any]:
    """Needs the mentor's languages loaded. Reviews are told of by who keeps them, of the same `@id`."""
    url = f"{settings.SITE_URL}{mentor.get_absolute_url()}"
    person: dict[str, Any] = {
        "@type": "Person",
        "@id": f"{url}#mentor",
        "name": mentor.name,
        "description": mentor.headline,
        "url": url,
        "knowsLanguage": [language.code for language in mentor.languages.all()],
    }
    if mentor.photo_url:
        person["image"] = f"{settings.SITE_URL}{mentor.photo_url}"
    service: dict[str, Any] = {
        "@type": "Service",
        "@id": f"{url}#sessions",
        "name": f"One-to-one sessions with {mentor.name}",
        "serviceType": "Mentoring",
        "provider": {"@id": person["@id"]},
        "url": url,
        "offers": [_offer(each, url) for each in offers],
    }
    if mentor.review_count:
        service["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": str(mentor.rating_mean),
            "reviewCount": mentor.review_count,
        }
    return {"@graph": [{"@type": "ProfilePage", "mainEntity": {"@id": person["@id"]}}, person, service]}


def _offer(offer: SessionType, url: str) -> dict[str, Any]:
    """The price is the mentor's, as the page has it; a currency without known units has none here."""
    found: dict[str, Any] = {"@type": "Offer", "name": offer.name, "url": f"{url}book/?type={offer.slug}"}
    if offer.is_free or offer.currency in EXPONENTS:
        found["priceSpecification"] = {
            "@type": "UnitPriceSpecification" if offer.pricing == "hourly" else "PriceSpecification",
            "price": str(to_major(offer.price_minor, offer.currency)),
            "priceCurrency": offer.currency,
        } | ({"unitCode": "HUR"} if offer.pricing == "hourly" else {})
    return found
