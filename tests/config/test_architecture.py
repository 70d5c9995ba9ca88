"""docs/architecture.md names files that are there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The last section tells of a file that somebody is yet to write.
TEXT = (ROOT / "docs" / "architecture.md").read_text().partition("## Adding a feature")[0]
APPS = "lib|accounts|mentors|bookings|payments|notifications|config"
PATHS = sorted(set(re.findall(rf"`((?:{APPS}|templates|tests|docs)/[\w/.-]+)`", TEXT)))
ANSWERS = re.findall(r"^\| Where .+\? \| `([\w/]+)\.py`, (`\w+`(?: and `\w+`)*)", TEXT, re.MULTILINE)


@pytest.mark.parametrize("path", [path for path in PATHS if "NAME" not in path])
def test_a_named_file_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("module", "names"), ANSWERS)
def test_an_answer_is_defined_where_it_says(module: str, names: str) -> None:
    found = import_module(module.replace("/", "."))
    assert [name for name in re.findall(r"`(\w+)`", names) if not hasattr(found, name)] == []
