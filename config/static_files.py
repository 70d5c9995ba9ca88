"""Static files are collected once, and again only when one of them has changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_changed() -> bool:
    """Collect into `STATIC_ROOT` unless everything there was made from the same files; whether it was needed.

    Hashing and compressing take seconds, looking takes a fifth of one.
    """
    mark = Path(settings.STATIC_ROOT).with_name("static.collected")
    fingerprint = sources_fingerprint()
    is_there = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
    if is_there and mark.exists() and mark.read_text() == fingerprint:
        return False
    mark.unlink(missing_ok=True)  # until it is done, nobody must take it for done
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(fingerprint)
    return True


def sources_fingerprint() -> str:
    """Of every file that would be collected, name and contents, and of how they are stored."""
    found = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            with storage.open(name) as file:
                found.update(name.encode() + hashlib.sha256(file.read()).digest())
    return found.hexdigest()
