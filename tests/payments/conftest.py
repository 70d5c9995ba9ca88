from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from bookings.models import Booking
from bookings.services import book
from payments import services
from payments.gateways.mock import Outcome, simulate
from payments.models import Payment
from payments.reports.audit import audit
from tests.factories import NOW, SessionTypeFactory
from tests.payments.factories import STARTS_AT, URLS
from tests.payments.steps import settle


@pytest.fixture
def booking(mentor, student) -> Booking:
    """₹1,000 and ₹50 fee, Wednesday 9 December 11:00 am in Kolkata, held for 15 minutes from now."""
    return book(
        student=student,
        session_type=SessionTypeFactory(mentor=mentor, slug="career-guidance"),
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=NOW,
    )


@pytest.fixture
def payment(request: pytest.FixtureRequest, booking: Booking) -> Payment:
    """Its checkout is open: at the `harness` of a test that has one, else at the mock provider."""
    if "harness" in request.fixturenames:
        opened: Payment = request.getfixturevalue("harness").open(booking)
        return opened
    request.getfixturevalue("provider")
    return services.open_checkout(booking.pk, "mock", now=NOW, urls=URLS)


@pytest.fixture
def paid(request: pytest.FixtureRequest, payment: Payment) -> Payment:
    """Paid at the provider; we have not heard of it."""
    if "harness" in request.fixturenames:
        request.getfixturevalue("harness").pay(payment.provider_ref)
    else:
        simulate(payment.provider_ref, Outcome.SUCCESS)
    return payment


@pytest.fixture
def another(booking, paid, stranger) -> Payment:
    """Begun and paid after `paid`, for somebody else's session of the same type."""
    theirs = book(
        student=stranger,
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=booking.starts_at + timedelta(days=1),
        now=NOW,
    )
    payment = services.open_checkout(theirs.pk, "mock", now=NOW, urls=URLS)
    simulate(payment.provider_ref, Outcome.SUCCESS)
    return payment


@pytest.fixture
def settled(paid: Payment) -> Payment:
    """Paid, and the session confirmed."""
    return settle(paid)


@pytest.fixture
def at_the_bank(harness, payment) -> Payment:
    """Paid in a way of which the bank has not decided yet; we have heard of it."""
    harness.pay_slowly(payment.provider_ref)
    return settle(payment)


@pytest.fixture
def mismatched(harness, payment) -> Payment:
    """₹900 came in for an order of ₹1,050; we have heard of it."""
    harness.pay(payment.provider_ref)
    harness.falsify(payment.provider_ref, minor=90_000, currency="INR")
    return settle(payment)


@pytest.fixture
def the_money_adds_up(db: None) -> Iterator[None]:
    """When the test is over, every unit is somewhere."""
    yield
    found = audit()
    assert found.problems == []
    assert all(total.is_balanced for total in found.totals.values())


# People


@pytest.fixture
def signed_in(client: Client, student: User) -> Client:
    """The student's browser."""
    client.force_login(student)
    return client


@pytest.fixture
def read(client, student):
    """A page as the student ends up reading it."""
    client.force_login(student)
    return lambda path: " ".join(client.get(path, follow=True).content.decode().split())


@pytest.fixture
def travel_to() -> Iterator[Callable[[datetime], object]]:
    """Move the clock of this test to an instant."""
    with ExitStack() as stack:
        yield lambda at: stack.enter_context(time_machine.travel(at))
