"""How long a time is kept for a student who pays."""

from datetime import timedelta

import pytest

from bookings.models import Booking, BookingEvent, Status
from bookings.services import extend_hold, release_hold
from tests.factories import NOW, BookingFactory

pytestmark = pytest.mark.django_db
HELD_UNTIL = NOW + timedelta(minutes=15)


@pytest.fixture
def booking() -> Booking:
    return BookingFactory(status=Status.AWAITING_PAYMENT, session_type__price_minor=100_000)


def extend(booking, *, until, now=NOW) -> Booking:
    extend_hold(booking.pk, until=until, now=now)
    booking.refresh_from_db()
    return booking


def test_hold_lasts_longer_with_its_claims(booking):
    until = NOW + timedelta(minutes=33)
    assert extend(booking, until=until).hold_expires_at == until
    assert set(booking.claims.values_list("expires_at", flat=True)) == {until}


def test_hold_never_gets_shorter_by_extending(booking):
    assert extend(booking, until=NOW + timedelta(minutes=5)).hold_expires_at == HELD_UNTIL


def test_hold_never_reaches_into_the_session(booking):
    assert extend(booking, until=NOW + timedelta(days=30)).hold_expires_at == booking.starts_at


def test_lapsed_hold_is_not_revived(booking):
    assert extend(booking, until=NOW + timedelta(days=1), now=HELD_UNTIL).hold_expires_at == HELD_UNTIL


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AWAITING_PAYMENT}))
def test_what_is_no_hold_is_not_extended(booking, status):
    Booking.objects.filter(pk=booking.pk).update(status=status, respond_by=HELD_UNTIL)
    assert extend(booking, until=NOW + timedelta(days=1)).hold_expires_at == HELD_UNTIL


def test_released_hold_ends_at_once(booking):
    assert release_hold(booking.pk, now=NOW)
    assert not release_hold(booking.pk, now=NOW)
    booking.refresh_from_db()
    assert (booking.status, booking.claims.count()) == (Status.EXPIRED, 0)
    assert booking.events.filter(kind=BookingEvent.Kind.EXPIRED).count() == 1


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AWAITING_PAYMENT}))
def test_what_is_no_hold_is_not_released(booking, status):
    Booking.objects.filter(pk=booking.pk).update(status=status, respond_by=HELD_UNTIL)
    assert not release_hold(booking.pk, now=NOW)
    booking.refresh_from_db()
    assert booking.status == status
