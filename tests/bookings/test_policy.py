from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.policy import POLICIES, Quote, at_most, describe, quote
from lib.money import EXPONENTS
from mentors.models import Mentor
from tests.factories import NOW

START = NOW + timedelta(days=7)


def hours(number: float) -> datetime:
    """So long before the start."""
    return START - timedelta(hours=number)


def of(policy: str, now: datetime, price: int = 100_000, fee: int = 5_000, currency: str = "INR") -> Quote:
    return quote(policy, price_minor=price, fee_minor=fee, currency=currency, starts_at=START, now=now)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("flexible", "All your money back until 24 hours before; after that nothing comes back."),
        (
            "moderate",
            "All your money back until 48 hours before, 50% of the price back until 24 hours before; after that nothing comes back.",  # noqa: E501
        ),
        ("strict", "50% of the price back until 72 hours before; after that nothing comes back."),
    ],
)
def test_describe_says_the_policy_in_a_sentence(policy, words):
    assert describe(policy) == words


def test_every_policy_of_a_mentor_has_its_lines():
    assert set(POLICIES) == set(Mentor.Policy.values)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_lines_of_a_policy_give_back_less_the_nearer_the_start(policy):
    lines = POLICIES[policy]
    assert [line.before for line in lines] == sorted({line.before for line in lines}, reverse=True)
    assert [line.percent for line in lines] == sorted({line.percent for line in lines}, reverse=True)
    assert all(line.before > timedelta() and 0 < line.percent <= 100 for line in lines)


@pytest.mark.parametrize(
    ("policy", "before", "minor"),
    [
        ("flexible", 100, 105_000),
        ("flexible", 24, 105_000),
        ("flexible", 23.99, 0),
        ("moderate", 48, 105_000),
        ("moderate", 47.99, 50_000),
        ("moderate", 24, 50_000),
        ("moderate", 23.99, 0),
        ("strict", 100, 50_000),
        ("strict", 72, 50_000),
        ("strict", 71.99, 0),
        *((policy, 0, 0) for policy in POLICIES),
        *((policy, -1, 0) for policy in POLICIES),
    ],
)
def test_quote_is_all_with_the_fee_or_a_share_of_the_price(policy, before, minor):
    assert of(policy, hours(before)).refund_minor == minor


def test_quote_tells_what_comes_after_each_line():
    assert of("moderate", NOW) == Quote(105_000, hours(48), Quote(50_000, hours(24), Quote(0)))
    assert of("moderate", hours(30)) == Quote(50_000, hours(24), Quote(0))
    assert of("moderate", hours(1)) == Quote(0)


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [(101, "INR", 51), (1, "JPY", 1), (999, "JPY", 500), (10_010, "KWD", 5_010), (10_000, "KWD", 5_000)],
)
def test_half_is_rounded_up_once_and_in_steps_that_can_be_refunded(price, currency, minor):
    assert of("strict", NOW, price, 0, currency).refund_minor == minor


def test_no_more_is_promised_than_is_left():
    assert at_most(of("moderate", NOW), 105_000) == of("moderate", NOW)
    assert at_most(of("moderate", NOW), 60_000) == Quote(
        60_000, hours(48), Quote(50_000, hours(24), Quote(0))
    )
    assert at_most(of("moderate", NOW), 40_000) == Quote(40_000, hours(24), Quote(0))
    assert at_most(of("moderate", NOW), 0) == Quote(0)


steps = st.integers(0, 10**7)
moments = st.timedeltas(timedelta(days=-1), timedelta(days=7)).map(lambda before: START - before)


@given(st.sampled_from(sorted(POLICIES)), st.sampled_from(sorted(EXPONENTS)), steps, steps, moments, moments)
def test_quote_is_never_negative_never_more_than_paid_and_never_grows(
    policy, currency, price, fee, one, other
):
    step = 10 if EXPONENTS[currency] == 3 else 1
    price, fee = price * step, fee * step
    earlier, later = (of(policy, now, price, fee, currency).refund_minor for now in sorted([one, other]))
    assert 0 <= later <= earlier <= price + fee
    assert earlier % step == 0


@given(st.sampled_from(sorted(POLICIES)), st.sampled_from(sorted(EXPONENTS)), steps, steps, moments)
def test_what_goes_back_and_what_stays_are_what_was_paid_to_the_unit(policy, currency, price, fee, now):
    step = 10 if EXPONENTS[currency] == 3 else 1
    price, fee = price * step, fee * step
    back = of(policy, now, price, fee, currency).refund_minor
    percent = max((line.percent for line in POLICIES[policy] if START - line.before >= now), default=0)
    if percent == 100:
        assert back == price + fee
    else:
        # Half up, and so at most half a step from the exact share; the fee stays whole.
        assert 0 <= 2 * (100 * back - price * percent) + 100 * step <= 200 * step
        assert price + fee - back >= fee


@given(st.sampled_from(sorted(POLICIES)), steps, steps, moments)
def test_after_each_line_the_quote_is_what_was_foretold(policy, price, fee, now):
    found = of(policy, now, price, fee)
    while found.until is not None:
        assert of(policy, found.until, price, fee) == found
        found, now = found.after, found.until + timedelta(microseconds=1)
        assert of(policy, now, price, fee) == found
