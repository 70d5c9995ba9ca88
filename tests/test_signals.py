"""What apps announce, and who hears it, is what docs/architecture.md says."""

import re
from pathlib import Path

from django.conf import settings
from django.dispatch import Signal

from accounts import closing
from accounts import signals as of_people
from bookings import signals as of_bookings
from mentors import signals as of_mentors
from payments import signals as of_payments

DOCS = Path(settings.BASE_DIR) / "docs" / "architecture.md"


def announced() -> dict[str, Signal]:
    modules = (closing, of_people, of_mentors, of_bookings, of_payments)
    return {name: each for module in modules for name, each in vars(module).items() if type(each) is Signal}


def documented() -> dict[str, str]:
    """By each signal's name who hears it, in words."""
    table = DOCS.read_text().partition("\n## Signals\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE)
    return {name: words for names, words in rows for name in re.findall(r"`(\w+)`", names)}


def test_every_signal_is_written_down() -> None:
    assert set(documented()) == set(announced())


def test_a_signal_that_nobody_hears_is_written_down_as_such() -> None:
    unheard = {name for name, signal in announced().items() if not signal.receivers}
    assert {name for name, words in documented().items() if words.startswith("nobody yet")} == unheard
