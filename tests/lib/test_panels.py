"""Panels: what lower apps' pages show of upper apps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils.safestring import SafeString

from lib.panels import Panels


@dataclass(frozen=True)
class Row:
    pk: int


class Upper:
    """Says something of odd rows only."""

    made: ClassVar[list[int]] = []

    def __init__(self, request: HttpRequest, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.made.append(len(rows))

    def first(self) -> Mapping[int, SafeString]:
        return {row.pk: SafeString(f"<b>{row.pk}</b>") for row in self.rows if row.pk % 2}

    def second(self) -> Mapping[int, SafeString]:
        return {row.pk: SafeString("again") for row in self.rows}


@pytest.fixture
def panels() -> Panels:
    Upper.made.clear()
    found = Panels("first", "second", "empty")
    for _ in range(2):
        found.register(Upper, first=Upper.first, second=Upper.second)
    return found


def test_panels_of_a_page_are_rendered_from_one_load_of_all_its_rows(
    panels: Panels, rf: RequestFactory
) -> None:
    shown = panels.render(rf.get("/"), [Row(1), Row(2)], "first", "second")
    assert shown == {"first": {1: "<b>1</b>", 2: ""}, "second": {1: "again", 2: "again"}}
    assert Upper.made == [2]


def test_a_panel_that_nobody_fills_is_empty_and_loads_nothing(panels: Panels, rf: RequestFactory) -> None:
    assert panels.render_one(rf.get("/"), Row(1), "empty") == {"empty": ""}
    assert Upper.made == []


def test_a_page_without_rows_loads_nothing(panels: Panels, rf: RequestFactory) -> None:
    assert panels.render(rf.get("/"), [], "first") == {"first": {}}
    assert Upper.made == []


def test_a_panel_that_no_page_has_can_be_neither_filled_nor_shown(panels: Panels, rf: RequestFactory) -> None:
    with pytest.raises(KeyError):
        panels.register(Upper, third=Upper.first)
    with pytest.raises(KeyError):
        panels.render_one(rf.get("/"), Row(1), "third")
