"""What the last step showed is what is booked, or nothing is, and the page says what changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from bookings.conditions import NOT_READ, Conditions
from bookings.engine.offered import conditions_of
from bookings.models import Booking, Status, TimeClaim
from bookings.policy import POLICIES, describe
from bookings.services import ConditionsChanged, NotOffered, book
from lib.money import EXPONENTS
from mentors.models import Mentor, SessionType
from tests.factories import NOW, BookingFactory, SessionTypeFactory

pytestmark = pytest.mark.once

KOLKATA = ZoneInfo("Asia/Kolkata")
# Thursday 10 December 2026, 10:00 in Kolkata.
START = datetime(2026, 12, 10, 4, 30, tzinfo=UTC)
ON_THURSDAY = "Thursday 10 December 2026, 10:00 am"
SEEN = Conditions("talk", "A talk", 90, START, 150_000, 7_500, "INR", "flexible", requires_approval=False)

FACTS = st.builds(
    Conditions,
    type_slug=st.from_regex(r"[a-z0-9-]{1,80}", fullmatch=True),
    type_name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80),
    minutes=st.integers(1, 480),
    starts_at=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)).map(
        lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
    ),
    price_minor=st.integers(0, 2**31),
    fee_minor=st.integers(0, 2**31),
    currency=st.sampled_from(sorted(EXPONENTS)),
    policy=st.sampled_from(["", *POLICIES]),
    requires_approval=st.booleans(),
)


@given(FACTS)
def test_a_token_says_every_fact(facts: Conditions) -> None:
    assert Conditions.read(facts.token) == facts
    assert facts.changes_since(facts.token, "Meera", KOLKATA) == []


@given(FACTS, FACTS)
def test_other_facts_have_another_token_and_words_for_it(facts: Conditions, other: Conditions) -> None:
    assert (facts.token == other.token) == (facts == other)
    assert bool(facts.changes_since(other.token, "Meera", KOLKATA)) == (facts != other)


@pytest.mark.parametrize(
    "garbled",
    [
        "",
        "x",
        "&&&",
        SEEN.token[:-9],
        SEEN.token + "&more=1",
        SEEN.token.replace("minutes=90", "minutes=0"),
        SEEN.token.replace("minutes=90", "minutes=-90"),
        SEEN.token.replace("price=150000", "price=%D9%A1"),
        SEEN.token.replace("price=150000", "price=1e999999"),
        SEEN.token.replace("price=150000", "price=" + "9" * 5000),
        SEEN.token.replace("INR", "XTS"),
        SEEN.token.replace("flexible", "lenient"),
        SEEN.token.replace("2026", "0000"),
        "a=" * 10_000,
    ],
)
def test_a_garbled_token_says_nothing_and_counts_as_changed(garbled: str) -> None:
    assert Conditions.read(garbled) is None
    assert SEEN.changes_since(garbled, "Meera", KOLKATA) == [NOT_READ]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"price_minor": 900_000, "fee_minor": 45_000}, "The price is now ₹9,450; it was ₹1,575 when you looked."),
        ({"price_minor": 0, "fee_minor": 0}, "The price is now nothing; it was ₹1,575 when you looked."),
        ({"currency": "USD"}, "The price is now $1,575; it was ₹1,575 when you looked."),
        ({"price_minor": 140_000, "fee_minor": 17_500},
         "Of the price ₹175 is now the platform fee; it was ₹75 when you looked."),
        ({"minutes": 30}, "It now lasts 30 minutes; it was 1 hour 30 minutes when you looked."),
        ({"starts_at": START + timedelta(days=1)},
         f"It now begins Friday 11 December 2026, 10:00 am; it was {ON_THURSDAY} when you looked."),
        ({"type_name": "A long talk"}, "This is now “A long talk”; it was “A talk” when you looked."),
        ({"policy": "strict"},
         f"If you cancel, it is now: {describe('strict')} It was: {describe('flexible')}"),
        ({"requires_approval": True},
         "Meera now answers each request before it counts; it was booked at once when you looked."),
    ],
)  # fmt: skip
def test_each_change_is_said_with_the_old_and_the_new(now: dict[str, object], words: str) -> None:
    assert replace(SEEN, **now).changes_since(SEEN.token, "Meera", KOLKATA) == [words]  # type: ignore[arg-type]


def test_an_approval_that_is_gone_is_said() -> None:
    asked = replace(SEEN, requires_approval=True)
    assert SEEN.changes_since(asked.token, "Meera", KOLKATA) == [
        "It is now booked at once; it waited for Meera’s answer when you looked."
    ]


# At the last step


@pytest.fixture
def talk(mentor: Mentor) -> SessionType:
    """₹1,000 an hour, for half an hour to two hours."""
    return SessionTypeFactory(
        mentor=mentor, slug="talk", name="A talk", pricing="hourly", durations=[30, 60, 90, 120]
    )


@pytest.fixture
def desk(client: Client, student: User) -> Client:
    client.force_login(student)
    return client


def address(talk: SessionType, minutes: int = 90) -> str:
    return (
        f"/mentors/{talk.mentor.slug}/book/?type={talk.slug}&duration={minutes}&start={START:%Y-%m-%dT%H:%MZ}"
    )


def open_last_step(client: Client, talk: SessionType) -> dict[str, str]:
    """What its form would send, with something written in it."""
    page = client.get(address(talk))
    assert page.context["changes"] == []
    return {"shown": page.context["conditions"].token, "topic": "Growing up", "notes": "In a hurry"}


def is_untouched() -> bool:
    return not Booking.objects.exists() and not TimeClaim.objects.exists()


def raise_price() -> None:
    SessionType.objects.update(price_minor=600_000)


CHANGES = [
    (raise_price, "The price is now ₹9,450; it was ₹1,575 when you looked."),
    (lambda: SessionType.objects.update(price_minor=0), "The price is now nothing; it was ₹1,575"),
    (lambda: SessionType.objects.update(currency="EUR"), "The price is now €1,575; it was ₹1,575"),
    (lambda: SessionType.objects.update(pricing="fixed"), "The price is now ₹1,050; it was ₹1,575"),
    (lambda: SessionType.objects.update(name="A chat"), "This is now “A chat”; it was “A talk”"),
    (lambda: SessionType.objects.update(requires_approval=True), "Meera now answers each request"),
    (
        lambda: Mentor.objects.update(cancellation_policy="strict"),
        "If you cancel, it is now: 50% of the price",
    ),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_with_other_facts_nothing_is_booked_and_the_page_says_what_changed(desk, talk, change, words) -> None:
    typed = open_last_step(desk, talk)
    change()
    answer = desk.post(address(talk), typed)
    assert (answer.status_code, is_untouched()) == (409, True)
    assert words in answer.content.decode()
    assert "Growing up" in answer.content.decode()
    assert "In a hurry" in answer.content.decode()
    desk.post(address(talk), typed | {"shown": answer.context["conditions"].token})
    booking = Booking.objects.get()
    assert (booking.topic, booking.notes) == ("Growing up", "In a hurry")
    assert conditions_of(SessionType.objects.get(), 90, START).amount_minor == booking.amount_minor


def test_another_platform_fee_is_another_price(desk, talk, settings) -> None:
    typed = open_last_step(desk, talk)
    settings.PLATFORM_FEE_BASIS_POINTS = 1000
    answer = desk.post(address(talk), typed)
    assert (answer.status_code, is_untouched()) == (409, True)
    assert "The price is now ₹1,650; it was ₹1,575 when you looked." in answer.content.decode()


@pytest.mark.parametrize("shown", [{}, {"shown": ""}, {"shown": "mock"}, {"shown": "type=talk&minutes=90"}])
def test_a_missing_or_garbled_token_is_a_stale_one(desk, talk, shown) -> None:
    answer = desk.post(address(talk), {"topic": "Growing up"} | shown)
    assert (answer.status_code, is_untouched()) == (409, True)
    assert NOT_READ in answer.content.decode()
    assert "Growing up" in answer.content.decode()


def test_what_a_page_of_another_length_showed_is_not_what_is_booked(desk, talk) -> None:
    typed = open_last_step(desk, talk)
    answer = desk.post(address(talk, minutes=30), typed)
    assert (answer.status_code, is_untouched()) == (409, True)
    assert "It now lasts 30 minutes; it was 1 hour 30 minutes when you looked." in answer.content.decode()


def test_a_length_dropped_meanwhile_leads_to_the_first_step_and_what_was_typed_is_kept(desk, talk) -> None:
    typed = open_last_step(desk, talk)
    SessionType.objects.update(durations=[30, 60])
    answer = desk.post(address(talk), typed)
    assert (answer.status_code, is_untouched()) == (409, True)
    assert answer.context["choice"].step == "type"
    assert "A talk isn’t offered for 90 minutes. Please choose again." in answer.content.decode()
    chosen = desk.get(address(talk, minutes=30))
    assert "Growing up" in chosen.content.decode()
    assert chosen.context["changes"] == []  # chosen, not changed


def test_a_page_that_shows_an_error_marks_what_changed_too(desk, talk) -> None:
    typed = open_last_step(desk, talk)
    raise_price()
    answer = desk.post(address(talk), typed | {"topic": "x" * 201})
    assert answer.status_code == 422
    assert "The price is now ₹9,450; it was ₹1,575 when you looked." in answer.content.decode()


def test_a_time_just_taken_keeps_what_was_typed_for_another(desk, talk) -> None:
    typed = open_last_step(desk, talk)
    BookingFactory(session_type=SessionTypeFactory(mentor=talk.mentor, price_minor=0), starts_at=START)
    assert desk.post(address(talk), typed).status_code == 409
    other = address(talk).replace("04:30Z", "06:30Z")
    assert "Growing up" in desk.get(other).content.decode()


def test_what_was_typed_is_gone_once_it_is_booked(desk, talk) -> None:
    desk.post(address(talk), {"topic": "Growing up"})
    desk.post(address(talk), open_last_step(desk, talk))
    assert Booking.objects.count() == 1
    later = address(talk).replace("04:30Z", "06:30Z")
    assert "Growing up" not in desk.get(later).content.decode()


# Under the locks


def agrees(student: User, talk: SessionType, shown: str | None, minutes: int = 90) -> Booking:
    return book(
        student=student, session_type=talk, duration_minutes=minutes, starts_at=START, now=NOW, shown=shown
    )


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_book_compares_with_what_is_so_under_its_locks(student, talk, change, words) -> None:
    """Whoever calls it has read the type before, and holds the old facts."""
    shown = conditions_of(talk, 90, START).token
    change()
    with pytest.raises(ConditionsChanged):
        agrees(student, talk, shown)
    assert is_untouched()


def test_book_offers_no_other_length_than_the_one_that_was_shown(student, talk) -> None:
    shown = conditions_of(talk, 90, START).token
    SessionType.objects.update(durations=[30, 60])
    with pytest.raises(NotOffered):
        agrees(student, talk, shown)
    assert is_untouched()


def test_a_free_session_is_the_same_under_every_policy(student, mentor) -> None:
    free = SessionTypeFactory(mentor=mentor, price_minor=0)
    shown = conditions_of(free, 60, START).token
    Mentor.objects.update(cancellation_policy="strict")
    assert agrees(student, free, shown, minutes=60).status == Status.SCHEDULED


def test_pressing_twice_is_one_hold_though_the_price_rose_in_between(student, talk) -> None:
    shown = conditions_of(talk, 90, START).token
    first = agrees(student, talk, shown)
    raise_price()
    assert agrees(student, talk, shown) == first


def test_a_hold_gives_way_to_the_price_that_the_page_shows(student, talk) -> None:
    dear = agrees(student, talk, conditions_of(talk, 90, START).token)
    SessionType.objects.update(price_minor=20_000)
    talk.refresh_from_db()
    cheap = agrees(student, talk, conditions_of(talk, 90, START).token)
    dear.refresh_from_db()
    assert (dear.status, cheap.amount_minor) == (Status.CANCELLED, 31_500)


def test_a_hold_stands_while_the_page_that_would_replace_it_is_stale(student, talk) -> None:
    old = conditions_of(talk, 90, START).token
    raise_price()
    talk.refresh_from_db()
    held = agrees(student, talk, conditions_of(talk, 90, START).token)
    with pytest.raises(ConditionsChanged):
        agrees(student, talk, old)
    held.refresh_from_db()
    assert (held.status, held.claims.count()) == (Status.AWAITING_PAYMENT, 2)
