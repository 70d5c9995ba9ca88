import json
import subprocess
import sys
import threading
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from mentors.photos import MAX_BYTES, SIDE, BadPhoto, read_photo
from tests.mentors import pictures
from tests.servers import BASE_DIR


def read(content: bytes, **limits: Any) -> Image.Image:
    return Image.open(BytesIO(read_photo(BytesIO(content), len(content), **limits).jpeg))


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


def test_photo_of_sixteen_bits_keeps_its_greys() -> None:
    grey = Image.new("I;16", (400, 400), 40_000)
    assert read(pictures.encoded(grey, "PNG")).getpixel((100, 100)) == pytest.approx((156, 156, 156), abs=2)


def test_middle_of_a_large_photo_is_the_same_when_it_is_read_in_strips() -> None:
    """A diagonal, so that a strip in the wrong place or of the wrong height shows."""
    large = Image.linear_gradient("L").rotate(45).resize((2600, 1750)).convert("RGBA")
    content = pictures.encoded(large, "PNG")
    in_one = read(content, strip_pixels=10_000_000)
    assert read(content, strip_pixels=40_000).tobytes() == in_one.tobytes()


@pytest.mark.parametrize(
    ("kind", "size", "may"),
    [
        ("JPEG", (5712, 4284), True),  # what a phone takes
        ("JPEG", (5000, 5000), False),
        ("WEBP", (3500, 3500), True),
        ("WEBP", (4000, 4000), False),
        ("WEBP", (16_000, 4), True),
    ],
)
def test_photo_may_have_24_megapixels_and_half_as_many_as_webp(
    kind: str, size: tuple[int, int], may: bool
) -> None:
    content = pictures.plain(kind, size)
    if may:
        assert read(content).size == (SIDE, SIDE)
    else:
        with pytest.raises(BadPhoto, match="too many pixels"):
            read(content)


# Reads each picture in three threads at once and prints by how many MB the process grew at most.
MEASURE = """
import json, resource, sys, threading
from io import BytesIO
from mentors.photos import BadPhoto, read_photo
from tests.mentors import pictures

def read(content):
    try:
        read_photo(BytesIO(content), len(content))
    except BadPhoto as error:
        refused.append(str(error))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

refused = []
bombs = [pictures.bomb_of(*each) for each in json.loads(sys.argv[1])]
read(pictures.plain())
before = peak()
for bomb in bombs:
    threads = [threading.Thread(target=read, args=(bomb,)) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(json.dumps({"grew": peak() - before, "refused": len(refused), "sizes": [len(each) for each in bombs]}))
"""


def test_a_small_file_of_many_pixels_costs_little_memory_however_many_come_at_once() -> None:
    bombs = [("WEBP", 3500, 3500), ("WEBP", 6000, 4000), ("PNG", 6000, 4000), ("PNG", 6300, 6300)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(bombs)],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert max(found["sizes"]) < 200_000
    assert found["refused"] == 6
    assert found["grew"] < 280


def test_photo_that_does_not_get_its_turn_asks_to_try_again() -> None:
    reading, done = threading.Event(), threading.Event()

    class Slow(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            reading.set()
            done.wait(20)
            return super().read(size)

    other = threading.Thread(target=lambda: read_photo(Slow(pictures.plain()), 1))
    other.start()
    assert reading.wait(20)
    with pytest.raises(BadPhoto, match="try again in a minute"):
        read(pictures.plain(), turn_seconds=0.05)
    done.set()
    other.join()
    assert read(pictures.plain()).size == (SIDE, SIDE)
