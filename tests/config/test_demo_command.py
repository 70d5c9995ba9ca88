from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from bookings.models import Booking
from config.demo import builder
from config.demo.plans import load_mentors, load_sessions

pytestmark = pytest.mark.once

# The hours at which clocks go back in Europe and forward in New York.
NIGHTS = (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 3, 8, 6, 59, tzinfo=UTC))


@pytest.mark.parametrize("now", NIGHTS, ids=str)
def test_demo_fills_on_a_night_when_clocks_change(db: None, now: datetime) -> None:
    filled = builder.fill(now)
    assert filled is not None
    in_the_script = sum(len(mentor.reviews) + mentor.more_sessions for mentor in load_mentors())
    assert filled.sessions == len(load_sessions()) + in_the_script
    assert all(booking.status == booking.status_at(now) for booking in Booking.objects.all())


def test_demo_refuses_a_public_site(db: None, settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--force"):
        call_command("demo")
    assert not User.objects.exists()


def test_demo_leaves_paid_sessions_out_where_nobody_takes_money(db: None, settings: Any) -> None:
    settings.PAYMENT_GATEWAYS = []
    assert builder.fill(datetime(2026, 12, 2, 6, 30, tzinfo=UTC))
    assert (
        not Booking.objects.upcoming(datetime(2026, 12, 2, 6, 30, tzinfo=UTC))
        .filter(price_minor__gt=0)
        .exists()
    )
