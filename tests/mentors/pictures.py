"""Pictures to upload, good and bad."""

import struct
import zlib
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ORIENTATION, GPS = 0x0112, 0x8825


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def plain(kind: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB") -> bytes:
    return encoded(Image.new(mode, size, "navy"), kind)


def with_exif() -> bytes:
    """Red above, blue below, to be turned by a quarter; with a place and a comment."""
    image = Image.new("RGB", (400, 400), "red")
    image.paste("blue", (0, 200, 400, 400))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "N"
    return encoded(image, exif=exif, comment=b"SECRET-PLACE")


def with_text() -> bytes:
    info = PngInfo()
    info.add_text("Location", "SECRET-PLACE")
    return encoded(Image.new("RGB", (400, 400), "navy"), "PNG", pnginfo=info)


def bomb(side: int = 30_000) -> bytes:
    """A small PNG whose header promises `side` by `side` pixels."""
    return _png(side, side, zlib.compress(b"\0" * 1_000_000))


def _png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bomb_of(kind: str, width: int, height: int) -> bytes:
    """A small file that really holds so many pixels, all black."""
    if kind == "WEBP":
        return encoded(Image.new("RGB", (width, height)), kind, lossless=True, quality=0, method=0)
    packed = zlib.compressobj()
    row = bytes(1 + 3 * width)
    return _png(width, height, b"".join([packed.compress(row) for _ in range(height)]) + packed.flush())


def upload(content: bytes, name: str = "me.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, kind)
