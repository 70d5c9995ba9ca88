"""The caches: Redis, or a file that all processes of one machine share.

Rate limits are counted in them, so what one process writes every other must see. A cache that is away does not take
the site with it: it is as an empty one, which counts nothing and forgets everything, and the log says so.
"""

import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property
from redis.backoff import NoBackoff
from redis.retry import Retry

from lib.breaker import Breaker

T = TypeVar("T")

AWAY = "rate limits do not count and nothing is cached until it does"
# An answer that takes longer is none: whoever serves a page does not wait for it.
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 5.0


class Forgiving(BaseCache):
    """In front of a backend: while that is away, each operation answers as on an empty cache."""

    errors: ClassVar[tuple[type[Exception], ...]]
    breaker: Breaker

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return self._ask(lambda: super(Forgiving, self).add(key, value, timeout, version), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._ask(lambda: super(Forgiving, self).get(key, default, version), default)

    def set(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._ask(lambda: super(Forgiving, self).set(key, value, timeout, version), None)

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda: super(Forgiving, self).touch(key, timeout, version), False)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._ask(lambda: super(Forgiving, self).delete(key, version), False)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._ask(lambda: super(Forgiving, self).has_key(key, version), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises `ValueError` for a key that is not there, as Django's caches do."""
        """Raises ValueError for a key that is not there, as every backend does."""
        number = self._ask(lambda: super(Forgiving, self).incr(key, delta, version), None)
        if number is None:
            raise ValueError(f"Key '{key}' not found: the cache does not answer.")
        return number

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        return self._ask(lambda: super(Forgiving, self).get_many(keys, version), {})

    def set_many(
        self, data: dict[Any, Any], timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        return self._ask(lambda: super(Forgiving, self).set_many(data, timeout, version), list(data))

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        self._ask(lambda: super(Forgiving, self).delete_many(keys, version), None)

    def clear(self) -> None:
        self._ask(lambda: super(Forgiving, self).clear(), None)

    def _ask(self, operation: Callable[[], T], otherwise: T) -> T:
        if self.breaker.is_open:
            return otherwise
        try:
            answer = operation()
        except self.errors as error:
            self.breaker.failed(error)
            return otherwise
        self.breaker.worked()
        return answer


class SharedRedisCache(Forgiving, RedisCache):
    """The connections, and what is known of the server, belong to the process, whichever thread or request asks."""

    errors = (redis.RedisError, OSError)
    _known: ClassVar[dict[str, tuple[RedisCacheClient, Breaker]]] = {}

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        """Of the options only `pause_seconds`: for how long nobody asks again after a failure."""
        super().__init__(server, params)
        if server not in self._known:
            client = RedisCacheClient(
                [server],
                socket_connect_timeout=ANSWER_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                # Once more for a connection that its server has closed meanwhile; not for one that keeps silent.
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
            pause = params.get("OPTIONS", {}).get("pause_seconds", PAUSE_SECONDS)
            self._known[server] = client, Breaker("the cache", without=AWAY, pause_seconds=pause)
        self._client, self.breaker = self._known[server]

    @cached_property
    def _cache(self) -> RedisCacheClient:
        return self._client


class FileCache(BaseCache):
    """A table in an SQLite file of its own, so that counting never waits for the site's writers.

    Each operation is one transaction: what is added once is added once, and no count gets lost between processes.
    """

    def __init__(self, path: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._file = _file_at(path)

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        key = self.make_and_validate_key(key, version)
        with self._file.transaction() as run:
            if _read(run, key) is not None:
                return False
            _write(run, key, value, self.get_backend_timeout(timeout))
            return True

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        with self._file.reading() as run:
            row = _read(run, self.make_and_validate_key(key, version))
        return default if row is None else _loads(row[0])

    def set(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        with self._file.transaction() as run:
            _write(run, self.make_and_validate_key(key, version), value, self.get_backend_timeout(timeout))

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        key = self.make_and_validate_key(key, version)
        with self._file.transaction() as run:
            if _read(run, key) is None:
                return False
            run("UPDATE cache SET expires = ? WHERE key = ?", (self.get_backend_timeout(timeout), key))
            return True

    def delete(self, key: Any, version: int | None = None) -> bool:
        key = self.make_and_validate_key(key, version)
        with self._file.transaction() as run:
            found = _read(run, key) is not None
            run("DELETE FROM cache WHERE key = ?", (key,))
            return found

    def has_key(self, key: Any, version: int | None = None) -> bool:
        with self._file.reading() as run:
            return _read(run, self.make_and_validate_key(key, version)) is not None

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        key = self.make_and_validate_key(key, version)
        with self._file.transaction() as run:
            row = _read(run, key)
            if row is None:
                raise ValueError(f"Key '{key}' not found")
            number: int = _loads(row[0]) + delta
            run("UPDATE cache SET value = ? WHERE key = ?", (number, key))
            return number

    def clear(self) -> None:
        with self._file.transaction() as run:
            run("DELETE FROM cache", ())


class SharedFileCache(Forgiving, FileCache):
    """For one machine without Redis."""

    errors = (sqlite3.Error, OSError)

    def __init__(self, path: str, params: dict[str, Any]) -> None:
        super().__init__(path, params)
        self.breaker = self._file.breaker


Run = Callable[[str, tuple[Any, ...]], sqlite3.Cursor]


class _File:
    """The file, and this process's one connection to it, which threads use in turn: an operation takes 0.1 ms."""

    WRITES_BETWEEN_SWEEPS = 500

    def __init__(self, path: str) -> None:
        self.path = path
        self.breaker = Breaker("the cache", without=AWAY, pause_seconds=PAUSE_SECONDS)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._writes = 0

    @contextmanager
    def reading(self) -> Iterator[Run]:
        with self._lock:
            yield self._connect().execute

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        with self._lock:
            run = self._connect().execute
            run("BEGIN IMMEDIATE", ())
            try:
                yield run
                self._sweep(run)
            except BaseException:
                run("ROLLBACK", ())
                raise
            run("COMMIT", ())

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():  # an open one must not be used after a fork
            made = sqlite3.connect(
                self.path, timeout=ANSWER_SECONDS, isolation_level=None, check_same_thread=False
            )
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = NORMAL")
            made.execute(
                "CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value, expires REAL) WITHOUT ROWID"
            )
            made.execute("CREATE INDEX IF NOT EXISTS cache_expires ON cache (expires)")
            self._connection, self._pid = made, os.getpid()
        return self._connection

    def _sweep(self, run: Run) -> None:
        self._writes += 1
        if self._writes % self.WRITES_BETWEEN_SWEEPS == 0:
            run("DELETE FROM cache WHERE expires <= ?", (time.time(),))


_files: dict[str, _File] = {}


def _file_at(path: str) -> _File:
    return _files.setdefault(path, _File(path))


def _read(run: Run, key: str) -> tuple[Any] | None:
    found: tuple[Any] | None = run(
        "SELECT value FROM cache WHERE key = ? AND (expires IS NULL OR expires > ?)", (key, time.time())
    ).fetchone()
    return found


def _write(run: Run, key: str, value: Any, expires: float | None) -> None:
    run("INSERT OR REPLACE INTO cache (key, value, expires) VALUES (?, ?, ?)", (key, _dumps(value), expires))


def _dumps(value: Any) -> int | bytes:
    """Whole numbers stay readable in the file; everything else is a pickle."""
    return value if type(value) is int else pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _loads(stored: int | bytes) -> Any:
    # Written by this site alone, beside its database.
    return stored if isinstance(stored, int) else pickle.loads(stored)  # noqa: S301
