from collections.abc import Iterator

import pytest

from bookings import signals
from mentors.models import Mentor, SessionType
from tests import factories

ANNOUNCED = ("requested", "held", "scheduled", "declined", "cancelled", "expired", "completed")


@pytest.fixture
def free(mentor: Mentor) -> SessionType:
    """Meera's mock interview: free, an hour, at once."""
    return factories.SessionTypeFactory(mentor=mentor, slug="mock-interview", price_minor=0)


@pytest.fixture
def paid(mentor: Mentor) -> SessionType:
    """Meera's career guidance: ₹1,000, an hour, at once."""
    return factories.SessionTypeFactory(mentor=mentor, slug="career-guidance")


@pytest.fixture
def announced() -> Iterator[list[str]]:
    """What sessions have announced so far, by name."""
    heard: list[str] = []
    receivers = {}
    for name in ANNOUNCED:

        def hear(name=name, **_):
            heard.append(name)

        receivers[name] = hear
        getattr(signals, f"booking_{name}").connect(hear)
    yield heard
    for name, hear in receivers.items():
        getattr(signals, f"booking_{name}").disconnect(hear)
