"""The picture that stands beside a link where somebody shares it: 1200 by 630 pixels, as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lib import fonts

WIDTH, HEIGHT = 1200, 630
EDGE = 80
# Curves are drawn so many times larger, and then shrunk.
FINE = 4
COLOURS = 64  # in the file: flat areas and soft edges need no more, and a photo has its own
PAPER, SHEET, INK, QUIET, LINE, EVERGREEN = "#f9f7f1", "#fdfcf9", "#141b24", "#4c535d", "#dcd9d0", "#00563f"
# Disc, wedge and initials, by `number % 6`, as the style sheet's hues in the light.
PEOPLE = (
    ("#f4e4f2", "#e7c8e3", "#4c2f49"),
    ("#efead7", "#ded4af", "#443a10"),
    ("#f8e5d9", "#efccb5", "#52311a"),
    ("#fbe3e1", "#f3c8c3", "#562d2a"),
    ("#e7e8fb", "#cfd0f4", "#373659"),
    ("#daedf9", "#b5daf0", "#153f55"),
)


@dataclass(frozen=True)
class Offered:
    """Somebody who can be booked. `times` are at most three lines, `note` says by whose clock they are."""

    name: str
    headline: str
    number: int
    initials: str
    photo: bytes
    minutes: int
    price: str
    times: Sequence[tuple[str, str]]
    note: str


def draw_site(name: str, words: str) -> bytes:
    picture, draw = _sheet(name)
    _lines(draw, (EDGE, 230), words, _font(fonts.BOLD, 76), INK, WIDTH - 2 * EDGE - 300, most=3, leading=92)
    _paste_dial(picture, 60, (WIDTH - EDGE - 240, 250), 240, with_hands=True)
    return _png(picture, COLOURS)


def draw_offered(site_name: str, who: Offered) -> bytes:
    """Takes about a tenth of a second."""
    picture, draw = _sheet(site_name)
    side = 220
    disc = _photo(who.photo, side) if who.photo else _portrait(who.number, who.initials, side)
    picture.paste(disc, (EDGE, 165), disc)
    left, room = EDGE + side + 44, WIDTH - 2 * EDGE - side - 44
    top = 165
    top = _lines(draw, (left, top), who.name, _font(fonts.BOLD, 64), INK, room, most=1, leading=84)
    _lines(draw, (left, top), who.headline, _font(fonts.REGULAR, 34), QUIET, room, most=3, leading=46)
    draw.line([(EDGE, 424), (WIDTH - EDGE, 424)], fill=LINE, width=2)
    _paste_dial(picture, who.minutes, (EDGE, 462), 96)
    draw.text((EDGE + 116, 470), f"{who.minutes} min", font=_font(fonts.BOLD, 34), fill=INK)
    room = WIDTH - 2 * EDGE - 116 if not who.times else 240
    _lines(draw, (EDGE + 116, 516), who.price, _font(fonts.REGULAR, 28), QUIET, room, most=1, leading=36)
    tile = 210
    for number, (day, time) in enumerate(who.times[:3]):
        x = WIDTH - EDGE - (len(who.times[:3]) - number) * (tile + 16) + 16
        box = (x, 458, x + tile, 458 + 92)
        draw.rounded_rectangle(box, radius=14, fill=SHEET, outline=EVERGREEN, width=2)
        draw.text((x + tile / 2, 484), day, font=_font(fonts.REGULAR, 26), fill=QUIET, anchor="mm")
        draw.text((x + tile / 2, 522), time, font=_font(fonts.BOLD, 34), fill=EVERGREEN, anchor="mm")
    draw.text((WIDTH - EDGE, 578), who.note, font=_font(fonts.REGULAR, 24), fill=QUIET, anchor="rm")
    return _png(picture, 256 if who.photo else COLOURS)


def _sheet(site_name: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, WIDTH, 12), fill=EVERGREEN)
    _paste_dial(picture, 60, (EDGE, 62), 52, with_hands=True)
    draw.text((EDGE + 68, 88), site_name, font=_font(fonts.BOLD, 34), fill=INK, anchor="lm")
    return picture, draw


def _png(picture: Image.Image, colours: int) -> bytes:
    out = BytesIO()
    picture.quantize(colours).save(out, "PNG", optimize=True)
    return out.getvalue()


@cache
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _lines(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    font: ImageFont.FreeTypeFont,
    colour: str,
    room: int,
    *,
    most: int,
    leading: int,
) -> int:
    """Writes the words in as many lines as they need, at most so many; where the next thing begins."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} …"]
    for number, line in enumerate(lines):
        while line and draw.textlength(line, font) > room:
            line = line[:-2].rstrip(" …") + "…" if len(line) > 2 else ""
        draw.text((at[0], at[1] + number * leading), line, font=font, fill=colour)
    return at[1] + len(lines) * leading + 8


def _paste_dial(
    picture: Image.Image, minutes: int, at: tuple[int, int], side: int, *, with_hands: bool = False
) -> None:
    """As `drawings.dial`: an hour a ring, clockwise from twelve."""
    big = side * FINE
    drawn = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    draw = ImageDraw.Draw(drawn)
    stroke = round(big * (3.8 / 32 if with_hands else 4 / 48))
    for hour in range(min(ceil(minutes / 60), 2)):
        inset = hour * round(stroke * 1.5)
        box = (inset, inset, big - 1 - inset, big - 1 - inset)
        draw.arc(box, 0, 360, fill=LINE, width=stroke)
        draw.arc(box, -90, -90 + 6 * min(minutes - 60 * hour, 60), fill=EVERGREEN, width=stroke)
    if with_hands:
        middle, unit = big / 2, big / 32
        hands = [(middle, 8.5 * unit), (middle, middle), (middle + 5 * unit, middle + 3.6 * unit)]
        draw.line(hands, fill=EVERGREEN, width=round(3.4 * unit), joint="curve")
    drawn = drawn.resize((side, side), Image.Resampling.LANCZOS)
    picture.paste(drawn, at, drawn)


def _portrait(number: int, initials: str, side: int) -> Image.Image:
    """As `drawings.portrait`: initials over the wedge that the number draws."""
    fill, hand, ink = PEOPLE[number % len(PEOPLE)]
    big = side * FINE
    drawn = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    draw = ImageDraw.Draw(drawn)
    start = 5 * number % 12 * 30 - 90
    draw.ellipse((0, 0, big - 1, big - 1), fill=fill)
    draw.pieslice((0, 0, big - 1, big - 1), start, start + (2 + 7 * number // 3 % 4) * 30, fill=hand)
    font = _font(fonts.BOLD, round(big * 0.34))
    draw.text((big / 2, big / 2), initials, font=font, fill=ink, anchor="mm")
    return drawn.resize((side, side), Image.Resampling.LANCZOS)


def _photo(content: bytes, side: int) -> Image.Image:
    photo = Image.open(BytesIO(content)).convert("RGBA").resize((side, side), Image.Resampling.LANCZOS)
    round_mask = Image.new("L", (side * FINE, side * FINE), 0)
    ImageDraw.Draw(round_mask).ellipse((0, 0, side * FINE - 1, side * FINE - 1), fill=255)
    photo.putalpha(round_mask.resize((side, side), Image.Resampling.LANCZOS))
    return photo
