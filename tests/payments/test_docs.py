"""docs/payments.md says what the code does."""

import ast
import re
from pathlib import Path

import pytest
from django.urls import reverse

from payments.gateways.stripe import webhooks

GUIDE = Path(__file__).parents[2] / "docs" / "payments.md"
TEXT = GUIDE.read_text()


@pytest.mark.parametrize("event", sorted(webhooks.PAYMENT_EVENTS | webhooks.REFUND_EVENTS))
def test_guide_subscribes_to_every_event_that_is_heard(event):
    assert f"`{event}`" in TEXT


@pytest.mark.parametrize("name", ["webhook_stripe", "webhook_razorpay"])
def test_guide_names_the_webhooks(name):
    assert f"https://<your site>{reverse(name)}`" in TEXT


def cases() -> list[str]:
    """The rows of the table of what can happen."""
    table = TEXT.partition("## What can happen, and what comes of it")[2].partition("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def functions(path: str) -> set[str]:
    tree = ast.parse((GUIDE.parent / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.split("|")[1].strip())
def test_each_case_of_the_guide_is_proved_by_the_tests_it_names(case):
    tests = re.findall(r"\]\(([^)]+)\): ((?:`\w+`(?:, )?)+)", case)
    assert tests
    for path, names in tests:
        assert set(re.findall(r"`(\w+)`", names)) <= functions(path)
