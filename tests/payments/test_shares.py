from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.shares import Shares, overdrawn, shares_of


@dataclass(frozen=True)
class Facts:
    amount_minor: int = 105_000
    platform_fee_minor: int = 5_000
    refunded_minor: int = 0
    reserved_minor: int = 0
    lost_minor: int = 0


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), Shares(fee=5_000, mentor=100_000, refunded=0, on_its_way=0, lost=0)),
        (Facts(refunded_minor=50_000), Shares(5_000, 50_000, 50_000, 0, 0)),
        (Facts(reserved_minor=50_000), Shares(5_000, 50_000, 0, 50_000, 0)),
        (Facts(refunded_minor=100_000), Shares(5_000, 0, 100_000, 0, 0)),
        (Facts(refunded_minor=100_000, reserved_minor=1), Shares(4_999, 0, 100_000, 1, 0)),
        (Facts(refunded_minor=105_000), Shares(0, 0, 105_000, 0, 0)),
        (Facts(lost_minor=105_000), Shares(0, 0, 0, 0, 105_000)),
        (Facts(refunded_minor=50_000, lost_minor=55_000), Shares(0, 0, 50_000, 0, 55_000)),
    ],
)
def test_parts_come_out_of_the_price_first_and_everything_is_everything(facts, expected):
    assert shares_of(facts) == expected


def test_chargeback_of_refunded_money_takes_more_than_came_in():
    facts = Facts(refunded_minor=105_000, lost_minor=105_000)
    assert shares_of(facts) == Shares(0, 0, 105_000, 0, 0)
    assert overdrawn(facts) == 105_000


amounts = st.integers(0, 10**9)


@given(amounts, amounts, amounts, amounts, amounts)
def test_no_unit_is_lost_or_made_and_no_share_is_negative(price, fee, back, way, lost):
    amount = price + fee
    refunded = min(back, amount)
    facts = Facts(amount, fee, refunded, min(way, amount - refunded), lost)
    found = shares_of(facts)
    assert found.total == amount
    assert min(found.fee, found.mentor, found.refunded, found.on_its_way, found.lost) >= 0
    assert found.fee <= fee
    assert found.mentor <= price
    assert found.fee == fee or found.mentor == 0
