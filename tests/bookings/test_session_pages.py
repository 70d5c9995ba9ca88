"""My Sessions, the session's own page and what can be done there, each as everybody who may try."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from bookings.models import Booking, BookingEvent, Status, TimeClaim
from bookings.services import rebuild_openings, record_review
from mentors.models import Mentor
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory
from tests.test_clocks import Words

pytestmark = pytest.mark.once

SESSION_PAGES = ["", "confirmation/", "cancellation/", "join/", "invite.ics"]
ACTIONS = ["cancellation/", "join/", "accept/", "decline/"]


@pytest.fixture
def booking(mentor: Mentor, student: User) -> Booking:
    """Free and scheduled, a week ahead."""
    return BookingFactory(session_type=SessionTypeFactory(mentor=mentor, price_minor=0), student=student)


@pytest.fixture
def request_(mentor: Mentor, student: User) -> Booking:
    kind = SessionTypeFactory(mentor=mentor, price_minor=0, requires_approval=True)
    return BookingFactory(
        session_type=kind,
        student=student,
        status=Status.REQUESTED,
        requires_approval=True,
        starts_at=NOW + timedelta(days=8),
    )


def at(booking: Booking, page: str = "") -> str:
    return f"/sessions/{booking.reference}/{page}"


def cancel(client: Client, booking: Booking, reason: str = "") -> HttpResponse:
    """Of a session that costs nothing to cancel, on a page that says so."""
    data = {"quoted": f"{booking.status}:0:0", "reason": reason}
    return client.post(at(booking, "cancellation/"), data)  # type: ignore[return-value]


@pytest.mark.parametrize("page", SESSION_PAGES)
def test_session_pages_open_for_their_student(client: Client, booking: Booking, page: str) -> None:
    client.force_login(booking.student)
    assert client.get(at(booking, page)).status_code == 200


@pytest.mark.parametrize("page", SESSION_PAGES)
def test_session_pages_do_not_exist_for_a_stranger(
    client: Client, booking: Booking, stranger: User, page: str
) -> None:
    client.force_login(stranger)
    assert client.get(at(booking, page)).status_code == 404


@pytest.mark.parametrize("page", SESSION_PAGES)
def test_session_pages_lead_the_signed_out_to_sign_in(client: Client, booking: Booking, page: str) -> None:
    assert client.get(at(booking, page))["Location"].startswith("/accounts/login/?next=/sessions/")


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_change_nothing_for_strangers_and_the_signed_out(
    client: Client, booking: Booking, request_: Booking, stranger: User, action: str
) -> None:
    before = BookingEvent.objects.count(), set(Booking.objects.values_list("pk", "status"))
    for target in (booking, request_):
        assert client.post(at(target, action)).status_code == 302
    client.force_login(stranger)
    for target in (booking, request_):
        assert client.post(at(target, action)).status_code == 404
    assert (BookingEvent.objects.count(), set(Booking.objects.values_list("pk", "status"))) == before


@pytest.mark.parametrize("page", ["", "confirmation/", "invite.ics", "accept/", "decline/"])
def test_the_wrong_method_is_refused(client: Client, booking: Booking, page: str) -> None:
    client.force_login(booking.mentor.user)
    wrong = client.get if page in ("accept/", "decline/") else client.post
    assert wrong(at(booking, page)).status_code == 405


def test_a_made_up_reference_is_not_found(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.get("/sessions/SESSION-0000000000/").status_code == 404


def test_both_clocks_are_shown_to_both(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    page = str(Words(client.get(at(booking)).content.decode()))
    assert "7:30 am to 8:30 am for you in Berlin" in page
    assert "12:00 pm to 1:00 pm for Meera in Kolkata" in page
    client.force_login(booking.mentor.user)
    page = str(Words(client.get(at(booking)).content.decode()))
    assert "12:00 pm to 1:00 pm for you in Kolkata" in page
    assert "7:30 am to 8:30 am for Arjun in Berlin" in page


def test_what_a_student_typed_is_escaped(client: Client, booking: Booking) -> None:
    Booking.objects.update(topic="<script>alert(1)</script>", notes="<img src=x onerror=alert(1)>")
    client.force_login(booking.mentor.user)
    page = client.get(at(booking)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_the_student_cancels_a_free_session(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    answer = cancel(client, booking, "I am ill")
    booking.refresh_from_db()
    assert answer["Location"] == at(booking)
    assert booking.status == Status.CANCELLED
    assert not TimeClaim.objects.exists()
    assert booking.events.get().note == "I am ill"


@pytest.mark.parametrize("quoted", [{}, {"quoted": ""}, {"quoted": "awaiting_payment:0:0"}, {"quoted": "☃"}])
def test_cancelling_without_what_was_shown_is_refused_as_stale(
    client: Client, booking: Booking, quoted: dict[str, str]
) -> None:
    client.force_login(booking.student)
    answer = client.post(at(booking, "cancellation/"), {"reason": "I am ill"} | quoted)
    booking.refresh_from_db()
    assert (answer.status_code, booking.status) == (409, Status.SCHEDULED)
    assert "has changed since you looked" in answer.content.decode()
    assert "I am ill" in answer.content.decode()


def test_cancelling_twice_is_quiet(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    cancel(client, booking)
    assert cancel(client, booking)["Location"] == at(booking)
    assert BookingEvent.objects.count() == 1


def test_a_mentor_cancels_a_free_session_with_a_word(client: Client, booking: Booking) -> None:
    client.force_login(booking.mentor.user)
    cancel(client, booking)
    booking.refresh_from_db()
    assert booking.status == Status.SCHEDULED
    cancel(client, booking, "A family matter, I am sorry.")
    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED


def test_a_paid_session_offers_no_cancelling_to_its_mentor(client: Client, mentor: Mentor) -> None:
    paid = BookingFactory(session_type=SessionTypeFactory(mentor=mentor))
    client.force_login(mentor.user)
    for page in (at(paid), "/dashboard/sessions/"):
        assert "Cancel Session" not in client.get(page).content.decode()
    cancel(client, paid, "x")
    paid.refresh_from_db()
    assert paid.status == Status.SCHEDULED


def test_a_reason_too_long_is_said_and_kept(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    answer = cancel(client, booking, "x" * 501)
    assert answer.status_code == 422
    assert "x" * 501 in answer.content.decode()


def test_only_its_mentor_answers_a_request(client: Client, request_: Booking) -> None:
    client.force_login(request_.student)
    assert client.post(at(request_, "accept/")).status_code == 404
    client.force_login(request_.mentor.user)
    assert client.post(at(request_, "accept/")).status_code == 302
    request_.refresh_from_db()
    assert request_.status == Status.SCHEDULED


def test_a_suspended_mentor_is_offered_no_accepting(client: Client, request_: Booking) -> None:
    client.force_login(request_.mentor.user)
    pages = (request_.get_absolute_url(), "/dashboard/", "/dashboard/sessions/")
    assert [at(request_, "accept/") in client.get(page).text for page in pages] == [True] * 3
    Mentor.objects.update(status="suspended")
    assert [at(request_, "accept/") in client.get(page).text for page in pages] == [False] * 3
    assert [at(request_, "decline/") in client.get(page).text for page in pages] == [True] * 3
    assert "can&#x27;t accept requests" in client.post(at(request_, "accept/"), follow=True).text
    request_.refresh_from_db()
    assert request_.status == Status.REQUESTED


def test_a_rejected_applicant_sees_no_sessions_of_a_mentor(client: Client, booking: Booking) -> None:
    client.force_login(booking.mentor.user)
    assert client.get("/dashboard/sessions/").status_code == 200
    Mentor.objects.update(status="rejected")
    assert client.get("/dashboard/sessions/").status_code == 404


def test_declining_frees_the_time(client: Client, request_: Booking) -> None:
    client.force_login(request_.mentor.user)
    client.post(at(request_, "decline/"))
    request_.refresh_from_db()
    assert request_.status == Status.DECLINED
    assert not TimeClaim.objects.exists()


def test_answering_too_late_changes_nothing(client: Client, request_: Booking) -> None:
    client.force_login(request_.mentor.user)
    Booking.objects.update(respond_by=NOW - timedelta(minutes=1))
    page = client.post(at(request_, "accept/"), follow=True).content.decode()
    assert "no longer open" in page
    request_.refresh_from_db()
    assert request_.status == Status.REQUESTED


def test_the_confirmation_of_an_unpaid_session_leads_to_payment(
    client: Client, mentor: Mentor, student: User
) -> None:
    held = BookingFactory(
        session_type=SessionTypeFactory(mentor=mentor), student=student, status=Status.AWAITING_PAYMENT
    )
    client.force_login(student)
    assert client.get(at(held, "confirmation/"))["Location"] == at(held, "payment/")


def test_the_confirmation_is_its_students_alone(client: Client, booking: Booking) -> None:
    client.force_login(booking.mentor.user)
    assert client.get(at(booking, "confirmation/")).status_code == 404


def test_the_confirmation_has_every_fact_and_the_ways_on(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    page = client.get(at(booking, "confirmation/")).content.decode()
    for words in (
        booking.reference,
        "Meera Rao",
        "Add to Calendar",
        "Browse More Mentors",
        "View My Sessions",
        "Reschedule",
        "1 hour",
    ):
        assert words in page


def test_add_to_calendar_is_a_calendar_file(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    answer = client.get(at(booking, "invite.ics"))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"DTSTART:20261209T063000Z" in answer.content


def test_staff_look_at_an_open_room_and_never_arrive(client: Client, booking: Booking, staff: User) -> None:
    client.force_login(staff)
    with time_machine.travel(booking.starts_at - timedelta(minutes=10)):
        assert "Join Session" not in client.get(at(booking, "join/")).content.decode()
        answer = client.post(at(booking, "join/"))
    assert answer["Location"] == at(booking)
    assert "Only the student and the mentor" in client.get(answer["Location"]).content.decode()
    assert not booking.events.filter(kind=BookingEvent.Kind.JOINED).exists()


def test_join_counts_down_then_opens_and_records_who_came(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    assert "data-countdown" in client.get(at(booking, "join/")).content.decode()
    assert client.post(at(booking, "join/")).status_code == 409
    assert not booking.events.exists()
    with time_machine.travel(booking.starts_at - timedelta(minutes=14)):
        client.force_login(booking.student)
        assert "Join Session" in client.get(at(booking, "join/")).content.decode()
        answers = [client.post(at(booking, "join/")) for _ in range(2)]
    assert answers[0]["Location"] == booking.meeting_url
    assert answers[1]["Location"] == booking.meeting_url
    assert booking.events.get().actor == booking.student


def test_the_meeting_address_is_on_no_page(client: Client, booking: Booking) -> None:
    client.force_login(booking.student)
    for page in SESSION_PAGES:
        assert booking.room.encode() not in client.get(at(booking, page)).content


@pytest.fixture
def one_of_each(mentor: Mentor, student: User) -> dict[str, Booking]:
    kind = SessionTypeFactory(mentor=mentor, price_minor=0)
    return {
        status: BookingFactory(
            session_type=kind,
            student=student,
            status=status,
            type_name=f"It is {status}",
            starts_at=NOW + timedelta(days=day if status not in (Status.COMPLETED, Status.NO_SHOW) else -day),
        )
        for day, status in enumerate(Status, start=1)
    }


@pytest.mark.parametrize(
    ("show", "statuses"),
    [
        ("upcoming", {"requested", "awaiting_payment", "scheduled"}),
        ("past", {"completed", "no_show"}),
        ("cancelled", {"declined", "expired", "cancelled"}),
        ("all", set(Status)),
        ("nonsense", {"requested", "awaiting_payment", "scheduled"}),
    ],
)
def test_my_sessions_shows(
    client: Client, one_of_each: dict[str, Booking], show: str, statuses: set[str]
) -> None:
    client.force_login(one_of_each["scheduled"].student)
    page = client.get(f"/my-sessions/?show={show}").content.decode()
    assert {status for status in Status if re.search(f"It is {status}(<| with)", page)} == statuses


def test_a_lapsed_hold_reads_expired_before_any_sweep(client: Client, mentor: Mentor, student: User) -> None:
    BookingFactory(
        session_type=SessionTypeFactory(mentor=mentor),
        student=student,
        status=Status.AWAITING_PAYMENT,
        hold_expires_at=NOW - timedelta(seconds=1),
        claims=False,
    )
    client.force_login(student)
    assert "No session ahead" in client.get("/my-sessions/").content.decode()
    assert "Lapsed" in client.get("/my-sessions/?show=cancelled").content.decode()


def test_my_sessions_shows_nobody_elses(client: Client, booking: Booking, stranger: User) -> None:
    client.force_login(stranger)
    assert "Career Guidance" not in client.get("/my-sessions/?show=all").content.decode()


def test_lists_need_a_sign_in_and_the_dashboard_a_mentor(client: Client, student: User) -> None:
    for path in ("/my-sessions/", "/dashboard/sessions/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")
        assert client.post(path).status_code in (302, 405)
    client.force_login(student)
    assert client.get("/dashboard/sessions/").status_code == 404


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize(
    ("path", "queries"), [("/my-sessions/?show=all", 5), ("/dashboard/sessions/?show=all", 6)]
)
def test_lists_cost_the_same_for_one_row_and_a_full_page(
    client: Client, mentor: Mentor, student: User, rows: int, path: str, queries: int,
    django_assert_num_queries: Callable[[int], object],
) -> None:  # fmt: skip
    kind = SessionTypeFactory(mentor=mentor, price_minor=0)
    for row in range(rows):
        BookingFactory(
            session_type=kind,
            student=UserFactory() if "dashboard" in path else student,
            starts_at=NOW + timedelta(days=row + 1),
        )
    client.force_login(mentor.user if "dashboard" in path else student)
    with django_assert_num_queries(queries):  # type: ignore[attr-defined]
        client.get(path)


def test_reviews_are_kept_and_shown_on_the_profile(client: Client, booking: Booking) -> None:
    Booking.objects.update(status=Status.COMPLETED)
    booking.refresh_from_db()
    record_review(booking, rating=5, words="Clear and kind.", now=NOW)
    page = client.get(booking.mentor.get_absolute_url()).content.decode()
    assert "Clear and kind." in page
    assert "Arjun" in page
    assert "Kapoor" not in page


@pytest.mark.parametrize("mentors", [1, 12])
def test_next_openings_cost_the_same_for_one_mentor_and_a_page_of_them(
    client: Client, mentors: int, django_assert_num_queries: Callable[[int], object], db: None
) -> None:
    for _ in range(mentors):
        SessionTypeFactory(mentor=MentorFactory(), price_minor=0)
    rebuild_openings(NOW)
    client.get("/mentors/")
    with django_assert_num_queries(4):  # type: ignore[attr-defined]
        page = client.get("/mentors/").content.decode()
    assert page.count("Next open") == mentors
