"""Drawings: lengths to the minute, and a person the same everywhere."""

from typing import NamedTuple

import pytest
from django.template import Context, Template

from lib.drawings import dial, portrait


class Person(NamedTuple):
    number: int
    initials: str = "MR"
    photo_url: str = ""


def drawn(template: str, **context: object) -> str:
    return Template("{% load drawings %}" + template).render(Context(context))


def test_length_is_an_arc_of_an_hour() -> None:
    assert dial(45) == (
        '<svg class="dial dial--m" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true">'
        '<circle class="dial__track" cx="24" cy="24" r="21.5"/>'
        '<circle class="dial__arc" cx="24" cy="24" r="21.5" pathLength="60" stroke-dasharray="45 60"'
        ' transform="rotate(-90 24 24)"/><text x="24" y="28.4">45</text></svg>'
    )


def test_full_hour_has_no_seam() -> None:
    assert "dasharray" not in dial(60)
    assert dial(60).count("<circle") == 1


@pytest.mark.parametrize(
    ("minutes", "arcs", "dashes"), [(60, 1, []), (90, 2, ["30 60"]), (120, 2, []), (150, 2, [])]
)
def test_second_hour_is_a_second_ring(minutes: int, arcs: int, dashes: list[str]) -> None:
    shown = dial(minutes)
    assert shown.count("dial__arc") == arcs
    assert [each for each in ("30 60", "60 60") if each in shown] == dashes
    assert f">{minutes}</text>" in shown


def test_small_second_hour_is_a_second_dial_to_the_right() -> None:
    shown = dial(90, size="s")
    assert 'viewBox="0 0 100 48" width="41.6667" height="20"' in shown
    assert '<g transform="translate(52)">' in shown
    assert "<text" not in shown


def test_offer_of_several_lengths_shows_the_shortest_and_how_far_it_goes() -> None:
    shown = drawn("{% dial_of durations %}", durations=[30, 60, 90, 120])
    assert shown == dial(30, longest=120)
    assert shown.count("dial__more") == 2
    assert shown.count("dial__arc") == 1
    assert "<text" not in shown
    assert drawn("{% dial_of durations %}", durations=[45]) == dial(45)


def test_tone_is_an_attribute() -> None:
    assert 'data-tone="held"' in drawn('{% dial 60 size="s" tone="held" %}')
    assert "data-tone" not in dial(60)


def test_person_is_drawn_from_their_number() -> None:
    assert portrait(Person(2), 36) == (
        '<svg class="portrait hue-3" viewBox="0 0 64 64" width="36" height="36" aria-hidden="true">'
        '<path d="M32 32L4.3 16A32 32 0 0 1 32 0Z"/><text x="32" y="39.5">MR</text></svg>'
    )
    assert {portrait(Person(number))[21:26] for number in range(12)} == {f"hue-{hue}" for hue in range(1, 7)}


def test_initials_are_escaped() -> None:
    assert "<&" not in portrait(Person(1, initials="<&"))
    assert "&lt;&amp;</text>" in portrait(Person(1, initials="<&"))


def test_photo_is_a_picture_of_the_same_size() -> None:
    person = Person(1, photo_url='/media/a".jpg')
    assert drawn("{% portrait person %}", person=person) == (
        '<picture><source type="image/webp" srcset="/media/a&quot;-112.webp 2x, /media/a&quot;-240.webp 4x">'
        '<img class="portrait" src="/media/a&quot;-112.jpg" '
        'srcset="/media/a&quot;-112.jpg 2x, /media/a&quot;-240.jpg 4x" '
        'alt="" width="56" height="56" loading="lazy"></picture>'
    )
    large = drawn("{% portrait person size=120 %}", person=person)
    assert "/media/a&quot;-240.webp 2x, /media/a&quot;.webp 3x" in large
    assert "lazy" not in large


def test_many_together_are_drawn_though_they_have_photos() -> None:
    person = Person(2, photo_url="/media/a.jpg")
    assert drawn("{% portrait person size=36 drawn=True %}", person=person) == portrait(Person(2), 36)
