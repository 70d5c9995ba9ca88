"""What is drawn on pages: the mark, lengths as dials, people as portraits.

Each drawing is SVG without styles of its own, which the style sheet colours, and is hidden from screen readers: the
same fact stands beside it in words.
"""

from functools import cache, lru_cache
from html import escape
from math import cos, radians, sin
from typing import Protocol

HUES = 6
RING = {"m": 21.5, "s": 20.5}
INNER_RING = 15.8
SECOND_DIAL = 52
DIAL_PIXELS = {"m": 48, "s": 20}
LONGEST_DRAWN = 120  # minutes: two rings
KEPT = 4096


class Person(Protocol):
    """Whoever has a portrait: a mentor, a user, or what a card knows of a mentor."""

    @property
    def number(self) -> int: ...
    @property
    def initials(self) -> str: ...
    @property
    def photo_url(self) -> str: ...


def mark(pixels: int = 28) -> str:
    """The full hour with its hands."""
    return (
        f'<svg class="mark" viewBox="0 0 32 32" width="{pixels}" height="{pixels}" aria-hidden="true">'
        '<circle cx="16" cy="16" r="13"/><path d="M16 8.5V16l5 3.6"/></svg>'
    )


@cache
def dial(minutes: int, *, longest: int = 0, size: str = "m", tone: str = "") -> str:
    """A length, clockwise from twelve, as "60 min" beside it says; with `longest` an offer from this length to that.

    `size` is m (48 px, with the minutes inside) or s (20 px high). `tone` is held or over. Past two hours it is full.
    """
    to = min(max(minutes, longest), LONGEST_DRAWN)
    has_two = to > 60
    if size == "s":
        rings = [_ring(RING["s"], minutes, to)]
        if has_two:
            rings.append(
                f'<g transform="translate({SECOND_DIAL})">{_ring(RING["s"], minutes - 60, to - 60)}</g>'
            )
        width = 48 + SECOND_DIAL * has_two
    else:
        rings = [_ring(RING["m"], minutes, to)]
        if has_two:
            rings.append(_ring(INNER_RING, minutes - 60, to - 60))
        if not longest:
            rings.append(f'<text x="24" y="28.4">{minutes}</text>')
        width = 48
    pixels = DIAL_PIXELS[size]
    names = f"dial dial--{size}{' dial--two' if has_two else ''}"
    toned = f' data-tone="{tone}"' if tone else ""
    return (
        f'<svg class="{names}"{toned} viewBox="0 0 {width} 48" width="{pixels * width / 48:g}" height="{pixels}" '
        f'aria-hidden="true">{"".join(rings)}</svg>'
    )


@cache
def dots(*filled: bool) -> str:
    """A row of dots, 5 px each, of which some are rings."""
    marks = [
        f'<circle class="dots__{"dot" if each else "ring"}" cx="{4 + 8 * at}" cy="4" r="{2.5 if each else 2}"/>'
        for at, each in enumerate(filled)
    ]
    return f'<svg class="dots" width="{8 * len(filled)}" height="8" aria-hidden="true">{"".join(marks)}</svg>'


def _ring(radius: float, minutes: int, longest: int) -> str:
    """One hour of a dial: its track, what the longest length fills of it, and what the shortest does."""
    minutes, longest = min(max(minutes, 0), 60), min(longest, 60)
    track = _arc("dial__track", radius, 60) if longest < 60 else ""
    more = _arc("dial__more", radius, longest) if longest > minutes else ""
    return track + more + _arc("dial__arc", radius, minutes)


def _arc(name: str, radius: float, minutes: int) -> str:
    """A full hour has no dash, or else a seam would show."""
    if not minutes:
        return ""
    circle = f'<circle class="{name}" cx="24" cy="24" r="{radius}"'
    if minutes == 60:
        return f"{circle}/>"
    return f'{circle} pathLength="60" stroke-dasharray="{minutes} 60" transform="rotate(-90 24 24)"/>'


def portrait(person: Person, size: int = 56, *, drawn: bool = False) -> str:
    """A person as a disc of `size` pixels: their photo, or else their initials over a wedge that their number draws.

    With `drawn` no photo, where many stand together: each would be a request more of a first visit.
    """
    if person.photo_url and not drawn:
        return _photo(person.photo_url, size)
    return _drawn(person.number, person.initials, size)


@lru_cache(KEPT)
def _photo(url: str, size: int) -> str:
    """In the size in which it stands (`mentors.photo_sizes`), as WebP where that is understood.

    Large ones stand at the top of a page, where waiting for them would only cost time.
    """
    lazy = ' loading="lazy"' if size < 96 else ""
    base = escape(url.removesuffix(".jpg"))
    # The first is sharp enough on screens of twice the density, the other for those of three and more.
    first, sharper = ("-112", "-240") if size < 96 else ("-240", "")
    more = "4x" if size < 96 else "3x"
    sets = [f"{base}{first}.{kind} 2x, {base}{sharper}.{kind} {more}" for kind in ("webp", "jpg")]
    return (
        f'<picture><source type="image/webp" srcset="{sets[0]}"><img class="portrait" src="{base}{first}.jpg" '
        f'srcset="{sets[1]}" alt="" width="{size}" height="{size}"{lazy}></picture>'
    )


@lru_cache(KEPT)
def _drawn(number: int, initials: str, size: int) -> str:
    start = 5 * number % 12 * 30
    end = start + (2 + 7 * number // 3 % 4) * 30
    wedge = f"M32 32L{_point(start)}A32 32 0 0 1 {_point(end)}Z"
    return (
        f'<svg class="portrait hue-{number % HUES + 1}" viewBox="0 0 64 64" width="{size}" height="{size}" '
        f'aria-hidden="true"><path d="{wedge}"/><text x="32" y="39.5">{escape(initials)}</text></svg>'
    )


def _point(angle: int) -> str:
    """On the rim of a portrait, in degrees clockwise from twelve."""
    across, down = 32 + 32 * sin(radians(angle)), 32 - 32 * cos(radians(angle))
    return f"{round(across, 1):g} {round(down, 1):g}"
