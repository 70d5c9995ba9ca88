from datetime import timedelta

import pytest

from bookings.policy import POLICIES, describe
from mentors.models import Mentor


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
