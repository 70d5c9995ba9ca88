"""Next openings are kept for pages that show many mentors: as the engine has them, soon after whatever changes them,
and never shown when the clock has overtaken them."""

import random
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from bookings.engine.busy import load_busy
from bookings.engine.slots import TAKEN, bookable_range, closes_at, free_starts
from bookings.models import KeptOpenings, NextOpening, Status
from bookings.openings import (
    half_hours_of,
    next_openings,
    open_by_field,
    open_when,
    similar_mentors,
    upcoming_openings,
)
from bookings.services import book, cancel, expire, mark_changed, rebuild_openings, refresh_openings
from bookings.tasks import refresh_openings as refresh_task
from lib.wallclock import epoch_minute, from_epoch_minute
from mentors import panels, services
from mentors.models import Field, Mentor, SessionType
from mentors.schedules import Hours, load_schedules
from tests.bookings.clock import KOLKATA, at
from tests.factories import (
    NOW,
    BookingFactory,
    MentorFactory,
    SessionTypeFactory,
    SkillFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def shown(mentor: Mentor, now: datetime = NOW, student: User | None = None) -> list[datetime]:
    found = next_openings([Mentor.objects.get(pk=mentor.pk)], student, now)
    return [each.starts_at for each in found.get(mentor.pk, [])]


def kept(now: datetime) -> set[tuple[int, datetime]]:
    """What pages could show, of all mentors."""
    return set(NextOpening.objects.open(now).values_list("session_type", "starts_at"))


def computed(now: datetime) -> set[tuple[int, datetime]]:
    """The first three of each type, by the engine."""
    mentors = [mentor for mentor in Mentor.objects.select_related("user") if mentor.is_bookable]
    schedules = load_schedules(mentors)
    window = (epoch_minute(now), epoch_minute(now) + 61 * 24 * 60)
    busy = load_busy(mentors, None, window, now)
    found = set()
    for mentor in mentors:
        for each in mentor.session_types.active():
            starts = free_starts(
                schedules[mentor.pk], busy[mentor.pk], window, each.durations[0], now,
                lead_minutes=240 if each.requires_approval else 0,
            )  # fmt: skip
            free = [minute for minute, state in starts if state is not TAKEN]
            found |= {(each.pk, from_epoch_minute(minute)) for minute in free[:3]}
    return found


def test_next_openings_are_those_of_all_types_in_order_of_time(mentor: Mentor, free: SessionType) -> None:
    longer = SessionTypeFactory(mentor=mentor, position=1, durations=[120], price_minor=0)
    BookingFactory(session_type=free, starts_at=at(3, 10))
    rebuild_openings(NOW)
    openings = next_openings([mentor], None, NOW)[mentor.pk]
    assert [(each.starts_at, each.session_type) for each in openings] == [
        (at(3, 9), free),
        (at(3, 11), free),
        (at(3, 12), free),
    ]
    free.is_active = False
    free.save()
    mentor = Mentor.objects.get(pk=mentor.pk)
    assert next_openings([mentor], None, NOW)[mentor.pk][0].session_type == longer


def test_next_openings_leave_out_what_the_reader_has_elsewhere(
    mentor: Mentor, free: SessionType, student: User
) -> None:
    BookingFactory(student=student, starts_at=at(3, 9))
    rebuild_openings(NOW)
    assert shown(mentor, student=student)[0] == at(3, 10)
    assert shown(mentor)[0] == at(3, 9)


def test_what_can_not_be_had_any_more_is_not_shown_however_old_what_is_kept(
    mentor: Mentor, free: SessionType, settings: Settings
) -> None:
    """Nothing is found anew here: the page's own question leaves it out."""
    paid = SessionTypeFactory(mentor=mentor, position=2, durations=[30])
    rebuild_openings(NOW)
    assert shown(mentor, at(2, 23, 59))[0] == at(3, 9)
    assert shown(mentor, at(3, 0))[0] == at(4, 9)  # from tomorrow on, and this day has begun
    assert {each.session_type for each in upcoming_openings(NOW).openings} == {free, paid}
    settings.PAYMENT_GATEWAYS = []
    assert {each.session_type for each in upcoming_openings(NOW).openings} == {free}
    for change, back in (
        ({"status": "suspended"}, {"status": "approved"}),
        ({"is_paused": True}, {"is_paused": False}),
    ):
        Mentor.objects.filter(pk=mentor.pk).update(**change)
        assert shown(mentor) == []
        assert upcoming_openings(NOW).total == 0
        Mentor.objects.filter(pk=mentor.pk).update(**back)
    User.objects.filter(pk=mentor.user_id).update(is_active=False)
    assert shown(mentor) == []


def test_an_opening_inside_the_notice_is_not_shown(mentor: Mentor, free: SessionType) -> None:
    Mentor.objects.update(allows_same_day=True, minimum_notice_hours=3)
    rebuild_openings(NOW)
    assert shown(mentor)[0] == at(2, 16)  # it is 12:00, and one at 15:00 closes this minute
    assert shown(mentor, at(2, 12, 59))[0] == at(2, 16)
    assert shown(mentor, at(2, 13))[0] == at(3, 9)


@pytest.mark.parametrize("same_day", [True, False])
@pytest.mark.parametrize("notice", [0, 5, 30])
def test_a_start_can_be_booked_until_it_closes(mentor: Mentor, same_day: bool, notice: int) -> None:
    mentor.allows_same_day, mentor.minimum_notice_hours = same_day, notice
    schedule, draw = load_schedules([mentor])[mentor.pk], random.Random(notice)
    start = epoch_minute(at(9, 15))
    for minutes in [draw.randrange(0, 4 * 24 * 60) for _ in range(200)]:
        now = from_epoch_minute(start - minutes)
        is_open = start >= bookable_range(schedule, now)[0]
        closes = closes_at(schedule, start)
        assert (epoch_minute(now) < closes) <= is_open
        assert is_open <= (epoch_minute(now) <= closes)


Change = Callable[[Mentor, SessionType, User, datetime, random.Random], None]


def _book(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    rows = sorted(start for pk, start in computed(now) if pk == offer.pk)
    if rows:
        book(student=UserFactory(), session_type=offer, duration_minutes=60, starts_at=rows[0], now=now)


def _cancel(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    booking = mentor.bookings.filter(status=Status.SCHEDULED).first()
    if booking:
        cancel(booking.pk, actor=booking.student, now=now, reason="")


def _hours(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    opens = draw.randrange(6, 14)
    week = [Hours(day, "open", time(opens), time(opens + 5)) for day in draw.sample(range(7), 4)]
    services.set_weekly_hours(mentor=mentor, week=week)


def _rules(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    services.set_rules(
        mentor=mentor, minimum_notice_hours=draw.randrange(30), allows_same_day=draw.random() < 0.5,
        slot_interval_minutes=draw.choice([15, 30, 60]), max_per_day=draw.choice([None, 1, 2]),
    )  # fmt: skip


def _off(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    first = now.date() + timedelta(days=draw.randrange(4))
    services.block_dates(mentor=mentor, first_date=first, last_date=first + timedelta(days=1))


def _switch(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    services.switch_session_type(session_type=offer, is_active=not offer.is_active)


def _pause(mentor: Mentor, offer: SessionType, student: User, now: datetime, draw: random.Random) -> None:
    if mentor.status == Mentor.Status.APPROVED:
        services.suspend(mentor, by=student, now=now, reason="A complaint.")
    else:
        services.approve(mentor, by=student, now=now)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_changes_what_is_kept_is_what_the_engine_finds(student: User, seed: int) -> None:
    """And without a change, as time goes by, there are always three of each type that has them."""
    draw, now = random.Random(seed), NOW
    changes: list[Change] = [_book, _book, _cancel, _hours, _rules, _off, _switch, _pause]
    for _ in range(3):
        mentor = MentorFactory()
        SessionTypeFactory(mentor=mentor, price_minor=0)
        SessionTypeFactory(mentor=mentor, price_minor=0, position=1, requires_approval=True)
        services.keep(mentor)
    for _ in range(25):
        for _ in range(draw.randrange(3)):
            mentor = draw.choice(list(Mentor.objects.select_related("user")))
            draw.choice(changes)(mentor, draw.choice(list(mentor.session_types.all())), student, now, draw)
        refresh_openings(now)
        assert computed(now) <= kept(now)
        now += timedelta(minutes=draw.choice([1, 20, 60, 400]), seconds=draw.randrange(60))


def test_a_hold_that_lapses_gives_its_time_back(mentor: Mentor, student: User) -> None:
    paid = SessionTypeFactory(mentor=mentor)
    services.keep(mentor)
    booking = book(student=student, session_type=paid, duration_minutes=60, starts_at=at(3, 9), now=NOW)
    refresh_openings(NOW)
    assert shown(mentor)[0] == at(3, 10)
    later = NOW + timedelta(hours=1)
    expire(booking.pk, now=later)
    refresh_openings(later)
    assert shown(mentor, later)[0] == at(3, 9)


def test_what_a_mentor_books_with_another_is_no_opening_of_theirs(mentor: Mentor, free: SessionType) -> None:
    other = SessionTypeFactory(price_minor=0)
    for each in (mentor, other.mentor):
        services.keep(each)
    refresh_openings(NOW)
    book(student=mentor.user, session_type=other, duration_minutes=60, starts_at=at(3, 9), now=NOW)
    with time_machine.travel(NOW, tick=False):
        refresh_task()
    assert (shown(mentor)[0], shown(other.mentor)[0]) == (at(3, 10), at(3, 10))


def test_what_changes_while_it_is_being_found_is_found_once_more(mentor: Mentor, free: SessionType) -> None:
    services.keep(mentor)

    def change_meanwhile(execute: Callable[..., object], sql: str, *args: object) -> object:
        if sql.startswith("SELECT") and "bookings_timeclaim" in sql:
            mark_changed([mentor.user_id])
        return execute(sql, *args)

    with connection.execute_wrapper(change_meanwhile):
        assert refresh_openings(NOW) == 0
    assert shown(mentor) == []
    assert refresh_openings(NOW) == 1
    assert shown(mentor)[0] == at(3, 9)


def test_one_whose_openings_can_not_be_found_holds_up_no_other(mentor: Mentor, free: SessionType) -> None:
    broken = SessionTypeFactory(price_minor=0)
    for each in (broken.mentor, mentor):
        services.keep(each)
    SessionType.objects.filter(pk=broken.pk).update(durations=[])
    assert refresh_openings(NOW) == 2
    assert shown(mentor) == [at(3, 9), at(3, 10), at(3, 11)]
    assert KeptOpenings.objects.get(mentor=broken.mentor).due_at == NOW + timedelta(hours=1)
    assert refresh_openings(NOW) == 0


def test_rebuilding_is_safe_to_repeat_and_finds_what_was_lost(mentor: Mentor, free: SessionType) -> None:
    for _ in range(2):
        rebuild_openings(NOW)
        assert kept(NOW) >= computed(NOW)
        NextOpening.objects.filter(starts_at=at(3, 9)).delete()
        KeptOpenings.objects.all().delete()


# The board.


def test_the_board_has_the_soonest_of_each_type_within_two_days(free: SessionType) -> None:
    types = [free, *(SessionTypeFactory(price_minor=0) for _ in range(3))]
    BookingFactory(session_type=free, starts_at=at(3, 9))
    rebuild_openings(NOW)
    board = upcoming_openings(NOW)
    assert [each.starts_at for each in board.openings] == [at(3, 9)] * 3 + [at(3, 10)]
    *at_once, last = [each.session_type for each in board.openings]
    assert (set(at_once), last) == (set(types[1:]), free)
    assert (board.total, board.has_more, board.days) == (4, False, 2)
    assert {each.mentor.name for each in board.openings} == {each.mentor.name for each in types}


def test_when_few_are_open_in_two_days_the_board_looks_a_week_ahead(free: SessionType) -> None:
    SessionTypeFactory(price_minor=0, mentor__hours=[(0, "09:00", "17:00")])  # on Monday 7
    rebuild_openings(NOW)
    board = upcoming_openings(NOW)
    assert [each.starts_at for each in board.openings] == [at(3, 9), at(7, 9)]
    assert (board.total, board.days) == (2, 7)
    assert upcoming_openings(NOW - timedelta(days=30)).openings == []


def test_the_board_shows_many_mentors_before_more_of_one(free: SessionType) -> None:
    for position in range(1, 4):
        SessionTypeFactory(mentor=free.mentor, position=position)
    others = [SessionTypeFactory(price_minor=0) for _ in range(2)]
    rebuild_openings(NOW)
    board = upcoming_openings(NOW, limit=4)
    assert {each.session_type for each in board.openings} > {free, *others}
    assert len(board.openings) == 4
    assert board.total == 6


def test_the_board_by_field_and_for_nothing(free: SessionType, paid: SessionType) -> None:
    other, skill = SessionTypeFactory(price_minor=0), SkillFactory()
    free.mentor.skills.add(skill)
    field = Field.objects.create(name="Engineering", slug="engineering")
    empty = Field.objects.create(name="Design", slug="design")
    field.skills.add(skill)
    rebuild_openings(NOW)
    assert {each.session_type for each in upcoming_openings(NOW, field=field).openings} == {free, paid}
    assert {each.session_type for each in upcoming_openings(NOW, free_only=True).openings} == {free, other}
    assert upcoming_openings(NOW, field=empty).total == 0
    assert open_by_field(NOW) == [(field, 2)]


def test_reading_costs_the_same_for_many(
    free: SessionType, student: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        SessionTypeFactory(price_minor=0)
    rebuild_openings(NOW)
    with django_assert_num_queries(1):
        board = upcoming_openings(NOW)
        assert all(each.mentor.name and each.session_type.name for each in board.openings)
    with django_assert_num_queries(1):
        open_by_field(NOW)
    mentors = list(Mentor.objects.select_related("user").prefetch_related("session_types"))
    with django_assert_num_queries(1):
        assert len(next_openings(mentors, None, NOW)) == 31
    with django_assert_num_queries(2):
        next_openings(mentors, student, NOW)


# Browsing.


def found(when: str, zone: ZoneInfo = KOLKATA) -> set[Mentor]:
    return set(Mentor.objects.filter(open_when(when, zone, NOW)))


def test_open_this_week_and_in_which_part_of_the_readers_day() -> None:
    def opens(*hours: tuple[int, str, str]) -> Mentor:
        mentor: Mentor = SessionTypeFactory(price_minor=0, mentor__hours=list(hours)).mentor
        return mentor

    early, late = opens((4, "08:00", "11:00")), opens((4, "18:00", "20:00"))
    away = opens((4, "08:00", "20:00"))
    away.date_overrides.create(first_date=NOW.date(), last_date=NOW.date() + timedelta(days=8))
    rebuild_openings(NOW)
    assert found("week") == {early, late}
    assert (found("morning"), found("afternoon"), found("evening")) == ({early}, set(), {late})
    # By a clock in Tokyo that is three and a half hours later.
    assert found("afternoon", ZoneInfo("Asia/Tokyo")) == {early}


def test_a_part_of_the_day_is_half_hours_in_utc() -> None:
    assert half_hours_of("afternoon", ZoneInfo("UTC"), NOW.date()) == sum(1 << bit for bit in range(24, 34))
    assert half_hours_of("afternoon", KOLKATA, NOW.date()) == sum(1 << bit for bit in range(13, 23))


def test_browse_filters_by_when_something_is_open(client: Client, free: SessionType) -> None:
    SessionTypeFactory(price_minor=0, mentor__hours=[(4, "18:00", "20:00")])
    rebuild_openings(NOW)
    for query, count in (("week", 2), ("morning", 1), ("nonsense", 2)):
        response = client.get(f"/mentors/?when={query}")
        assert len(response.context["cards"]) == count
    assert "This week, in the morning" in client.get("/mentors/?when=morning").content.decode()


# Other pages.


@pytest.mark.parametrize("count", [3, 24])
def test_the_panel_of_next_openings_costs_one_query(
    count: int, rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        SessionTypeFactory(price_minor=0)
    rebuild_openings(NOW)
    request = rf.get("/")
    request.user = AnonymousUser()
    page = list(Mentor.objects.listed(NOW).select_related("user").prefetch_related("session_types"))
    with django_assert_num_queries(1):
        times = panels.mentors.render(request, page, "mentor_times")["mentor_times"]
    assert sum("Next open" in each for each in times.values()) == count


@pytest.mark.parametrize("count", [1, 24])
def test_similar_mentors_cost_four_queries(
    mentor: Mentor, student: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    skill = SkillFactory()
    for _ in range(count):
        SessionTypeFactory(price_minor=0)
    for each in Mentor.objects.all():
        each.skills.add(skill)
    rebuild_openings(NOW)
    with django_assert_num_queries(4):
        found = similar_mentors(mentor, student, NOW)
    assert len(found) == min(count, 3)
    assert all(openings[0].starts_at > NOW + timedelta(hours=1) for _, openings in found)


def test_similar_mentors_are_neither_the_mentor_nor_the_reader(mentor: Mentor) -> None:
    skill = SkillFactory()
    reader = SessionTypeFactory(price_minor=0).mentor
    for each in (mentor, reader, MentorFactory()):
        each.skills.add(skill)
    rebuild_openings(NOW)
    assert similar_mentors(mentor, reader.user, NOW) == []
