"""An uploaded picture becomes a small square JPEG of our own making: nothing of the upload but its pixels is kept.

A file of two kilobytes may unpack to gigabytes, so what unpacking costs is bounded: by the pixels that the header
promises, by unpacking a JPEG at a part of its size, by working in strips, and by one picture at a time in a process.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
SIDE = 384
MAX_BYTES = 5 * 1024 * 1024
# What phones and cameras call 24 megapixels. At most 8 bytes a pixel while unpacking: a progressive JPEG in CMYK.
MAX_PIXELS = 24_500_000
# Unpacked twice over by its library, which can't do it at a part of the size: 16 bytes a pixel.
MAX_PIXELS_OF_WEBP = 12_250_000
# So many pixels of a strip are converted at a time.
STRIP_PIXELS = 1_000_000
TURN_SECONDS = 10.0
ORIENTATION = 0x0112

NOT_A_PHOTO = "This file is not a picture that we can read. Choose a JPEG, PNG or WebP photo."
TOO_MANY_PIXELS = "This photo has too many pixels. Choose one of at most 24 megapixels, or 12 as WebP."
BUSY = "We are busy with other photos. Please try again in a minute."

_turn = threading.Lock()


class BadPhoto(Exception):
    """The message is for the person who uploaded it."""


@dataclass(frozen=True)
class Photo:
    """Only `read_photo` makes one."""

    jpeg: bytes


def read_photo(
    file: IO[bytes], size: int, *, turn_seconds: float = TURN_SECONDS, strip_pixels: int = STRIP_PIXELS
) -> Photo:
    """Decode, turn upright, crop to a square, encode anew without metadata. Raises `BadPhoto`.

    The size in pixels is read from the header and checked before anything is unpacked. Waits for its turn, at most
    `turn_seconds`; needs about 200 MB at worst.
    """
    if size > MAX_BYTES:
        raise BadPhoto("This photo is larger than 5 MB. Choose a smaller one.")
    with _one_at_a_time(turn_seconds):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                picture = Image.open(file, formats=FORMATS)
            most = MAX_PIXELS_OF_WEBP if picture.format == "WEBP" else MAX_PIXELS
            if picture.width * picture.height > most:
                raise BadPhoto(TOO_MANY_PIXELS)
            return Photo(_encode(picture, strip_pixels))
        except Image.DecompressionBombError as error:
            raise BadPhoto(TOO_MANY_PIXELS) from error
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise BadPhoto(NOT_A_PHOTO) from error


@contextmanager
def _one_at_a_time(seconds: float) -> Iterator[None]:
    if not _turn.acquire(timeout=seconds):
        raise BadPhoto(BUSY)
    try:
        yield
    finally:
        _turn.release()


def _encode(picture: Image.Image, strip_pixels: int) -> bytes:
    picture.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG need not be unpacked at its full size
    small = _middle(picture, strip_pixels)
    # Pillow carries comments, profiles and the like from picture to picture; a new one has none but this.
    small.getexif()[ORIENTATION] = picture.getexif().get(ORIENTATION, 1)
    upright = ImageOps.exif_transpose(small)
    clean = Image.new("RGB", (SIDE, SIDE))
    clean.paste(ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.LANCZOS))
    out = BytesIO()
    clean.save(out, "JPEG", quality=85, optimize=True, progressive=True)
    return out.getvalue()


def _middle(picture: Image.Image, strip_pixels: int) -> Image.Image:
    """The largest square in the middle, on white, shrunk to between 2 and 4 times `SIDE` when it is larger.

    Strip by strip: a converted copy of the whole would take as much again as the picture.
    """
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    shrink = max(1, side // (2 * SIDE))
    rows = max(shrink, strip_pixels // side // shrink * shrink)
    found = Image.new("RGB", (-(-side // shrink), -(-side // shrink)))
    for row in range(0, side, rows):
        box = (left, top + row, left + side, top + min(row + rows, side))
        strip = _opaque(picture.crop(box))
        found.paste(strip.reduce(shrink), (0, row // shrink))
    return found


def _opaque(strip: Image.Image) -> Image.Image:
    """In plain colours; what is transparent becomes white."""
    if strip.mode.startswith("I;16"):
        strip = strip.point(lambda value: value / 256, "L")
    if not strip.has_transparency_data:
        return strip.convert("RGB")
    colours = strip.convert("RGBA")
    white = Image.new("RGB", strip.size, "white")
    white.paste(colours, mask=colours)
    return white
