"""An uploaded picture becomes a small square JPEG of our own making: nothing of the upload but its pixels is kept."""

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
SIDE = 384
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000

NOT_A_PHOTO = "This file is not a picture that we can read. Choose a JPEG, PNG or WebP photo."
TOO_MANY_PIXELS = "This photo has too many pixels. Choose one of at most 40 megapixels."


class BadPhoto(Exception):
    """The message is for the person who uploaded it."""


@dataclass(frozen=True)
class Photo:
    """Only `read_photo` makes one."""

    jpeg: bytes


def read_photo(file: IO[bytes], size: int) -> Photo:
    """Decode, turn upright, crop to a square, encode anew without metadata. Raises `BadPhoto`.

    The size in pixels is read from the header and checked before anything is unpacked.
    """
    if size > MAX_BYTES:
        raise BadPhoto("This photo is larger than 5 MB. Choose a smaller one.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(file, formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise BadPhoto(TOO_MANY_PIXELS)
        return Photo(_encode(picture))
    except Image.DecompressionBombError as error:
        raise BadPhoto(TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadPhoto(NOT_A_PHOTO) from error


def _encode(picture: Image.Image) -> bytes:
    picture.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG need not be unpacked at its full size
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    square = ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.LANCZOS)
    # Pillow carries comments, profiles and the like from picture to picture; a new one has none.
    clean = Image.new("RGB", (SIDE, SIDE), "white")
    clean.paste(square, mask=square)
    out = BytesIO()
    clean.save(out, "JPEG", quality=85, optimize=True, progressive=True)
    return out.getvalue()
