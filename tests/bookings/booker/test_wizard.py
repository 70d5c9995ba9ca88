"""The wizard as its visitors meet it: every state a URL, only the confirming POST changes anything."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from bookings.engine.offered import conditions_of
from bookings.models import Booking, BookingEvent, Status, TimeClaim
from mentors.models import Mentor, SessionType
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory

pytestmark = pytest.mark.once

# Thursday 10 December 2026, 10:00 in Kolkata.
START = datetime(2026, 12, 10, 4, 30, tzinfo=UTC)


@pytest.fixture
def free(mentor: Mentor) -> SessionType:
    return SessionTypeFactory(mentor=mentor, slug="mock-interview", name="Mock Interview", price_minor=0)


@pytest.fixture
def paid(mentor: Mentor) -> SessionType:
    return SessionTypeFactory(mentor=mentor, slug="career-guidance", name="Career Guidance")


def url(session_type: SessionType, **state: object) -> str:
    query = {"type": session_type.slug, "duration": session_type.durations[0]} | state
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/mentors/{session_type.mentor.slug}/book/?{pairs}"


def confirm_url(session_type: SessionType, start: datetime = START, **state: object) -> str:
    return url(session_type, start=f"{start:%Y-%m-%dT%H:%MZ}", **state)


def shown(session_type: SessionType, start: datetime = START) -> str:
    """What the last step's form carries, as somebody has it open now."""
    return conditions_of(session_type, session_type.durations[0], start).token


def press(client: Client, session_type: SessionType, start: datetime = START, **typed: str) -> HttpResponse:
    """The last step's button, on a page that shows what is so."""
    typed = {"shown": shown(session_type, start)} | typed
    return client.post(confirm_url(session_type, start), typed)  # type: ignore[return-value]


def counts() -> tuple[int, int, int]:
    return Booking.objects.count(), TimeClaim.objects.count(), BookingEvent.objects.count()


def test_type_step_lists_active_types_and_says_free(
    client: Client, free: SessionType, paid: SessionType
) -> None:
    SessionTypeFactory(mentor=free.mentor, name="Switched off", is_active=False)
    page = client.get(f"/mentors/{free.mentor.slug}/book/").content.decode()
    assert "Mock Interview" in page
    assert "Free" in page
    assert "₹1,050 with fee" in page
    assert "₹1,000" in page
    assert "Switched off" not in page


def test_date_step_links_only_days_with_free_times(client: Client, free: SessionType) -> None:
    page = client.get(url(free, month="2026-12")).content.decode()
    assert "date=2026-12-10" in page
    assert "Thursday 10 December, 8 open times, morning and afternoon" in page
    assert "date=2026-12-02" not in page  # today
    assert "date=2026-12-06" not in page  # a Sunday


def test_time_step_groups_the_day_and_strikes_what_is_taken(client: Client, free: SessionType) -> None:
    BookingFactory(session_type=free, starts_at=START)
    page = client.get(url(free, date="2026-12-10")).content.decode()
    assert "<s>10:00 am</s>" in page
    assert 'value="2026-12-10T05:30Z"' in page
    assert "Morning" in page
    assert "Afternoon" in page


def test_times_are_in_the_signed_in_viewers_zone(client: Client, free: SessionType, student: User) -> None:
    client.force_login(student)
    page = client.get(url(free, date="2026-12-10")).content.decode()
    assert "8 open times. Large: your clock. Small: Kolkata." in page
    assert 'data-chosen-label="5:30 am"' in page
    assert '<span class="slot__note">10:00 am</span>' in page


def test_signed_out_without_a_zone_reads_the_mentors(client: Client, free: SessionType) -> None:
    assert "Times in <strong>Kolkata</strong>" in client.get(url(free)).content.decode()


def test_fragment_is_quiet_while_nothing_changes_and_strikes_what_goes(
    client: Client, free: SessionType
) -> None:
    page = client.get(url(free, date="2026-12-10"), headers={"X-Part": "1"})
    version = page.content.decode().partition('data-version="')[2].partition('"')[0]
    again = url(free, date="2026-12-10", seen=version)
    assert client.get(again, headers={"X-Part": "1"}).status_code == 204
    BookingFactory(session_type=free, starts_at=START)
    changed = client.get(again, headers={"X-Part": "1"}).content.decode()
    assert "<s>10:00 am</s>" in changed
    assert "<html" not in changed


def test_a_time_that_is_picked_is_shown_on_both_clocks(
    client: Client, free: SessionType, student: User
) -> None:
    client.force_login(student)
    part = client.get(confirm_url(free, date="2026-12-10"), headers={"X-Part": "1"}).content.decode()
    assert "for you in Berlin" in part
    assert "for Meera in Kolkata" in part
    assert "Thu 10 Dec, 5:30 am" in part
    assert "10:00 am for Meera" in part
    unpicked = client.get(url(free, date="2026-12-10")).content.decode()
    assert "for you in" not in unpicked
    assert "pick a time" in unpicked


def test_hours_follow_the_readers_choice_through_every_step(client: Client, free: SessionType) -> None:
    client.cookies["clock_hours"] = "24"
    for state in ({"date": "2026-12-10"}, {"view": "week"}, {"start": f"{START:%Y-%m-%dT%H:%MZ}"}):
        page = client.get(url(free, **state)).content.decode()
        assert "10:00" in page
        assert not re.search(r"\d [ap]m\b", page)


def test_a_hold_of_ones_own_stands_on_top_of_the_steps(
    client: Client, paid: SessionType, student: User, stranger: User
) -> None:
    client.force_login(student)
    held = press(client, paid)["Location"]
    for state in ({}, {"view": "week"}, {"date": "2026-12-09"}):
        page = client.get(url(paid, **state)).content.decode()
        assert "Thursday 10 December 2026, 5:30 am is held for you" in page.replace("\n", " ").replace(
            "  ", " "
        )
        assert held in page
        assert page.index('class="holdbar"') < page.index('class="stepper"')
    client.force_login(stranger)
    assert "holdbar" not in client.get(url(paid)).content.decode()


def test_clock_is_chosen_in_place_and_the_step_comes_back(client: Client, free: SessionType) -> None:
    here = url(free, date="2026-12-10")
    page = client.get(here).content.decode()
    assert 'name="next" value="{}"'.format(here.replace("&", "&amp;")) in page
    answer = client.post(
        "/settings/time-zone/", {"time_zone": "los angeles", "clock_hours": "24", "next": here}
    )
    assert answer["Location"] == here
    assert "in <strong>Los Angeles</strong>" in client.get(here).content.decode()


def test_fragment_keeps_the_pick_and_says_when_it_is_lost(client: Client, free: SessionType) -> None:
    picked = confirm_url(free, date="2026-12-10")
    assert "checked" in client.get(picked, headers={"X-Part": "1"}).content.decode()
    BookingFactory(session_type=free, starts_at=START)
    lost = client.get(picked, headers={"X-Part": "1"}).content.decode()
    assert "was just taken" in lost
    assert "checked" not in lost


def test_a_start_gone_stale_returns_to_the_time_step(client: Client, free: SessionType) -> None:
    BookingFactory(session_type=free, starts_at=START)
    answer = client.get(confirm_url(free))
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer["Location"]).query)["date"] == ["2026-12-10"]
    assert "start" not in parse_qs(urlsplit(answer["Location"]).query)
    assert "10:00 am is no longer open" in client.get(answer["Location"]).content.decode()


def test_confirm_step_spells_out_the_price_and_both_clocks(
    client: Client, paid: SessionType, student: User
) -> None:
    client.force_login(student)
    page = client.get(confirm_url(paid)).content.decode()
    assert "₹1,000.00" in page
    assert "₹50.00" in page
    assert "₹1,050.00" in page
    assert "5:30 am to 6:30 am" in page
    assert "10:00 am to 11:00 am</strong> for Meera in Kolkata" in page
    assert "before Wed 9 Dec, 5:30 am ₹1,050 comes back; after that nothing." in page


def test_confirming_a_free_type_schedules_it(client: Client, free: SessionType, student: User) -> None:
    client.force_login(student)
    answer = press(client, free, topic="My first interview")
    booking = Booking.objects.get()
    assert answer["Location"] == f"/sessions/{booking.reference}/confirmation/"
    assert booking.status == Status.SCHEDULED
    assert booking.topic == "My first interview"


def test_confirming_a_paid_type_holds_it_and_leads_to_payment(
    client: Client, paid: SessionType, student: User
) -> None:
    client.force_login(student)
    answer = press(client, paid)
    booking = Booking.objects.get()
    assert answer["Location"] == f"/sessions/{booking.reference}/payment/"
    assert booking.status == Status.AWAITING_PAYMENT
    assert booking.amount_minor == 105_000


def test_too_long_a_topic_is_said_beside_the_field_and_kept(
    client: Client, free: SessionType, student: User
) -> None:
    client.force_login(student)
    answer = press(client, free, topic="x" * 201, notes="kept")
    assert answer.status_code == 422
    assert "kept" in answer.content.decode()
    assert counts() == (0, 0, 0)


def test_a_slot_just_taken_gets_409_with_three_other_times(
    client: Client, free: SessionType, student: User
) -> None:
    BookingFactory(session_type=free, starts_at=START)
    before = counts()
    client.force_login(student)
    answer = press(client, free)
    assert answer.status_code == 409
    assert [each["at"] for each in answer.context["nearest"]] == [
        START - timedelta(hours=1),
        START + timedelta(hours=1),
        START + timedelta(hours=2),
    ]
    assert counts() == before


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (datetime(2026, 12, 10, 4, 45, tzinfo=UTC), "not available at that time"),
        (datetime(2026, 12, 10, 22, 30, tzinfo=UTC), "not available at that time"),
        (datetime(2026, 11, 26, 4, 30, tzinfo=UTC), "already passed"),
        (datetime(2026, 12, 2, 10, 30, tzinfo=UTC), "from tomorrow"),
        (datetime(2027, 2, 1, 4, 30, tzinfo=UTC), "further ahead"),
    ],
)
def test_a_time_never_offered_is_refused_in_words(
    client: Client, free: SessionType, student: User, start: datetime, words: str
) -> None:
    client.force_login(student)
    answer = press(client, free, start)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert counts() == (0, 0, 0)


def test_the_last_day_of_the_window_is_bookable(client: Client, free: SessionType, student: User) -> None:
    client.force_login(student)
    day_60 = datetime(2027, 1, 30, 4, 30, tzinfo=UTC)  # a Saturday
    press(client, free, day_60 + timedelta(days=1))
    assert counts() == (0, 0, 0)
    press(client, free, day_60)
    assert Booking.objects.get().starts_at == day_60


def test_another_mentors_type_is_refused(client: Client, free: SessionType, student: User) -> None:
    other = SessionTypeFactory(mentor=MentorFactory(), slug="theirs", price_minor=0)
    client.force_login(student)
    forged = confirm_url(other).replace(other.mentor.slug, free.mentor.slug)
    answer = client.post(forged, {"shown": shown(other)})
    assert answer.status_code == 409
    assert counts() == (0, 0, 0)


def test_a_price_in_the_form_is_ignored(client: Client, paid: SessionType, student: User) -> None:
    client.force_login(student)
    press(client, paid, price_minor="1", amount_minor="1", fee_minor="0", status="scheduled")
    booking = Booking.objects.get()
    assert (booking.status, booking.amount_minor) == (Status.AWAITING_PAYMENT, 105_000)


@pytest.mark.parametrize(
    "start", ["", "tomorrow", "2026-13-45T99:99Z", "2026-12-10T04:30", "٢٠٢٦-12-10T04:30Z"]
)
def test_a_start_that_is_no_time_is_refused(
    client: Client, free: SessionType, student: User, start: str
) -> None:
    client.force_login(student)
    assert client.post(url(free, start=start), {}).status_code == 422
    assert client.get(url(free, start=start)).status_code == 200
    assert counts() == (0, 0, 0)


def test_odd_state_in_the_url_shows_the_step_that_is_missing(client: Client, free: SessionType) -> None:
    for odd in (
        "month=2026-99",
        "month=0001-01",
        "month=9999-12",
        "date=2026-02-30",
        "date=x",
    ):
        assert client.get(f"{url(free)}&{odd}").status_code == 200


def test_a_mentor_switched_off_meanwhile_is_said(client: Client, free: SessionType, student: User) -> None:
    Mentor.objects.update(is_paused=True)
    client.force_login(student)
    for answer in (client.get(confirm_url(free)), press(client, free)):
        assert answer.status_code == 409
        assert "takes no bookings at the moment" in answer.content.decode()
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_type_switched_off_meanwhile_leads_back_to_the_first_step_and_is_said(
    client: Client, free: SessionType, paid: SessionType, student: User, method: str
) -> None:
    SessionType.objects.filter(pk=free.pk).update(is_active=False)
    client.force_login(student)
    answer = client.get(confirm_url(free)) if method == "get" else press(client, free)
    assert answer.status_code == (200 if method == "get" else 409)
    assert answer.context["choice"].step == "type"
    assert "doesn’t offer this session type" in answer.content.decode()
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("length", "words"),
    [
        ("90", "isn’t offered for 90 minutes"),
        ("480", "isn’t offered for 480 minutes"),
        ("-1", "isn’t offered in that length"),
        ("9999999", "isn’t offered in that length"),
        ("%D9%A9%D9%A0", "isn’t offered in that length"),
    ],
)
def test_a_length_that_is_not_offered_leads_back_to_the_first_step_and_is_said(
    client: Client, free: SessionType, student: User, method: str, length: str, words: str
) -> None:
    client.force_login(student)
    address = confirm_url(free).replace("duration=60", f"duration={length}")
    answer = client.get(address) if method == "get" else client.post(address, {"shown": shown(free)})
    assert answer.status_code == (200 if method == "get" else 409)
    assert answer.context["choice"].step == "type"
    assert words in answer.content.decode()
    assert counts() == (0, 0, 0)


def test_without_a_length_the_first_that_is_offered_is_meant(client: Client, free: SessionType) -> None:
    assert client.get(url(free, duration="")).context["choice"].duration == 60


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_currency_that_nobody_takes_leads_back_to_the_first_step_and_is_said(
    client: Client, paid: SessionType, student: User, settings: Any, method: str
) -> None:
    client.force_login(student)
    settings.PAYMENT_GATEWAYS = []
    answer = client.get(confirm_url(paid)) if method == "get" else press(client, paid)
    assert answer.status_code == (200 if method == "get" else 409)
    assert answer.context["choice"].step == "type"
    assert "Payments in INR can’t be taken at the moment" in answer.content.decode()
    assert counts() == (0, 0, 0)


def test_a_part_of_a_step_that_is_no_more_loads_the_page_anew(client: Client, free: SessionType) -> None:
    gone = url(free, duration=90, date="2026-12-10", seen="x")
    answer = client.get(gone, headers={"X-Part": "1"})
    assert answer.headers["X-Go-To"] == gone
    assert answer.content == b""


def test_a_post_that_names_no_session_asks_for_one(client: Client, free: SessionType, student: User) -> None:
    client.force_login(student)
    answer = client.post(f"/mentors/{free.mentor.slug}/book/", {})
    assert (answer.status_code, answer.context["choice"].step) == (422, "type")
    assert counts() == (0, 0, 0)


def test_a_user_deactivated_meanwhile_books_nothing(client: Client, free: SessionType, student: User) -> None:
    client.force_login(student)
    User.objects.filter(pk=student.pk).update(is_active=False)
    assert press(client, free).status_code == 422  # as for anybody who is signed out
    assert counts() == (0, 0, 0)


def test_nobody_books_themselves(client: Client, free: SessionType) -> None:
    client.force_login(free.mentor.user)
    assert press(client, free).status_code == 422
    assert counts() == (0, 0, 0)


def test_an_unknown_or_unapproved_mentor_is_not_found(client: Client, db: None) -> None:
    MentorFactory(slug="applicant", status=Mentor.Status.APPLIED, approved_at=None)
    assert client.get("/mentors/nobody/book/").status_code == 404
    assert client.get("/mentors/applicant/book/").status_code == 404


def test_other_methods_are_refused(client: Client, free: SessionType) -> None:
    assert client.put(url(free)).status_code == 405
    assert client.delete(url(free)).status_code == 405


def test_own_hold_is_shown_as_held_with_its_end(client: Client, paid: SessionType, student: User) -> None:
    BookingFactory(
        session_type=paid, student=student, starts_at=START, status=Status.AWAITING_PAYMENT,
        hold_expires_at=timezone.now() + timedelta(minutes=9),
    )  # fmt: skip
    client.force_login(student)
    page = client.get(url(paid, date="2026-12-10")).content.decode()
    assert 'data-state="held"' in page
    assert "held for you" in page
    assert "data-countdown" in page


def test_somebody_elses_hold_reads_taken_and_not_by_whom(
    client: Client, paid: SessionType, student: User
) -> None:
    holder = UserFactory(name="Hidden Holder")
    BookingFactory(
        session_type=paid, student=holder, starts_at=START, status=Status.AWAITING_PAYMENT,
        hold_expires_at=timezone.now() + timedelta(minutes=9),
    )  # fmt: skip
    client.force_login(student)
    page = client.get(url(paid, date="2026-12-10")).content.decode()
    assert "<s>5:30 am</s>" in page
    assert "Hidden Holder" not in page


@pytest.mark.parametrize("bookings", [1, 30])
def test_a_month_costs_four_queries_however_many_bookings(
    client: Client, free: SessionType, bookings: int, django_assert_num_queries: object
) -> None:
    day = START.replace(hour=3, minute=30)
    starts = [day + timedelta(days=7 * week, hours=hour) for week in range(4) for hour in range(8)]
    for start in starts[:bookings]:
        BookingFactory(session_type=free, starts_at=start)
    with django_assert_num_queries(4):  # type: ignore[operator]
        client.get(url(free, month="2026-12"))


def test_nothing_is_changed_by_looking(client: Client, paid: SessionType, student: User) -> None:
    client.force_login(student)
    for address in (url(paid), url(paid, date="2026-12-10"), confirm_url(paid)):
        assert client.get(address).status_code == 200
    assert counts() == (0, 0, 0)
    assert NOW < START
