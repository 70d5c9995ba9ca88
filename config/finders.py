"""Joins the style sheets into one file, and the scripts that every page has: a first visit asks for two, not sixty."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

# What each file is made of, in this order; within a pattern by name.
JOINED = {
    "css/site.css": (
        *("css/layers.css", "css/reset.css", "css/tokens.css", "css/base.css", "css/layout.css"),
        *("css/components/*.css", "css/utilities.css", "css/print.css"),
    ),
    "js/site.js": ("js/site/*.js",),
}


# A string, as it stands; what a style sheet has its gaps around; its other gaps. A comment is a gap.
GAP = r"(?:\s|/\*.*?\*/)"
PARTS_OF_CSS = re.compile(rf'("[^"]*")|{GAP}*([{{}};,]){GAP}*|(?<=:){GAP}+|({GAP}+)', re.DOTALL)


def light(path: Path) -> str:
    """A part as it is sent: a style sheet without what is for its readers, a sixth of its weight."""
    text = path.read_text()
    if path.suffix != ".css":
        return text
    return PARTS_OF_CSS.sub(lambda it: it[1] or it[2] or (" " if it[3] else ""), text).strip()


class JoinedFilesFinder(BaseFinder):
    """Makes a file when it is asked for, so that `collectstatic` and development serve the same.

    Each part keeps its name in a comment above it.
    """

    def __init__(self, app_names: Iterable[str] | None = None) -> None:
        self.source = Path(settings.BASE_DIR) / "static"
        self.storage = FileSystemStorage(settings.JOINED_ROOT)

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path not in JOINED:
            return []  # as Django's own do: `finders.find` takes a None for a find
        found = str(self._join(path))
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for path in JOINED:
            self._join(path)
            yield path, self.storage

    def _join(self, path: str) -> Path:
        """Several processes may do so at once: whoever reads gets a whole file."""
        parts = [part for pattern in JOINED[path] for part in sorted(self.source.glob(pattern))]
        text = "\n".join(f"/* {part.relative_to(self.source)} */\n{light(part)}" for part in parts)
        file = Path(self.storage.path(path))
        if not file.exists() or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=file.parent, delete=False) as fresh:
                fresh.write(text)
            Path(fresh.name).chmod(0o644)
            Path(fresh.name).replace(file)
        return file
