"""What a session type offers: its notice, its price, and what a student agrees to."""

from datetime import datetime, timedelta

from django.conf import settings

from bookings.conditions import Conditions
from bookings.pricing import Price, price_for
from mentors.models import SessionType

# A request needs time for an answer.
APPROVAL_NOTICE = timedelta(hours=4)


def lead_minutes(session_type: SessionType) -> int:
    """Notice that the type asks for on top of the mentor's own."""
    return int(APPROVAL_NOTICE.total_seconds() // 60) if session_type.requires_approval else 0


def price_of(session_type: SessionType, duration_minutes: int) -> Price:
    return price_for(
        rate_minor=session_type.price_minor,
        hourly=session_type.pricing == SessionType.Pricing.HOURLY,
        duration_minutes=duration_minutes,
        currency=session_type.currency,
        fee_basis_points=settings.PLATFORM_FEE_BASIS_POINTS,
        fee_minimums=settings.PLATFORM_FEE_MINIMUM,
    )


def fee_on(price_minor: int, currency: str) -> int:
    """What the platform adds to one session of that price."""
    return price_for(
        rate_minor=price_minor,
        hourly=False,
        duration_minutes=60,
        currency=currency,
        fee_basis_points=settings.PLATFORM_FEE_BASIS_POINTS,
        fee_minimums=settings.PLATFORM_FEE_MINIMUM,
    ).fee_minor


def conditions_of(session_type: SessionType, duration_minutes: int, starts_at: datetime) -> Conditions:
    """What a student agrees to who books that now. Needs the type's mentor loaded."""
    price = price_of(session_type, duration_minutes)
    return Conditions(
        type_slug=session_type.slug,
        type_name=session_type.name,
        minutes=duration_minutes,
        starts_at=starts_at,
        price_minor=price.price_minor,
        fee_minor=price.fee_minor,
        currency=price.currency,
        policy=session_type.mentor.cancellation_policy if price.amount_minor else "",
        requires_approval=session_type.requires_approval,
    )
