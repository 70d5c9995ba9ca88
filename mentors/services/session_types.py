"""What a mentor offers, and for how much. Sessions that are booked keep the price they were booked at."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from mentors.models import Mentor, SessionType
from mentors.services.keeping import keep
from mentors.slugs import free_slug

# `session-types/new/` is the page that makes one.
RESERVED = {"new"}


@transaction.atomic
def create_session_type(
    *,
    mentor: Mentor,
    name: str,
    description: str,
    pricing: str,
    price_minor: int,
    currency: str,
    durations: Sequence[int],
    requires_approval: bool,
) -> SessionType:
    """Active, and last in the mentor's list. The slug is made from the name and never changes."""
    Mentor.objects.select_for_update(no_key=True).get(pk=mentor.pk)
    last = mentor.session_types.aggregate(last=Max("position"))["last"]
    session_type = SessionType.objects.create(
        mentor=mentor,
        slug=free_slug(name, otherwise="session", among=mentor.session_types.all(), reserved=RESERVED),
        name=name,
        description=description,
        pricing=pricing,
        price_minor=price_minor,
        currency=currency,
        durations=sorted(durations),
        requires_approval=requires_approval,
        position=0 if last is None else last + 1,
    )
    keep(mentor)
    return session_type


@transaction.atomic
def update_session_type(
    *,
    session_type: SessionType,
    name: str,
    description: str,
    pricing: str,
    price_minor: int,
    currency: str,
    durations: Sequence[int],
    requires_approval: bool,
) -> None:
    _lock(session_type)
    session_type.name = name
    session_type.description = description
    session_type.pricing = pricing
    session_type.price_minor = price_minor
    session_type.currency = currency
    session_type.durations = sorted(durations)
    session_type.requires_approval = requires_approval
    session_type.save(
        update_fields=[
            *("name", "description", "pricing", "price_minor", "currency", "durations", "requires_approval"),
        ]
    )
    keep(session_type.mentor)


@transaction.atomic
def move_session_type(*, session_type: SessionType, places: int) -> None:
    """That many places down the mentor's list, up when negative; no further than its ends."""
    mentor = _lock(session_type)
    order = list(mentor.session_types.all())
    at = order.index(session_type)
    order.insert(max(0, at + places), order.pop(at))
    for position, each in enumerate(order):
        each.position = position
    SessionType.objects.bulk_update(order, ["position"])


@transaction.atomic
def switch_session_type(*, session_type: SessionType, is_active: bool) -> None:
    _lock(session_type)
    session_type.is_active = is_active
    session_type.save(update_fields=["is_active"])
    keep(session_type.mentor)


def _lock(session_type: SessionType) -> Mentor:
    return Mentor.objects.select_for_update(no_key=True).get(pk=session_type.mentor_id)
