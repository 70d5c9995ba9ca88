from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import create_person
from tests.accounts.traces import EMAIL, NAME, PHONE, leave_traces


@pytest.fixture(autouse=True)
def _no_limits_left_over() -> Iterator[None]:
    """Limits are counted in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def production(settings: Settings) -> None:
    """Addresses must be confirmed, by a code, as when DEBUG is off."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


@pytest.fixture
def ann(db: None) -> User:
    return create_person(
        email=EMAIL, password="office-hours", name=NAME, phone=PHONE, time_zone="Europe/Lisbon"
    )


@pytest.fixture
def rich(ann: User, staff: User, student: User) -> User:
    """Ann, who has left a trace in every table."""
    leave_traces(ann, staff=staff, student=student)
    return ann
