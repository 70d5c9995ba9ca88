from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lib.intervals import Interval, merge, subtract


def _minutes(intervals: Sequence[Interval]) -> set[int]:
    return {minute for start, stop in intervals for minute in range(start, stop)}


small = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


@given(small, small)
def test_merge_and_subtract_say_what_sets_of_minutes_say(one: list[Interval], other: list[Interval]) -> None:
    left, right = merge(one), merge(other)
    assert _minutes(left) == _minutes(one)
    assert all(a[1] < b[0] for a, b in pairwise(left))
    assert _minutes(subtract(left, right)) == _minutes(one) - _minutes(other)
