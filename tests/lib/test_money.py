from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.money import EXPONENTS, MOST_CHARGE, format_money, to_major, to_minor, unchargeable


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (100_000, "INR", "₹1,000"),
        (123_456_750, "INR", "₹12,34,567.50"),
        (7_500, "USD", "$75"),
        (7_875, "USD", "$78.75"),
        (4_500, "JPY", "¥4,500"),
        (12_000, "SGD", "SGD\N{NO-BREAK SPACE}120"),
        (1_500, "KWD", "KWD\N{NO-BREAK SPACE}1.500"),
        (0, "EUR", "€0"),
    ],
)
def test_money_reads_as_people_write_it(minor: int, currency: str, words: str) -> None:
    assert format_money(minor, currency) == words


def test_a_column_of_figures_keeps_its_zeros() -> None:
    assert format_money(100_000, "INR", full=True) == "₹1,000.00"


@given(st.integers(0, MOST_CHARGE), st.sampled_from(sorted(EXPONENTS)))
def test_major_and_minor_are_the_same_amount(minor: int, currency: str) -> None:
    assert to_minor(to_major(minor, currency), currency) == minor


@pytest.mark.parametrize(("amount", "currency"), [("1.999", "USD"), ("0.5", "JPY"), ("1.0005", "KWD")])
def test_more_digits_than_the_currency_has_are_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        to_minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("minor", "currency", "minutes", "is_taken"),
    [
        (0, "USD", 30, True),
        (49, "USD", 60, False),
        (50, "USD", 60, True),
        (99, "USD", 30, False),
        (100, "USD", 30, True),
        (99, "INR", 60, False),
        (100, "INR", 60, True),
        (1_505, "KWD", 60, False),
        (1_510, "KWD", 60, True),
        (MOST_CHARGE, "JPY", 60, True),
        (MOST_CHARGE + 1, "JPY", 60, False),
    ],
)
def test_what_no_provider_takes_is_refused_with_a_reason(
    minor: int, currency: str, minutes: int, is_taken: bool
) -> None:
    assert (unchargeable(minor, currency, minutes=minutes) == "") == is_taken
