"""A photo in the sizes and formats in which it stands on pages, made from the kept one when first asked for.

Only for names that the kept photo gives, so that nobody chooses a size; each is made once and goes with its photo.
"""

import re
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image

SIDES = (112, 240)
# `mentors/5f….jpg` as it is kept, and the others by their names: `mentors/5f…-112.webp`.
NAME = re.compile(
    rf"(?P<kept>mentors/[0-9a-f]{{32}})(?:-(?P<side>{'|'.join(map(str, SIDES))}))?\.(?P<kind>jpg|webp)"
)
QUALITY = {"JPEG": 82, "WEBP": 80}


def other_sizes(name: str) -> list[str]:
    """The names of everything that may have been made from that photo."""
    kept, dot, kind = name.rpartition(".")
    if not dot:
        return []
    sized = [f"{kept}-{side}.{each}" for side in SIDES for each in (kind, "webp")]
    return [*sized, f"{kept}.webp"]


def make_size(name: str) -> bool:
    """Writes the file of that name if there is a photo for it; false when there is none. Safe to repeat, and for two
    at once."""
    storage = default_storage
    found = NAME.fullmatch(name)
    if found is None or not isinstance(storage, FileSystemStorage):
        return False
    kept = f"{found['kept']}.jpg"
    try:
        with storage.open(kept) as file:
            picture = Image.open(file).convert("RGB")
    except FileNotFoundError:
        return False
    side = int(found["side"] or picture.width)
    _write(Path(storage.path(name)), _encoded(picture, side, "WEBP" if found["kind"] == "webp" else "JPEG"))
    if not storage.exists(kept):  # taken away meanwhile
        with suppress(FileNotFoundError):
            storage.delete(name)
        return False
    return True


def _encoded(picture: Image.Image, side: int, kind: str) -> bytes:
    out = BytesIO()
    small = picture.resize((side, side), Image.Resampling.LANCZOS) if side != picture.width else picture
    small.save(out, kind, quality=QUALITY[kind], method=6, optimize=True, progressive=True)
    return out.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Whoever reads gets a whole file."""
    with NamedTemporaryFile(dir=path.parent, delete=False) as fresh:
        fresh.write(content)
    Path(fresh.name).chmod(0o644)
    Path(fresh.name).replace(path)
