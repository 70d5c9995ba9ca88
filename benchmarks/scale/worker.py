"""A process with one database, which measures what it is asked for."""

import os
import secrets
import tempfile
import traceback
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.scale.sizes import NOW, Size

# A subject that takes longer is not repeated.
LONG_MS = 5_000


class Failed(Exception):
    """It could not be measured; the text says why."""


class Worker:
    """`prepare`, and then `measure` one by one. Ends when it is closed."""

    def __init__(self, size: Size, database_url: str) -> None:
        self.size = size
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        own_url = f"{database_url.rpartition('/')[0]}/{size.name}"
        self._process = context.Process(target=_serve, args=(size, own_url, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, what: str, *given: object) -> Any:
        """Raises `Failed`."""
        try:
            self._pipe.send((what, given))
            is_well, answer = self._pipe.recv()
        except (EOFError, BrokenPipeError):
            raise Failed("The worker has ended") from None
        if not is_well:
            raise Failed(answer)
        return answer

    def close(self) -> None:
        self._pipe.close()
        self._process.join(30)
        self._process.kill()


def _serve(size: Size, database_url: str, pipe: Connection) -> None:
    with tempfile.TemporaryDirectory(prefix="office-hours-scale-") as folder:
        os.environ.update(
            DEBUG="0",
            ENV_FILE="",
            DATA_DIR=folder,
            SECRET_KEY=secrets.token_hex(40),
            ALLOWED_HOSTS="localhost",
            SITE_URL="http://localhost",
            EMAIL_URL="memorymail://",
            PAYMENT_GATEWAYS="mock",
            STAFF_TWO_STEP="0",
            STRIPE_SECRET_KEY="sk_test_scale",
            STRIPE_WEBHOOK_SECRET="whsec_scale",
            DJANGO_SETTINGS_MODULE="benchmarks.scale.settings",
            DATABASE_URL=database_url,
        )
        import time_machine

        # It stands still, so that what is due does not grow while measuring goes on.
        with time_machine.travel(NOW, tick=False):
            import logging

            import django

            django.setup()
            logging.disable()
            from django.db import connection

            desk = _Desk(size)
            try:
                _answer(desk, pipe)
            finally:
                desk.leave()
                connection.close()
                connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's


def _answer(desk: "_Desk", pipe: Connection) -> None:
    while True:
        try:
            what, given = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, getattr(desk, what)(*given))
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            answer = (
                False,
                f"{type(error).__name__}: {error} ({last.filename.rpartition('/')[2]}:{last.lineno})",
            )
        pipe.send(answer)


class _Desk:
    """What a worker can be asked; Django is set up by then."""

    def __init__(self, size: Size) -> None:
        from benchmarks.scale.subjects import Work
        from benchmarks.scale.world import World

        self.world = World(size)
        self._works: dict[str, Work] = {}
        self._long: dict[str, Any] = {}

    def prepare(self) -> float:
        from benchmarks.scale import filling

        return filling.prepare(self.world.size)

    def execute(self, sql: str) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(sql)

    def problems(self) -> list[str]:
        """What the audit finds wrong with the money that was filled in."""
        from payments.reports.audit import audit

        return audit().problems

    def catalogue(self) -> list[tuple[str, bool]]:
        """Every subject's name, and whether it runs every minute. Raises when something of the site has none."""
        from benchmarks.scale import catalogue

        if missing := catalogue.missing():
            raise Failed("; ".join(missing))
        return [(subject.name, subject.is_every_minute) for subject in catalogue.subjects().values()]

    def measure(self, name: str) -> Any:
        """A first time, not counted, fills what a process keeps; unless it takes so long that once must do."""
        from benchmarks.scale import catalogue
        from benchmarks.scale.measuring import measure

        if name in self._long:
            return self._long[name]
        subject = catalogue.subjects()[name]
        if name not in self._works:
            self._works[name] = subject.prepare(self.world)
            first = measure(self._works[name])
            if first.whole > LONG_MS:
                self._long[name] = self._each(subject, first)
                return self._long[name]
        return self._each(subject, measure(self._works[name]))

    def _each(self, subject: Any, figures: Any) -> Any:
        return figures.divided_by(subject.per(self.world)) if subject.per else figures

    def leave(self) -> None:
        self.world.leave()
