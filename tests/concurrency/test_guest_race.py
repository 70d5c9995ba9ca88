"""A code's button is pressed twice at the same moment: one account, one session, and both presses lead to it."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connections
from django.db.models.signals import pre_save
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bookings.models import Booking, TimeClaim
from mentors.models import Mentor
from tests.bookings.booker.test_wizard import confirm_url, shown
from tests.factories import SessionTypeFactory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def both_find_nobody():
    """Each of two that make an account waits, before it is written, until the other would write its own."""
    meeting = threading.Barrier(2)

    def wait(instance: User, **_):
        if instance._state.adding:
            meeting.wait(10)

    pre_save.connect(wait, sender=User)
    yield
    pre_save.disconnect(wait, sender=User)


def test_two_presses_of_one_code_make_one_account_and_one_session(mentor: Mentor, settings, request) -> None:
    reverse("landing")
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    session_type = SessionTypeFactory(mentor=mentor)
    client = Client()
    typed = {"shown": shown(session_type), "name": "Nia Kolade", "email": "nia@example.com"}
    page = client.post(confirm_url(session_type), typed)["Location"]
    code = re.search(r"^[A-Z]{4}-[A-Z]{4}$", str(mail.outbox[0].body), re.M)
    assert code
    purpose = client.get(page).context["entry"].purpose
    request.getfixturevalue("both_find_nobody")

    def press(_: int) -> HttpResponse:
        try:
            tab = Client()
            tab.cookies = client.cookies.copy()  # type: ignore[assignment]
            return tab.post(page, {"code": code[0], "purpose": purpose})  # type: ignore[return-value]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(press, range(2)))
    booking = Booking.objects.get()
    assert {each["Location"] for each in answers} == {f"/sessions/{booking.reference}/payment/"}
    assert User.objects.get(email="nia@example.com") == booking.student
    assert TimeClaim.objects.count() == 2
