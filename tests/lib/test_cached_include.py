from collections.abc import Iterator

import pytest
from django.template import Context, Template
from django.utils.safestring import SafeString
from pytest_django.fixtures import Settings

from lib.clock import hours_of_day
from lib.templatetags import cached_include

NOTE = "{% load cached_include %}{% cached_include 'components/state.html' status='free' label=words %}"


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cached_include.kept.cache_clear()
    yield
    cached_include.kept.cache_clear()


def badge(words: object) -> str:
    return Template(NOTE).render(Context({"words": words}))


def test_partial_reads_as_if_it_was_included() -> None:
    included = "{% include 'components/state.html' with status='free' label=words only %}"
    plain = Template(included).render(Context({"words": "<Free>"}))
    assert badge("<Free>") == plain
    assert badge("<Free>") == plain
    assert cached_include.kept.cache_info().hits == 1


def test_safe_text_and_the_same_text_are_two() -> None:
    assert "<b>" in badge(SafeString("<b>"))
    assert "<b>" not in badge("<b>")
    assert "<b>" in badge(SafeString("<b>"))


def test_equal_values_of_other_types_are_others() -> None:
    assert "True" in badge(True)
    assert "True" not in badge(1)


def test_another_clocks_hours_are_another_text() -> None:
    assert badge("Free") == badge("Free")
    with hours_of_day(24):
        badge("Free")
    assert cached_include.kept.cache_info().currsize == 2


def test_nothing_is_kept_while_templates_are_written(settings: Settings) -> None:
    settings.DEBUG = True
    assert badge("Free") == badge("Free")
    assert cached_include.kept.cache_info().currsize == 0
