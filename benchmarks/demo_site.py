"""The site as it is served to the public, with its demo, for who looks at it from outside."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import django

from tests.servers import PRODUCTION, SHARED_FOLDER, Site, start_web

PEOPLE = ("student", "mentor", "approval", "staff")


@contextmanager
def demo_site() -> Iterator[tuple[Site, dict[str, str], dict[str, str]]]:
    """The running site, what stands in its addresses, and by person the cookie `sessionid`."""
    with tempfile.TemporaryDirectory(prefix="office-hours-made-") as folder:
        os.environ.update({SHARED_FOLDER: folder, "DJANGO_SETTINGS_MODULE": "tests.settings"})
        django.setup()
        from tests.e2e import stage

        with start_web({**PRODUCTION, "STAFF_TWO_STEP": "0"}) as site:
            site.manage("demo", "--force")
            facts = site.call(stage.stage)
            yield site, facts, {who: site.call(stage.signed_in, who) for who in PEOPLE}
