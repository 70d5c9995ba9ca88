"""The pages on which a session is moved, and the question is asked and answered."""

import re
from datetime import datetime
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from bookings.models import Booking, MoveRequest, Status
from bookings.services import ask_to_move
from lib.clock import to_param
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory, UserFactory

pytestmark = pytest.mark.django_db
WHY = "A release went wrong."


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def session() -> Booking:
    return BookingFactory(starts_at=at(9, 12), student__name="Arjun Kapoor")


@pytest.fixture
def student(client: Client, session: Booking) -> Client:
    client.force_login(session.student)
    return client


@pytest.fixture
def mentor(session: Booking) -> Client:
    client = Client()
    client.force_login(session.mentor.user)
    return client


def url(session: Booking) -> str:
    return f"/sessions/{session.reference}/reschedule/"


def press(client: Client, session: Booking, action: str, *starts: datetime, **fields: str):
    """As from the page that is shown now."""
    page = client.get(url(session)).content.decode()
    shown = re.search(r'name="shown" value="([^"]*)"', page)
    if shown is None and starts:
        page = client.get(url(session), {"start": to_param(starts[0])}).content.decode()
        shown = re.search(r'name="shown" value="([^"]*)"', page)
    data = {
        "action": action,
        "shown": shown[1] if shown else "",
        "start": [to_param(each) for each in starts],
    }
    return client.post(url(session), data | fields)


def text(response) -> str:
    return unescape(response.content.decode())


def mentor_asks(session: Booking, *times: datetime) -> MoveRequest:
    return ask_to_move(session.pk, actor=session.mentor.user, reason=WHY, times=times, now=timezone.now())


def test_student_picks_a_day_a_time_and_moves(student, session):
    assert "Reschedule" in text(student.get(session.get_absolute_url()))
    assert "You can move it until Tue 8 Dec, 12:00 pm, 3 times more" in text(student.get(url(session)))
    day = text(student.get(url(session), {"date": "2026-12-10"}))
    assert to_param(at(10, 15)) in day
    page = text(student.get(url(session), {"start": to_param(at(10, 15))}))
    assert "Thursday 10 December" in page
    assert "Move to Thu 10 Dec, 3:00 pm" in page
    answer = press(student, session, "move", at(10, 15))
    assert answer["Location"] == session.get_absolute_url()
    shown = text(student.get(session.get_absolute_url()))
    assert "Moved to Thu 10 Dec, 3:00 pm" in shown
    assert "from Wed 9 Dec, 12:00 pm" in shown


def test_a_time_that_was_just_taken_leads_back_to_those_that_are_open(student, session):
    BookingFactory(session_type=session.session_type, starts_at=at(10, 15))
    answer = press(student, session, "move", at(10, 15))
    assert answer.status_code == 409
    assert "That time was just taken" in text(answer)
    session.refresh_from_db()
    assert session.starts_at == at(9, 12)


def test_what_has_changed_since_is_shown_again(student, session):
    student.get(url(session))
    answer = student.post(url(session), {"action": "move", "start": to_param(at(10, 15)), "shown": "0:9"})
    assert answer.status_code == 409
    assert "has changed since you looked" in text(answer)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"action": "fly"},
        {"action": "move"},
        {"action": "move", "start": "soon"},
        {"action": "ask", "start": "☃"},
    ],
)
def test_odd_presses_change_nothing_and_show_the_page_again(student, mentor, session, data):
    for client in (student, mentor):
        answer = client.post(url(session), data)
        assert answer.status_code == 422
        assert "move this session" in text(answer).lower()
    session.refresh_from_db()
    assert (session.starts_at, MoveRequest.objects.count()) == (at(9, 12), 0)


def test_nobody_else_finds_the_page(client, session):
    assert client.get(url(session)).status_code == 302
    for person in (UserFactory(), UserFactory(is_staff=True, is_superuser=True)):
        client.force_login(person)
        assert client.get(url(session)).status_code == 404
        assert client.post(url(session), {"action": "move", "start": to_param(at(10, 15))}).status_code == 404
    assert client.delete(url(session)).status_code in (404, 405)


def test_student_asks_when_it_is_too_late_to_move(student, session, mentor, time_machine):
    time_machine.move_to(at(8, 15), tick=False)
    page = text(student.get(url(session), {"start": to_param(at(10, 15))}))
    assert "Request Reschedule" in page
    bare = press(student, session, "ask", at(10, 15), reason="")
    assert (bare.status_code, "Please say why" in text(bare)) == (422, True)
    assert press(student, session, "ask", at(10, 15), reason=WHY).status_code == 302
    assert "You asked to move" in text(student.get(session.get_absolute_url()))
    rows = text(mentor.get("/dashboard/sessions/"))
    assert "Arjun asks to move" in rows
    assert f'href="{url(session)}">Answer<' in rows
    assert "Take it back" in text(student.get(url(session)))
    assert WHY in text(mentor.get(url(session)))
    assert press(mentor, session, "move", at(10, 15)).status_code == 302
    session.refresh_from_db()
    assert (session.starts_at, session.moves) == (at(10, 15), 0)


def test_mentor_asks_with_times_to_choose_from(mentor, session, student):
    assert "Request Reschedule" in text(mentor.get(session.get_absolute_url()))
    page = text(mentor.get(url(session)))
    assert "Frequent rescheduling" not in page
    assert to_param(at(10, 15)) in page
    assert to_param(at(9, 12)) not in page
    assert to_param(at(15, 9)) not in page
    assert press(mentor, session, "ask", at(10, 15), at(11, 9), reason=WHY).status_code == 302
    assert MoveRequest.objects.get().times.count() == 2
    asked = text(student.get(url(session)))
    assert WHY in asked
    assert "Thursday 10 December" in asked
    assert "Keep the old time" in asked
    assert press(student, session, "move", at(10, 15)).status_code == 302
    session.refresh_from_db()
    assert (session.starts_at, session.moves) == (at(10, 15), 0)


@pytest.mark.parametrize(
    ("starts", "reason", "words"),
    [
        ([], " ", "Please say why"),
        ([at(10, hour) for hour in (9, 10, 11, 13)], WHY, "up to 3 times"),
        ([at(10, 20)], WHY, "not available at that time"),
    ],
)
def test_what_a_mentor_asks_is_refused_beside_what_they_typed(mentor, session, starts, reason, words):
    answer = press(mentor, session, "ask", *starts, reason=reason)
    assert answer.status_code == 422
    assert words in text(answer)
    assert reason.strip() in text(answer)


def test_later_days_are_shown_with_what_is_typed_and_checked(mentor, session):
    answer = press(mentor, session, "ask", at(10, 15), reason=WHY, more="20")
    assert answer.status_code == 200
    page = text(answer)
    assert WHY in page
    assert f'value="{to_param(at(10, 15))}" checked' in page
    assert to_param(at(15, 9)) in page
    assert not MoveRequest.objects.exists()


def test_second_request_warns(mentor, session):
    request = mentor_asks(session)
    assert "Take it back" in text(mentor.get(url(session)))
    press(mentor, session, "take_back")
    request.refresh_from_db()
    assert request.status == MoveRequest.Status.TAKEN_BACK
    assert "Frequent rescheduling lowers your profile’s reliability" in text(mentor.get(url(session)))


def test_no_button_after_three_requests(mentor, session):
    for _ in range(3):
        mentor_asks(session)
        press(mentor, session, "take_back")
    assert "Request Reschedule" not in text(mentor.get(session.get_absolute_url()))
    assert mentor.get(url(session)).status_code == 302


def test_student_keeps_the_old_time(student, session):
    mentor_asks(session, at(10, 15))
    assert press(student, session, "keep").status_code == 302
    assert MoveRequest.objects.get().status == MoveRequest.Status.KEPT
    assert "Kept at its time" in text(student.get(session.get_absolute_url()))


def test_a_session_that_is_over_leads_back(student, mentor, session):
    Booking.objects.update(status=Status.CANCELLED)
    for client in (student, mentor):
        assert client.get(url(session))["Location"] == session.get_absolute_url()
