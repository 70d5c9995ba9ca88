"""An ASGI application around a WSGI one, so that nobody who is slow holds one of the few threads.

A request's body is read before a thread is taken, and no thread waits for whoever reads the answer: both waits are the
event loop's, where they cost next to nothing. What takes a thread's time is our own work alone.
"""

import asyncio
import contextvars
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Any, ParamSpec, TypeVar
from urllib.parse import unquote_to_bytes

P = ParamSpec("P")
T = TypeVar("T")
Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Environ = dict[str, Any]
WsgiApplication = Callable[..., Any]

logger = logging.getLogger(__name__)

# Of a body, so much is kept in memory, and the rest in a file; of an answer, so much is made ahead of its reader.
PIECE = 256 * 1024


WORDS = {
    HTTPStatus.REQUEST_TIMEOUT: "What you sent did not arrive in time. Please go back and try again.\n",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "You sent more than we take. Please go back and choose a smaller file.\n",
}


@dataclass(frozen=True)
class Limits:
    """A larger body is refused; up to `drained_bytes` are read all the same, since no browser shows an answer that
    comes before it has sent everything."""

    body_bytes: int = 10 * 1024 * 1024
    drained_bytes: int = 50 * 1024 * 1024
    body_seconds: float = 60
    # Without a further piece of a body, or with a piece of an answer that is not taken.
    silent_seconds: float = 15


class Refused(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class Disconnected(Exception):
    pass


class Bridge:
    """`threads` requests are worked on at once; the others wait for their turn in the order in which they came."""

    def __init__(self, wsgi: WsgiApplication, *, threads: int, limits: Limits | None = None) -> None:
        self.wsgi, self.limits = wsgi, limits or Limits()
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"There is nothing here for {scope['type']}")
        environ = environ_of(scope)
        with SpooledTemporaryFile(PIECE) as body:
            try:
                if _may_have_body(environ):
                    environ["CONTENT_LENGTH"] = str(await self._read(environ, receive, body))
                environ["wsgi.input"] = body
                await self._answer(environ, receive, send)
            except Refused as refusal:
                logger.warning("body refused", extra={"status": refusal.status, "ip": environ["REMOTE_ADDR"]})
                await _refuse(refusal.status, send)
            except Disconnected:
                logger.info("visitor left", extra={"ip": environ["REMOTE_ADDR"]})

    async def _read(self, environ: Environ, receive: Receive, body: IO[bytes]) -> int:
        """All of the body; how many bytes it has."""
        limits, size, more = self.limits, 0, True
        if _announced(environ) > limits.drained_bytes:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            async with asyncio.timeout(limits.body_seconds):
                while more and size <= limits.drained_bytes:
                    async with asyncio.timeout(limits.silent_seconds):
                        message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Disconnected
                    piece, more = message.get("body", b""), message.get("more_body", False)
                    size += len(piece)
                    if size <= limits.body_bytes:
                        body.write(piece)
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT) from None
        if size > limits.body_bytes:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body.seek(0)
        return size

    async def _answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        answer = Answer(self.wsgi, environ)
        # What the application keeps for a request, it keeps for this one only.
        context = contextvars.copy_context()
        piece = await self._in_thread(context.run, answer.begin)
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            if not answer.is_whole:
                piece = await self._hand_out(answer, piece, context, receive, send)
            await send({"type": "http.response.body", "body": piece})
        except TimeoutError:
            raise Disconnected from None
        finally:
            if not answer.is_closed:
                await self._in_thread(context.run, answer.close)

    async def _hand_out(
        self, answer: "Answer", piece: bytes, context: contextvars.Context, receive: Receive, send: Send
    ) -> bytes:
        """All but the last piece, which comes back, each when the one before was taken."""
        left = asyncio.ensure_future(_until_left(receive))  # the server takes pieces for nobody too
        try:
            while not answer.is_whole:
                async with asyncio.timeout(self.limits.silent_seconds):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if left.done():
                    raise Disconnected
                piece = await self._in_thread(context.run, answer.take)
            return piece
        finally:
            left.cancel()

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.pool, lambda: work(*args, **kwargs))


class Answer:
    """What a WSGI application answers, in pieces. Its methods run in a thread; an answer of one piece in one thread.

    The `write` of PEP 3333, which it discourages and Django doesn't use, is left out.
    """

    def __init__(self, wsgi: WsgiApplication, environ: Environ) -> None:
        self.wsgi, self.environ = wsgi, environ
        self.status, self.headers = 500, list[tuple[bytes, bytes]]()
        self.is_whole = self.is_closed = False

    def begin(self) -> bytes:
        self.result = self.wsgi(self.environ, self._start)
        try:
            self.pieces = iter(self.result)
            if self.environ["REQUEST_METHOD"] != "HEAD":
                return self.take()
            self.is_whole = True
            self.close()
            return b""
        except BaseException:
            self.close()
            raise

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def take(self) -> bytes:
        """The next piece; after the last one the answer is whole, and closed."""
        pieces, size = [], 0
        for piece in self.pieces:
            pieces.append(piece)
            size += len(piece)
            if size >= PIECE:
                return b"".join(pieces)
        self.is_whole = True
        self.close()
        return b"".join(pieces)

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            getattr(self.result, "close", lambda: None)()


def environ_of(scope: Scope) -> Environ:
    """As PEP 3333 wants it, all but `wsgi.input`: bytes of any kind are strings of latin-1."""
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        # With an underscore it would pass for a header of another name, such as one that only our proxy may send.
        if b"_" in name:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        if key in environ:
            # HTTP/2 sends cookies one by one (RFC 9113, section 8.2.3); all other lists have commas.
            text = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + text
        environ[key] = text
    return environ


def _may_have_body(environ: Environ) -> bool:
    announced = "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ
    return announced or environ["REQUEST_METHOD"] not in ("GET", "HEAD")


def _announced(environ: Environ) -> int:
    length = environ.get("CONTENT_LENGTH", "")
    return int(length) if length.isdecimal() else 0


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(status: HTTPStatus, send: Send) -> None:
    """Before Django, and so without a page; whatever is still to come of the request goes with the connection."""
    words = WORDS[status].encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(words)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": words})
