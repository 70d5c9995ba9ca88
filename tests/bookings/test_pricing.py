from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.pricing import price_for
from lib.money import EXPONENTS, MOST_CHARGE

MINIMUMS = {"USD": 100, "EUR": 100, "GBP": 100}


def priced(rate, minutes, currency="USD", *, hourly=True, percent=5):
    price = price_for(
        rate_minor=rate,
        hourly=hourly,
        duration_minutes=minutes,
        currency=currency,
        fee_basis_points=percent * 100,
        fee_minimums=MINIMUMS,
    )
    return price.price_minor, price.fee_minor, price.amount_minor


@pytest.mark.parametrize(
    ("rate", "minutes", "currency", "expected"),
    [
        (5_000, 90, "USD", (7_500, 375, 7_875)),  # $50 an hour: $75.00 + $3.75
        (5_000, 60, "USD", (5_000, 250, 5_250)),
        (1_000, 60, "USD", (1_000, 100, 1_100)),  # 5 % of $10 is below a dollar
        (2_000, 60, "USD", (2_000, 100, 2_100)),
        (2_010, 60, "USD", (2_010, 101, 2_111)),  # 100.5 cents
        (100_000, 60, "INR", (100_000, 5_000, 105_000)),  # rupees have no minimum fee
        (100, 30, "INR", (50, 3, 53)),  # 2.5 paise
        (3_333, 30, "JPY", (1_667, 83, 1_750)),  # 1666.5 and 83.35 yen
        (10_005, 60, "KWD", (10_010, 500, 10_510)),  # in steps of ten fils
        (0, 120, "USD", (0, 0, 0)),  # free has no fee
    ],
)
def test_price_by_the_hour(rate, minutes, currency, expected):
    assert priced(rate, minutes, currency) == expected


@pytest.mark.parametrize("minutes", [30, 60, 120])
def test_price_of_one_price_does_not_depend_on_the_length(minutes):
    assert priced(50_000, minutes, "INR", hourly=False) == (50_000, 2_500, 52_500)


def test_price_without_a_fee_has_none_but_the_minimum():
    assert priced(5_000, 60, "INR", percent=0) == (5_000, 0, 5_000)
    assert priced(5_000, 60, "USD", percent=0) == (5_000, 100, 5_100)


rates = st.integers(0, MOST_CHARGE)
lengths = st.sampled_from([30, 60, 90, 120])
currencies = st.sampled_from(sorted(EXPONENTS))
percents = st.integers(0, 30)


def half_up(exact, step):
    """To the nearest whole step; the half goes up."""
    return int((exact / step + Fraction(1, 2)) // 1) * step


@given(rates, lengths, currencies, percents)
def test_price_rounds_price_and_fee_once_and_loses_nothing(rate, minutes, currency, percent):
    step = 10 if EXPONENTS[currency] == 3 else 1
    price, fee, amount = priced(rate, minutes, currency, percent=percent)
    assert price == half_up(Fraction(rate * minutes, 60), step)
    least = MINIMUMS.get(currency, 0) if price else 0
    assert fee == max(half_up(Fraction(price * percent, 100), step), least)
    assert amount == price + fee
    assert amount % step == 0


@given(rates, rates, lengths, lengths, currencies)
def test_price_never_falls_when_the_rate_or_the_length_grows(rate, other, minutes, more, currency):
    low = priced(min(rate, other), min(minutes, more), currency)
    high = priced(max(rate, other), max(minutes, more), currency)
    assert all(less <= greater for less, greater in zip(low, high, strict=True))
