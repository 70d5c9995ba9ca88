from io import BytesIO

import pytest
from PIL import Image

from mentors.photos import MAX_BYTES, SIDE, BadPhoto, read_photo
from tests.mentors import pictures


def read(content: bytes) -> Image.Image:
    return Image.open(BytesIO(read_photo(BytesIO(content), len(content)).jpeg))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(640, 480), (1, 900), (SIDE, SIDE)])
def test_photo_becomes_a_square_jpeg(kind: str, size: tuple[int, int]) -> None:
    photo = read(pictures.plain(kind, size))
    assert (photo.format, photo.size, photo.mode) == ("JPEG", (SIDE, SIDE), "RGB")


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "CMYK"])
def test_photo_of_any_colour_mode_is_read(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    content = pictures.plain("JPEG", mode=mode) if kind == "TIFF" else pictures.plain("PNG", mode=mode)
    assert read(content).mode == "RGB"


def test_photo_keeps_nothing_but_its_pixels() -> None:
    content = pictures.with_exif()
    assert b"SECRET-PLACE" in content
    jpeg = read_photo(BytesIO(content), len(content)).jpeg
    assert b"SECRET-PLACE" not in jpeg
    assert not dict(Image.open(BytesIO(jpeg)).getexif())
    assert "comment" not in Image.open(BytesIO(jpeg)).info
    text = pictures.with_text()
    assert b"SECRET-PLACE" not in read_photo(BytesIO(text), len(text)).jpeg


def test_photo_is_turned_upright() -> None:
    photo = read(pictures.with_exif())
    left, right = photo.getpixel((20, 200)), photo.getpixel((360, 200))
    assert left[2] > 200 > 60 > left[0]
    assert right[0] > 200 > 60 > right[2]


def test_transparent_parts_become_white() -> None:
    clear = pictures.encoded(Image.new("RGBA", (400, 400), (0, 0, 0, 0)), "PNG")
    assert read(clear).getpixel((100, 100)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"not a picture",
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\xff\xd8\xff\xe0" + b"\0" * 50,
        pictures.plain()[:200],
        pictures.plain("GIF"),
        pictures.plain("BMP"),
        pictures.plain("TIFF"),
        b"GIF89a<?php system($_GET['c']); ?>",
    ],
    ids=["text", "empty", "svg", "broken", "cut", "gif", "bmp", "tiff", "script"],
)
def test_what_is_not_a_photo_is_refused(content: bytes) -> None:
    with pytest.raises(BadPhoto, match="not a picture"):
        read(content)


@pytest.mark.parametrize("side", [6_400, 10_000, 30_000])
def test_a_small_file_with_too_many_pixels_is_refused_unread(side: int) -> None:
    bomb = pictures.bomb(side)
    assert len(bomb) < 10_000
    with pytest.raises(BadPhoto, match="too many pixels"):
        read(bomb)


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(BadPhoto, match="5 MB"):
        read_photo(BytesIO(), MAX_BYTES + 1)


def test_what_hides_behind_a_photo_is_gone() -> None:
    content = pictures.plain() + b"<?php system($_GET['c']); ?>"
    assert b"php" not in read_photo(BytesIO(content), len(content)).jpeg
